"""What a cell cost: operations, times and memory of the student, its teachers and its selection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from distbench.engine.device import peak_memory_mb
from distbench.engine.method_runner import Trainer
from distbench.engine.retrieval import Retrieved
from distbench.engine.stages.train import Trained
from distbench.engine.student_costs import latency_ms
from distbench.engine.workspace import Workspace
from distbench.interfaces.context import WeightedSource
from distbench.storage.artifact_cache.artifacts import seconds_of
from distbench.storage.rows import CostBlock


def cell_cost(
    work: Workspace,
    trainer: Trainer,
    trained: Trained,
    sources: Sequence[WeightedSource],
    retrieved: Retrieved | None,
    scored: Collection[str],
    seconds: float,
) -> CostBlock:
    """What a cell cost; None for operations of a source whose own are not known.

    Args:
        work: The plan, opened.
        trainer: What trained the student.
        trained: The student.
        sources: What it learnt from.
        retrieved: How its transfer set was chosen, if it had one.
        scored: Names of the sources that a metric scored.
        seconds: How long the cell took.
    """
    distils = trained.declared["initialisation"] != "source"
    probe = len(work.probe(trainer.task, trainer.seed)) if scored else 0
    selection = [(work.plan.source(name).macs, probe) for name in scored]
    looked_at = trainer.read - {source.info.name for source in sources}
    images = len(trainer.setting.images)
    for name in looked_at:
        rest = images - probe if name in scored else images
        selection.append((work.plan.source(name).macs, rest))
    if retrieved is not None:
        selection.append((work.plan.source(retrieved.encoder).macs, retrieved.compared))
    return CostBlock(
        parameters=sum(p.numel() for p in trained.model.parameters()),
        student_macs=trained.macs,
        teacher_macs=_total((s.info.macs, 1) for s in sources) if distils else 0,
        training_macs=trained.training_macs,
        images_forward=trained.images_forward,
        images_backward=trained.images_backward,
        teacher_pass_macs=_total((s.info.macs, _passes(trainer, s.info.name)) for s in sources)
        if distils
        else 0,
        teacher_training_macs=sum(teacher.macs for _, teacher in trainer.teachers),
        selection_macs=_total(selection),
        steps=int(trained.declared["steps"]),
        train_seconds=trained.seconds,
        data_seconds=trained.data_seconds,
        teacher_pass_seconds=_pass_seconds(trainer, sources) if distils else 0.0,
        teacher_training_seconds=sum(teacher.seconds for _, teacher in trainer.teachers),
        total_seconds=seconds,
        latency_ms=latency_ms(
            trained.network, trained.setting.image_size, trained.setting.device, seconds=0.03
        ),
        peak_memory_mb=peak_memory_mb(trained.setting.device),
    )


def _passes(trainer: Trainer, source: str) -> int:
    """Images that went through a source for a student to learn from, fine-tuning not counted."""
    layers = trainer.tapped[source]
    if source in trainer.shown:
        return trainer.shown[source] + layers
    # One that was fine-tuned has been run again afterwards, which counts as fine-tuning.
    again = any(teacher.steps for name, teacher in trainer.teachers if name == source)
    return layers if again else trainer.distilled_on + layers


def _pass_seconds(trainer: Trainer, sources: Sequence[WeightedSource]) -> float | None:
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
    total = 0
    for macs, images in passes:
        if images and macs is None:
            return None
        total += (macs or 0) * images
    return total
