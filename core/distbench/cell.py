"""Computes one cell: the stages weigh, train and evaluate, and the row that they leave."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import torch
from torch import nn

from distbench.components import Method, Metric, Strategy
from distbench.device import environment, forget_peak_memory, peak_memory_mb, pick_device
from distbench.errors import Declined
from distbench.keys import split_seed
from distbench.ledger import Ledger
from distbench.method import Context, MethodContext, WeightedSource
from distbench.plan import Cell, PlannedMethod, PlannedTask
from distbench.results import (
    CostBlock,
    PartsBlock,
    ResultBlock,
    Row,
    SourcesBlock,
    write_atomic,
)
from distbench.stages.evaluate import accuracy, evaluate
from distbench.stages.score import Scores, score
from distbench.stages.train import Trained, fresh_student, train, weights_digest
from distbench.stages.weigh import weigh
from distbench.training.loop import Setting, predict
from distbench.training.model import StudentModel
from distbench.workspace import Workspace


def score_task(work: Workspace, task: PlannedTask, method: PlannedMethod, seed: int) -> Scores:
    """Scores of a method's metric on a task, from the cache or computed now."""
    metric = cast(Metric, work.component("metric", method.components["metric"]))
    infos, embeddings, _ = work.eligible(task, method)
    return score(
        metric,
        infos,
        embeddings,
        work.probe(task, seed),
        work.images(task).train_labels,
        work.context(task, seed).seed_for("metric"),
    )


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
    device = pick_device(plan.device)
    forget_peak_memory(device)
    kind = "distiller" if planned.uses_sources else "baseline"
    method = cast(Method, work.component(kind, planned.components[kind]))
    images, context = work.images(task), work.context(task, cell.seed)
    setting = Setting(
        images=images.train,
        image_size=plan.protocol.image_size,
        device=device,
        precision=plan.protocol.precision,
        seed=context.seed_for("batches"),
    )

    def validate(model: nn.Module) -> float | None:
        if not len(context.validation):
            return None
        found = predict(model, images.train[context.validation], setting)
        return accuracy(found, context.labels[context.validation])

    try:
        chosen, block = _choose(work, task, planned, context, scores)
        model = fresh_student(
            work.student, method, context.seed_for("student"), len(task.classes), device
        )
        method_context = MethodContext(
            **{name: getattr(context, name) for name in Context.__dataclass_fields__},
            sources=chosen,
            num_features=model.num_features,
        )
        trained = train(method, method_context, model, setting, validate)
    except Declined as declined:
        return Ledger(plan, work.root).blank(cell, status="declined", reason=declined.reason)
    judged = evaluate(trained.model, images.test, images.test_labels, setting)
    if plan.save_student:
        save_student(work, cell, trained.model)
    return Ledger(plan, work.root).blank(
        cell,
        status="done",
        result=ResultBlock(
            accuracy=judged.accuracy,
            balanced_accuracy=judged.balanced_accuracy,
            validation_accuracy=validate(trained.model),
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
