"""Computes one cell: the stages weigh, train and evaluate, and the row that they leave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from distbench.engine.cell_costs import cell_cost
from distbench.engine.device import environment, forget_peak_memory, pick_device
from distbench.engine.method_runner import Trainer
from distbench.engine.records.ledger import Ledger
from distbench.engine.retrieval import retrieve_for
from distbench.engine.stages.evaluate import evaluate
from distbench.engine.stages.score import Scores
from distbench.engine.stages.train import weights_digest
from distbench.engine.stages.weigh import weigh
from distbench.engine.task_facts.same_pictures import check_transfer_set
from distbench.engine.workspace import Workspace
from distbench.errors import Declined
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.context import Context, WeightedSource
from distbench.interfaces.method import Method
from distbench.interfaces.reporter import Cell
from distbench.planning.keys import split_seed
from distbench.planning.plan import PlannedMethod, PlannedTask
from distbench.storage.atomic import write_atomic
from distbench.storage.predictions import (
    Predictions,
    accuracy,
    balanced_accuracy,
    predictions_digest,
)
from distbench.storage.probabilities import Logs, probabilities_digest
from distbench.storage.rows import PartsBlock, ResultBlock, Row, SourcesBlock
from distbench.storage.safe_text import harmless_text


def compute_cell(
    work: Workspace, cell: Cell, scores: Scores | None
) -> tuple[Row, Predictions | None, Logs | None]:
    """Computes a cell.

    Args:
        work: The plan, opened.
        cell: The cell.
        scores: What its metric says of the sources; None for a method without a metric.

    Returns:
        A row that is ``done``, with the test predictions and the logarithms of their
        probabilities, or ``declined``; failures are raised.
    """
    started = time.perf_counter()
    plan = work.plan
    task, planned = plan.task(cell.task), plan.method(cell.method)
    if reason := plan.declined.get(task.id, {}).get(planned.id):
        return Ledger(plan, work.root).blank(cell, status="declined", reason=reason), None, None
    method = work.method(planned)
    read: set[str] = set()
    images, context = work.images(task), work.context(task, cell.seed, read)
    device = pick_device(plan.device)
    forget_peak_memory(device)
    try:
        chosen, block = _choose(work, task, planned, context, scores)
        retrieved = retrieve_for(work, method, planned, context, chosen)
        positions = retrieved.positions if retrieved else None
        notes: tuple[str, ...] = ()
        if planned.transfer is not None:
            notes = check_transfer_set(work, task, planned.transfer, cell.seed, positions)
        names = tuple(source.info.name for source in chosen)
        # In a gallery an image is decoded whenever it is read: all sources look at it at once.
        looking = names if retrieved else ()
        trainer = Trainer(
            work, task, cell.seed, planned.transfer, positions, looking=looking, read=read
        )
        trained = trainer.train(method, chosen)
    except Declined as declined:
        reason = harmless_text(declined.reason)
        row = Ledger(plan, work.root).blank(cell, status="declined", reason=reason)
        return row, None, None
    judged = work.images(task, trained.setting.image_size)
    evaluation = evaluate(trained.network, judged.test, judged.test_labels, trained.setting)
    predictions, logs = evaluation.predictions, evaluation.logs
    if plan.save_student:
        save_student(work, cell, trained.model)
    row = Ledger(plan, work.root).blank(
        cell,
        notes,
        status="done",
        result=ResultBlock(
            accuracy=accuracy(predictions, judged.test_labels),
            balanced_accuracy=balanced_accuracy(predictions, judged.test_labels),
            validation_accuracy=trainer.validate(trained.network, trained.setting),
            predictions_digest=predictions_digest(predictions),
            probabilities_digest=None if logs is None else probabilities_digest(logs),
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
            declared=trained.declared
            | _teachers(trainer, method, chosen)
            | ({"untuned": True} if planned.untuned else {}),
            student_digest=weights_digest(trained.model),
        ),
        cost=cell_cost(
            work, trainer, trained, chosen, retrieved, block.scores, time.perf_counter() - started
        ),
        environment=environment(device, plan.protocol.precision, plan.protocol.threads),
    )
    return row, predictions, logs


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
    elif not infos and excluded:
        reasons = "; ".join(sorted(set(excluded.values())))
        raise Declined(f"no eligible source is left ({reasons})")
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


def _teachers(
    trainer: Trainer, method: Method, sources: Sequence[WeightedSource]
) -> dict[str, Any]:
    """What was done besides training the student, for the row."""
    declared: dict[str, Any] = {}
    if method.initialisation == "source":
        declared["trained_source"] = sources[0].info.name
    if trainer.teachers:
        declared["teacher_steps"] = sum(teacher.steps for _, teacher in trainer.teachers)
    if trainer.setting.transfer is not None:
        declared["transfer_images"] = trainer.distilled_on - len(trainer.setting.images)
    return declared


def save_student(work: Workspace, cell: Cell, model: Classifier) -> None:
    """Keeps a trained student beside the cells; `distbench.workflows.export` ships it."""
    from safetensors.torch import save

    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    path = Ledger(work.plan, work.root).student(cell.key)
    write_atomic(path, save({k: v.clone() for k, v in tensors.items()}))
