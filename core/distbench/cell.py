"""Computes one cell: the stages weigh, train and evaluate, and the row that they leave."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.components import Method, Metric, Strategy
from distbench.device import environment, forget_peak_memory, peak_memory_mb
from distbench.errors import Declined
from distbench.keys import split_seed
from distbench.ledger import Ledger
from distbench.method import Context, WeightedSource
from distbench.plan import Cell, PlannedMethod, PlannedTask
from distbench.results import (
    CostBlock,
    PartsBlock,
    ResultBlock,
    Row,
    SourcesBlock,
    write_atomic,
)
from distbench.stages.evaluate import evaluate
from distbench.stages.score import Scores, probes_of, score
from distbench.stages.train import Trained, weights_digest
from distbench.stages.weigh import weigh
from distbench.trainer import Trainer
from distbench.training.model import StudentModel
from distbench.workspace import Workspace


def score_task(work: Workspace, task: PlannedTask, method: PlannedMethod, seed: int) -> Scores:
    """Scores of a method's metric on a task, from the cache or computed now."""
    metric = cast(Metric, work.component("metric", method.components["metric"]))
    infos, embeddings, _ = work.eligible(task, method)
    probes = probes_of(
        infos,
        embeddings,
        work.probe(task, seed),
        work.images(task).train_labels,
        work.context(task, seed).seed_for("metric"),
        reference_of(work, task, seed) if "reference" in metric.needed() else None,
    )
    return score(metric, probes)


def reference_of(work: Workspace, task: PlannedTask, seed: int) -> NDArray[np.float32]:
    """Features (n, d) of the reference model on the probe: the student, trained on the labels."""

    def make(folder: Path) -> None:
        trainer = Trainer(work, task, seed)
        if work.plan.reference is None:
            raise ValueError("no metric of this plan needs a reference")
        table = work.plan.reference.components["baseline"]
        trained = trainer.train(cast(Method, work.component("baseline", table)))
        features = trainer.features(trained.model, work.probe(task, seed))
        np.save(folder / "features.npy", features)

    key = work.plan.reference_key(task.id, seed)
    found: NDArray[np.float32] = np.load(
        work.artifacts.build("references", key, make) / "features.npy"
    )
    return found


def compute_cell(work: Workspace, cell: Cell, scores: Scores | None) -> Row:
    """Computes a cell.

    Args:
        work: The plan, opened.
        cell: The cell.
        scores: What its metric says of the sources; None for a method without a metric.

    Returns:
        A row that is ``done`` or ``declined``; failures are raised.
    """
    started = time.perf_counter()
    plan = work.plan
    task, planned = plan.task(cell.task), plan.method(cell.method)
    trainer = Trainer(work, task, cell.seed)
    images, context, device = work.images(task), trainer.context, trainer.setting.device
    forget_peak_memory(device)
    kind = "distiller" if planned.uses_sources else "baseline"
    method = cast(Method, work.component(kind, planned.components[kind]))
    try:
        chosen, block = _choose(work, task, planned, context, scores)
        trained = trainer.train(method, chosen)
    except Declined as declined:
        return Ledger(plan, work.root).blank(cell, status="declined", reason=declined.reason)
    judged = evaluate(trained.model, images.test, images.test_labels, trainer.setting)
    if plan.save_student:
        save_student(work, cell, trained.model)
    return Ledger(plan, work.root).blank(
        cell,
        status="done",
        result=ResultBlock(
            accuracy=judged.accuracy,
            balanced_accuracy=judged.balanced_accuracy,
            validation_accuracy=trainer.validate(trained.model),
            predictions=tuple(judged.predictions.tolist()),
            curve=trained.curve,
            sources=block,
            parts=PartsBlock(
                labelled=len(context.labelled),
                unlabelled=len(context.unlabelled),
                validation=len(context.validation),
                test=len(images.test_labels),
                skipped=images.skipped,
                split_seed=split_seed(plan.suite, task.id, cell.seed),
            ),
            declared=trained.declared,
            student_digest=weights_digest(trained.model),
        ),
        cost=_cost(trained, chosen, device, time.perf_counter() - started),
        environment=environment(device, plan.protocol.precision, plan.protocol.threads),
    )


def _choose(
    work: Workspace,
    task: PlannedTask,
    planned: PlannedMethod,
    context: Context,
    scores: Scores | None,
) -> tuple[tuple[WeightedSource, ...], SourcesBlock]:
    """The weighted sources of a method on a task, heaviest first, and what the row says of them."""
    if not planned.uses_sources:
        return (), SourcesBlock()
    infos, embeddings, excluded = work.eligible(task, planned)
    strategy = cast(Strategy, work.component("strategy", planned.components["strategy"]))
    weights = weigh(strategy, infos, scores, context)
    if scores is not None:
        excluded |= scores.excluded
    used = sorted((i for i in infos if weights.get(i.name, 0) > 0), key=lambda i: -weights[i.name])
    block = SourcesBlock(
        eligible=tuple(i.name for i in infos if i.name in weights),
        excluded=excluded,
        marked=work.plan.marked.get(task.id, {}),
        scores=scores.values if scores else {},
        weights=weights,
        fingerprints={i.name: i.fingerprint for i in used},
    )
    return tuple(WeightedSource(i, weights[i.name], embeddings[i.name]) for i in used), block


def _cost(
    trained: Trained, sources: tuple[WeightedSource, ...], device: torch.device, seconds: float
) -> CostBlock:
    known = [s.info.macs for s in sources]
    return CostBlock(
        parameters=sum(p.numel() for p in trained.model.parameters()),
        student_macs=trained.macs,
        teacher_macs=None if None in known else sum(m for m in known if m is not None),
        training_macs=3 * trained.macs * trained.image_passes,
        steps=int(trained.declared["steps"]),
        train_seconds=trained.seconds,
        total_seconds=seconds,
        peak_memory_mb=peak_memory_mb(device),
    )


def save_student(work: Workspace, cell: Cell, model: StudentModel) -> None:
    """Keeps a trained student beside the cells, in the form in which it is shipped."""
    from safetensors.torch import save

    def cpu(module: nn.Module) -> dict[str, Any]:
        return {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}

    classes = work.plan.task(cell.task).classes
    tensors, recipe = work.student.export(cpu(model.backbone), cpu(model.head), classes)
    recipe |= {"input_size": work.plan.protocol.image_size}
    path = Ledger(work.plan, work.root).student(cell.key)
    write_atomic(path.with_suffix(".json"), json.dumps(recipe, indent=1))
    write_atomic(path, save({k: v.clone() for k, v in tensors.items()}))
