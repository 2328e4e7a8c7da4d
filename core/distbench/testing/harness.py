"""What checks run components with: runs and cells of the miniature, through the engine itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch.utils.hooks import RemovableHandle

from distbench.engine.cell import compute_cell
from distbench.engine.scores import probes_for
from distbench.engine.training.threads import torch_threads
from distbench.engine.workspace import Workspace
from distbench.errors import Declined, PluginError
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.context import Context, MethodContext
from distbench.interfaces.method import Method
from distbench.interfaces.probe import Probe
from distbench.interfaces.training.phase import Phase
from distbench.interfaces.training.stream import Batches
from distbench.interfaces.zoo import SourceInfo
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan, PlannedMethod
from distbench.planning.planner import make_plan
from distbench.plugins.component_identity import as_table
from distbench.storage.rows import Row
from distbench.testing.calls import fault_if_raises
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.subject import Subject, miniature_options, workplace
from distbench.workflows.run import execute
from distbench.workflows.run_result import RunResult


def options(subject: Subject, **changes: Any) -> dict[str, Any]:
    """A run of the miniature with no method but what is asked for."""
    return miniature_options(plugin=subject.files, **changes)


def run(given: Mapping[str, Any], folder: Path) -> RunResult:
    """Runs as `distbench run` does, with the run's folder in a folder."""
    return execute(RunConfig.make(**given), runs=folder / "runs")


def rows_of(given: Mapping[str, Any], folder: Path, what: str = "a run") -> tuple[Row, ...]:
    """The rows of a run that should go well.

    Raises:
        Fault: A cell failed.
        NotChecked: All are declined.
    """
    with fault_if_raises(what, "`distbench run` with it would end so"):
        rows = run(given, folder).rows
    for row in rows:
        if row.status == "failed":
            raise Fault(f"{what}: cell {row.method.id} failed: {row.reason}", "see `--json`")
    if all(row.status == "declined" for row in rows):
        raise NotChecked(f"declined: {rows[0].reason}" if rows else "there was nothing to run")
    return rows


@dataclass
class RecordedMethod:
    """A method, and what it asked for while it was trained.

    Attributes:
        method: The method itself, which does the work.
        context: What it was given.
        phases_: What it gave.
        unmoved: For each phase the weights of its extra modules as they were, by module.
        losses: The loss of every step.
        reached: For each phase, whether a gradient reaches the student.
    """

    method: Method
    context: MethodContext | None = None
    phases_: list[Phase] = field(default_factory=list)
    unmoved: list[dict[str, list[torch.Tensor]]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    reached: list[bool] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.method, name)

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """Those of the method, with losses that are written down."""
        for part in (context.labels, context.labelled, context.unlabelled, context.validation):
            part.flags.writeable = False
        self.context = context
        with fault_if_raises(
            "asking for its phases", "raise distbench.Declined(reason) where it cannot run"
        ):
            self.phases_ = list(self.method.phases(context))
        for phase in self.phases_:
            if not isinstance(phase, Phase):
                raise Fault(f"a phase is a {type(phase).__name__}", "give distbench.Phase")
            self.unmoved.append({name: weights_of(m) for name, m in phase.modules.items()})
        return [replace(phase, loss=self._recorded(phase)) for phase in self.phases_]

    def _recorded(self, phase: Phase) -> Callable[[Classifier, Batches], torch.Tensor]:
        number = len(self.reached)
        self.reached.append(False)
        watched: list[RemovableHandle] = []

        def arrived(gradient: torch.Tensor) -> None:
            self.reached[number] |= bool(gradient.any())

        def loss(student: Classifier, batch: Batches) -> torch.Tensor:
            with fault_if_raises(
                f"the loss of phase {phase.name!r}", "see docs/plugins.md, The contracts"
            ):
                value = phase.loss(student, batch)
            if not isinstance(value, torch.Tensor) or value.ndim or not value.requires_grad:
                raise Fault(
                    f"the loss of phase {phase.name!r} is no scalar with a gradient",
                    "return one tensor without dimensions that depends on the student",
                )
            for hook in watched:
                hook.remove()
            if not self.reached[number]:
                weights = [p for p in student.parameters() if p.requires_grad]
                watched[:] = [
                    weight.register_hook(arrived)  # type: ignore[no-untyped-call]
                    for weight in weights
                ]
            self.losses.append(float(value.detach()))
            return value

        return loss


class _RecordingWorkspace(Workspace):
    """A workspace that records what its methods do."""

    seen: list[RecordedMethod]

    def method(self, planned: PlannedMethod) -> Method:
        self.seen.append(RecordedMethod(super().method(planned)))
        return cast(Method, self.seen[-1])


def train_recorded(subject: Subject, seed: int = 0, **protocol: Any) -> tuple[Row, RecordedMethod]:
    """Trains a method for one cell of the miniature, every source weighted alike.

    Raises:
        NotChecked: It declines.
        Fault: It does not keep its contract.
    """
    given = options(subject, strategy="equal", seeds=seed + 1, **protocol)
    given[subject.kind] = (as_table(subject.make_with_data()),)
    with workplace() as folder, torch_threads(1):
        work = _RecordingWorkspace(_plan(given), folder / "home")
        work.seen = []
        cell = next(cell for cell in work.plan.cells if cell.seed == seed)
        try:
            with fault_if_raises(
                "training with it",
                "labels and targets are aligned with the train images, not with positions",
            ):
                row, *_ = compute_cell(work, cell, None)
        except PluginError as error:
            raise Fault(
                str(error), "all methods keep to this, or they are not comparable"
            ) from None
        if row.status == "declined":
            raise NotChecked(f"it declines here: {row.reason}")
        return row, work.seen[-1]


@contextmanager
def miniature_context(subject: Subject) -> Iterator[tuple[Context, Sequence[SourceInfo]]]:
    """What a strategy sees of the miniature's task, and the sources that it weighs."""
    with workplace() as folder, torch_threads(1):
        work = Workspace(
            _plan(options(subject, distiller="pseudo_labels", strategy="equal")), folder / "home"
        )
        (task,) = work.plan.tasks
        yield work.context(task, 0), work.plan.sources


@contextmanager
def miniature_probes(subject: Subject) -> Iterator[list[Probe]]:
    """What a metric sees of the miniature's sources, with all that it needs."""
    with workplace() as folder, torch_threads(1):
        table = as_table(subject.make_with_data())
        given = options(subject, metric=(table,), strategy="nearest", distiller="pseudo_labels")
        work = Workspace(_plan(given), folder / "home")
        ((task,), (method,)) = work.plan.tasks, work.plan.methods
        yield probes_for(work, task, method, 0)


def _plan(given: Mapping[str, Any]) -> Plan:
    try:
        return make_plan(RunConfig.make(**given))
    except Declined as declined:
        raise NotChecked(f"it declines here: {declined.reason}") from None


def equal_results(one: Row, other: Row) -> bool:
    """Whether two cells came out the same, bit for bit."""
    return (one.status, one.result) == (other.status, other.result)


def weights_of(module: torch.nn.Module) -> list[torch.Tensor]:
    """Copies of the weights of a module that may be trained."""
    return [weight.detach().clone() for weight in module.parameters() if weight.requires_grad]


def positions_of(context: MethodContext) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Train images that may be trained on."""
    return np.union1d(context.labelled, context.unlabelled)
