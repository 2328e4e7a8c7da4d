"""The control for selection: one general teacher for every task."""

from __future__ import annotations

from typing import ClassVar, Literal

from distbench import Role
from distbench_builtin.distillers.pseudo_labels import PseudoLabels


class DistillGeneralist(PseudoLabels):
    """Matches the pseudo-labels of the suite's one generalist, whatever the task: a control.

    The loss of `pseudo_labels` with one source of weight 1, which no metric and no strategy chose.
    What a selecting method gains over it is owed to the selection; the rest any decent teacher
    would give.
    """

    role: ClassVar[Role] = "control"
    learns_from: ClassVar[Literal["weighted", "generalist"]] = "generalist"
