"""The trained student of a cell: as it was kept, or trained once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.engine.records.ledger import Ledger
from distbench.engine.stages.prepare import ImageSet
from distbench.engine.stages.train import weights_digest
from distbench.engine.students.trained_source import Exportable, TrainedSource
from distbench.engine.training.heads import give_head
from distbench.engine.training.inference import OWN
from distbench.engine.training.student import build_student
from distbench.engine.training.teacher import source_model
from distbench.engine.unit import execute_unit
from distbench.engine.workspace import Workspace
from distbench.errors import DistbenchError, RefusedError, UsageError
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.progress import Progress
from distbench.interfaces.reporter import Cell
from distbench.interfaces.training.views import SeveralViews
from distbench.interfaces.zoo import Source, SourceInfo
from distbench.planning.plan import Plan, PlannedTask
from distbench.planning.units import units_of
from distbench.storage.rows import ResultBlock, Row
from distbench.workflows.export.preprocessing import Preprocessing

_IMAGES = 32


@dataclass(frozen=True)
class Original:
    """A trained student, and what is needed to ship it.

    Attributes:
        work: The plan, opened.
        cell: Its cell.
        row: The row of the cell.
        result: What the row says of the student.
        model: The student on the CPU, in evaluation mode.
        steps: How it is given images.
        samples: uint8 (n, s, s, 3), some train images of the task, as stored.
    """

    work: Workspace
    cell: Cell
    row: Row
    result: ResultBlock
    model: Classifier
    steps: Preprocessing
    samples: NDArray[np.uint8]

    @property
    def task(self) -> PlannedTask:
        """The task that it learnt."""
        return self.work.plan.task(self.cell.task)

    @property
    def plan(self) -> Plan:
        """The plan of its run."""
        return self.work.plan

    @property
    def images(self) -> ImageSet:
        """The images of the task, stored as it sees them."""
        return self.work.images(self.task, self.steps.size)

    @property
    def views(self) -> tuple[tuple[str, ...], str] | None:
        """Names of the views that it was judged by, and what their mean is of; None of one."""
        inference = self.result.declared.get("inference", {})
        return (tuple(inference["views"]), inference["mean"]) if "views" in inference else None

    @property
    def exported_views(self) -> tuple[tuple[str, ...], str] | None:
        """The same, where all have a name: functions of a plugin are not exported."""
        return None if self.views is None or OWN in self.views[0] else self.views

    @property
    def trained_source(self) -> SourceInfo | None:
        """The source that was trained in place of the student, if one was."""
        source = _trained_source(self.work, self.row)
        return source.info if source else None

    @property
    def exporter(self) -> Exportable:
        """What says how it is loaded elsewhere: the student, or that source."""
        source = _trained_source(self.work, self.row)
        return TrainedSource(source) if source else self.work.student

    @property
    def outputs(self) -> dict[str, Any]:
        """What becomes of its logits where an image may show several classes; else nothing.

        Each class has the sigmoid of its logit as its probability, and is named from 0.5 on.
        """
        return {"activation": "sigmoid", "threshold": 0.5} if self.task.several else {}

    def unlabelled(self, count: int) -> NDArray[np.uint8]:
        """Some stored images that it learnt from without their labels; labelled ones, if none."""
        split = self.work.split(self.task, self.cell.seed)
        positions = split.unlabelled if len(split.unlabelled) else split.labelled
        return np.array(self.images.train[spread(positions, count)])

    @torch.inference_mode()
    def logits(
        self, squares: NDArray[np.uint8] | None = None, *, single: bool = False
    ) -> NDArray[np.float32]:
        """What it says of stored images, (n, c).

        Args:
            squares: The images, uint8 (n, s, s, 3); the samples, if None.
            single: Of one plain view, however it was judged.
        """
        from distbench.engine.training.batches import to_batch

        given = self.samples if squares is None else squares
        batch = to_batch(given, self.steps.size, torch.device("cpu"), self.steps.crop)
        views = None if single else self.exported_views
        return seeing(self.model, views)(batch).numpy()  # type: ignore[no-any-return]


def spread(positions: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """So many of some positions at most, evenly among them."""
    chosen: NDArray[np.int64] = positions[
        np.unique(np.linspace(0, len(positions) - 1, num=count).astype(int))
    ]
    return chosen


def seeing(model: nn.Module, views: tuple[Sequence[str], str] | None) -> nn.Module:
    """A network that averages over views, or the model itself."""
    if views is None:
        return model
    names, mean = views
    return SeveralViews(model, names, mean).eval()  # type: ignore[arg-type]


def original(
    plan: Plan, cell: Cell, root: Path, progress: Progress, known: Row | None = None
) -> Original:
    """The student of a cell; where its weights were not kept it is trained again.

    Args:
        plan: The plan of its run.
        cell: The cell.
        root: ``$DISTBENCH_HOME``.
        progress: Hears of it when it is trained again.
        known: The row as the run's folder holds it, should ``$DISTBENCH_HOME`` have none.

    Raises:
        UsageError: The cell has no student: it was declined.
        RefusedError: What was trained again differs from what the row says.
    """
    ledger = Ledger(plan, root)
    row = ledger.row(cell) or known
    if row is not None and row.status in ("declined", "skipped"):
        raise UsageError(f"cell {cell.id} was {row.status}, so it has no student: {row.reason}")
    work = Workspace(plan, root)
    model = _kept(work, cell, row) if row else None
    if model is None:
        row = _train_again(plan, cell, root, row, progress)
        model = _kept(work, cell, row)
    if model is None or row is None or row.result is None:
        raise DistbenchError(f"the student of {cell.id} was trained but not kept")
    source = _trained_source(work, row)
    side = source.info.input_size if source else plan.protocol.image_size
    crop = source.info.crop if source else plan.protocol.crop
    images = work.images(plan.task(cell.task), side)
    stored = images.train.shape[1]
    bits = work.names.make("task", plan.task(cell.task).component).deep_bits()
    mean, std = (source.info.mean, source.info.std) if source else work.student.normalisation()
    steps = Preprocessing(stored, side, mean, std, bits, crop)
    chosen = spread(np.arange(len(images.train)), _IMAGES)
    return Original(work, cell, row, row.result, model, steps, images.train[chosen])


def _trained_source(work: Workspace, row: Row) -> Source | None:
    """The source that a cell trained in place of the student."""
    name = row.result.declared.get("trained_source") if row.result else None
    return work.sources[name] if name else None


def _kept(work: Workspace, cell: Cell, row: Row) -> Classifier | None:
    """The student as it was kept; None where it was not, or is not the one of the row."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Ledger(work.plan, work.root).kept_student(cell.key)
    if path is None or row.result is None:
        return None
    classes = len(work.plan.task(cell.task).classes)
    try:
        tensors = load_file(path)
        device = torch.device("cpu")
        if source := _trained_source(work, row):
            model = source_model(source, classes, 0, device)
        else:
            model = build_student(work.student, classes, pretrained=False, seed=0, device=device)
        method = work.method(work.plan.method(cell.method))
        give_head(method, classes, model, seed=0)
        model.load_state_dict(tensors)
    except (SafetensorError, RuntimeError):  # damaged, or of another architecture
        return None
    return model.eval() if weights_digest(model) == row.result.student_digest else None


def _train_again(plan: Plan, cell: Cell, root: Path, row: Row | None, progress: Progress) -> Row:
    """Computes a cell once more and keeps its student.

    Raises:
        DistbenchError: It fails.
        RefusedError: The student is not the one of the row: that was another machine or version.
    """
    took = f", which took {row.cost.total_seconds:.0f} s before" if row and row.cost else ""
    progress(f"the weights of {cell.id} were not kept (`--save-student`): training it again{took}")
    keeping = replace(plan, save_student=True)
    path = keeping.keep(root)
    for unit in units_of(keeping, [cell]):
        outcome = execute_unit(path, unit.id)
        if outcome.status != "done":
            error = RefusedError if outcome.refused else DistbenchError
            raise error(f"{unit.title} failed: {outcome.reason}")
    trained = Ledger(keeping, root).row(cell)
    if trained is None or trained.result is None:
        why = trained.reason if trained else "no row was stored"
        raise UsageError(f"cell {cell.id} has no student: {why}")
    if row and row.result and row.result.student_digest != trained.result.student_digest:
        progress(
            f"it is not bit-equal to that of the run (another machine or version?): accuracy "
            f"{trained.result.accuracy:.4f} now, {row.result.accuracy:.4f} then; the card says "
            "now's"
        )
    return trained
