"""Computes one cell: the stages weigh, train and evaluate, and the row that they leave."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.engine.device import environment, forget_peak_memory, peak_memory_mb, pick_device
from distbench.engine.ledger import Ledger
from distbench.engine.method_runner import Trainer
from distbench.engine.retrieval import Retrieved, retrieve_for
from distbench.engine.stages.evaluate import evaluate
from distbench.engine.stages.score import Scores, probes_of, score
from distbench.engine.stages.train import Trained, weights_digest
from distbench.engine.stages.weigh import weigh
from distbench.engine.student_costs import latency_ms
from distbench.engine.workspace import Workspace
from distbench.errors import Declined
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.context import Context, WeightedSource
from distbench.interfaces.method import Method
from distbench.interfaces.reporter import Cell
from distbench.planning.keys import split_seed
from distbench.planning.plan import PlannedMethod, PlannedTask
from distbench.storage.artifacts import seconds_of
from distbench.storage.atomic import write_atomic
from distbench.storage.predictions import Predictions, predictions_digest
from distbench.storage.rows import CostBlock, PartsBlock, ResultBlock, Row, SourcesBlock

Sources = tuple[WeightedSource, ...]


def score_task(work: Workspace, task: PlannedTask, method: PlannedMethod, seed: int) -> Scores:
    """Scores of a method's metric on a task, from the cache or computed now."""
    metric = work.names.make("metric", method.components["metric"])
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
        trained = trainer.train(work.names.make("baseline", table))
        features = trainer.features(trained.model, work.probe(task, seed))
        np.save(folder / "features.npy", features)

    key = work.plan.reference_key(task.id, seed)
    found: NDArray[np.float32] = np.load(
        work.artifacts.build("references", key, make) / "features.npy"
    )
    return found


def compute_cell(
    work: Workspace, cell: Cell, scores: Scores | None
) -> tuple[Row, Predictions | None]:
    """Computes a cell.

    Args:
        work: The plan, opened.
        cell: The cell.
        scores: What its metric says of the sources; None for a method without a metric.

    Returns:
        A row that is ``done``, with the test predictions, or ``declined``; failures are raised.
    """
    started = time.perf_counter()
    plan = work.plan
    task, planned = plan.task(cell.task), plan.method(cell.method)
    method = work.method(planned)
    images, context = work.images(task), work.context(task, cell.seed)
    device = pick_device(plan.device)
    forget_peak_memory(device)
    try:
        chosen, block = _choose(work, task, planned, context, scores)
        retrieved = retrieve_for(work, method, planned, context, chosen)
        positions = retrieved.positions if retrieved else None
        trainer = Trainer(work, task, cell.seed, planned.transfer, positions)
        trained = trainer.train(method, chosen)
    except Declined as declined:
        row = Ledger(plan, work.root).blank(cell, status="declined", reason=declined.reason)
        return row, None
    judged = evaluate(trained.model, images.test, images.test_labels, trained.setting)
    if plan.save_student and method.initialisation != "source":
        save_student(work, cell, trained.model)
    row = Ledger(plan, work.root).blank(
        cell,
        status="done",
        result=ResultBlock(
            accuracy=judged.accuracy,
            balanced_accuracy=judged.balanced_accuracy,
            validation_accuracy=trainer.validate(trained.model, trained.setting),
            predictions_digest=predictions_digest(judged.predictions),
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
            declared=trained.declared | _teachers(trainer, method, chosen),
            student_digest=weights_digest(trained.model),
        ),
        cost=_cost(work, trainer, trained, chosen, retrieved, block, time.perf_counter() - started),
        environment=environment(device, plan.protocol.precision, plan.protocol.threads),
    )
    return row, judged.predictions


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
    if planned.generalist:
        if not infos:
            raise Declined("; ".join(f"{name} {why}" for name, why in excluded.items()))
        weights = {infos[0].name: 1.0}
    else:
        strategy = work.names.make("strategy", planned.components["strategy"])
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


def _teachers(trainer: Trainer, method: Method, sources: Sources) -> dict[str, Any]:
    """What was done besides training the student, for the row."""
    found: dict[str, Any] = {}
    if method.initialisation == "source":
        found["trained_source"] = sources[0].info.name
    if trainer.teachers:
        found["teacher_steps"] = sum(teacher.steps for _, teacher in trainer.teachers)
    if trainer.setting.transfer is not None:
        found["transfer_images"] = trainer.distilled_on - len(trainer.setting.images)
    return found


def _cost(
    work: Workspace,
    trainer: Trainer,
    trained: Trained,
    sources: Sources,
    retrieved: Retrieved | None,
    block: SourcesBlock,
    seconds: float,
) -> CostBlock:
    """What a cell cost; None for operations of a source whose own are not known."""
    distils = trained.declared["initialisation"] != "source"
    probe = len(work.probe(trainer.task, trainer.seed)) if block.scores else 0
    selection = [(work.plan.source(name).macs, probe) for name in block.scores]
    if retrieved is not None:
        selection.append((work.plan.source(retrieved.encoder).macs, retrieved.compared))
    return CostBlock(
        parameters=sum(p.numel() for p in trained.model.parameters()),
        student_macs=trained.macs,
        teacher_macs=_total((s.info.macs, 1) for s in sources) if distils else 0,
        training_macs=trained.training_macs,
        teacher_pass_macs=_total((s.info.macs, _passes(trainer, s.info.name)) for s in sources)
        if distils
        else 0,
        teacher_training_macs=sum(teacher.macs for _, teacher in trainer.teachers),
        selection_macs=_total(selection),
        steps=int(trained.declared["steps"]),
        train_seconds=trained.seconds,
        teacher_pass_seconds=_pass_seconds(trainer, sources) if distils else 0.0,
        teacher_training_seconds=sum(teacher.seconds for _, teacher in trainer.teachers),
        total_seconds=seconds,
        latency_ms=latency_ms(
            trained.model, trained.setting.image_size, trained.setting.device, seconds=0.03
        ),
        peak_memory_mb=peak_memory_mb(trained.setting.device),
    )


def _passes(trainer: Trainer, source: str) -> int:
    """Images that went through a source for a student to learn from, fine-tuning not counted."""
    if source in trainer.shown:
        return trainer.shown[source]
    # One that was fine-tuned has been run again afterwards, which counts as fine-tuning.
    again = any(teacher.steps for name, teacher in trainer.teachers if name == source)
    return 0 if again else trainer.distilled_on


def _pass_seconds(trainer: Trainer, sources: Sources) -> float | None:
    """Time that the passes of `_passes` took when they were made; None if that is not known."""
    total = 0.0
    for source in sources:
        name = source.info.name
        # Passes during training are in the time of training, those after fine-tuning in that.
        if name in trainer.shown or not _passes(trainer, name):
            continue
        parts = [(trainer.task, 1.0)]
        if trainer.transfer is not None and trainer.setting.transfer is not None:
            used = trainer.distilled_on - len(trainer.setting.images)
            parts.append((trainer.transfer, used / max(len(trainer.setting.transfer), 1)))
        for task, share in parts:
            took = seconds_of(trainer.work.embedding_folder(task, name))
            if took is None:
                return None
            total += share * took
    return total


def _total(passes: Iterable[tuple[int | None, int]]) -> int | None:
    """Operations of passes of images through networks; None if those of one are not known."""
    found = 0
    for macs, images in passes:
        if images and macs is None:
            return None
        found += (macs or 0) * images
    return found


def save_student(work: Workspace, cell: Cell, model: Classifier) -> None:
    """Keeps a trained student beside the cells; `distbench.workflows.export` ships it."""
    from safetensors.torch import save

    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    path = Ledger(work.plan, work.root).student(cell.key)
    write_atomic(path, save({k: v.clone() for k, v in tensors.items()}))
