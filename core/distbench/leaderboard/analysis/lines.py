"""The lines of a leaderboard: what each method reached, and how it differs from the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

from distbench.leaderboard.analysis.comparison import Reached, compare
from distbench.leaderboard.rows.entries import BoardEntry, Cell, Missing, entry
from distbench.leaderboard.rows.evidence import weakest_evidence
from distbench.leaderboard.rows.measures import MeasureFacts
from distbench.leaderboard.rows.records import CellResult, Evidence, Role, RowRecord
from distbench.leaderboard.statistics import Difference, Estimate, mean_over_groups


@dataclass(frozen=True)
class Line:
    """One method of the leaderboard.

    Attributes:
        entries: One for each task, in the board's order.
        coverage: Done cells, and those that its own runs planned, at least one a task.
        again: It is a method that stands already, with other results, from another file.
        mean: Over groups of tasks, each weight 1; None where the method is incomplete.
        validation: Mean accuracy on validation images, by which a student is chosen; None where a
            cell has none.
        delta: Difference to the baseline of its own file, paired by task and seed, over groups.
        by_task: That difference on each task.
        compared: Cells of each that the difference is over.
        p_holm: The p value of `delta`, adjusted for all ranked methods that are compared.
        rank: First and last rank of its confidence set; only complete methods of role ranked have
            one, as they alone have `average_rank`.
        behind: Whether it is shown to be worse than the best, by the tests of the best's own rank.
        win_rate: Against the baseline, a draw counting half.
        evidence: How far its results are believed; of all its cells the weakest.
    """

    method: str
    role: Role
    entries: tuple[BoardEntry, ...]
    coverage: tuple[int, int]
    again: bool = False
    mean: Estimate | None = None
    validation: float | None = None
    delta: Difference | None = None
    by_task: tuple[float, ...] = ()
    compared: int = 0
    p_holm: float | None = None
    rank: tuple[int, int] | None = None
    behind: bool = False
    average_rank: float | None = None
    win_rate: float | None = None
    evidence: Evidence = "run"

    @property
    def complete(self) -> bool:
        """Whether it has every task, and every cell that was planned of it."""
        return self.coverage[0] == self.coverage[1]

    @property
    def missing(self) -> tuple[Missing, ...]:
        """The planned cells that do not count."""
        return tuple(gap for entry in self.entries for gap in entry.missing)


@dataclass(frozen=True)
class LineMaker:
    """Makes the lines of one board.

    Attributes:
        chosen: One row a cell.
        tasks: In the board's order.
        groups: The group of each.
        measures: What counts on each.
    """

    chosen: Mapping[Cell, RowRecord]
    tasks: Sequence[str]
    groups: Sequence[str]
    measures: Sequence[MeasureFacts]

    @cached_property
    def _evidence(self) -> Mapping[str, Evidence]:
        return weakest_evidence(self.chosen.values())

    def line(
        self, method: str, role: Role, again: bool, planned: Iterable[tuple[str, int]]
    ) -> Line:
        """The line of a method.

        Args:
            method: Its name.
            role: Its role.
            again: Whether it stands already, with other results.
            planned: Tasks and seeds that it was planned for; of another task as many seeds count
                as missing.
        """
        cells_of = set(planned)
        every = sorted({seed for _, seed in cells_of})
        seeds = {t: sorted(s for task, s in cells_of if task == t) or every for t in self.tasks}
        entries = tuple(
            entry(self.chosen, method, task, seeds[task], measure)
            for task, measure in zip(self.tasks, self.measures, strict=True)
        )
        coverage = sum(len(e.values) for e in entries), sum(map(len, seeds.values()))
        known = self._evidence.get(method, "run")
        line = Line(method, role, entries, coverage, again, evidence=known)
        if not line.complete:
            return line
        estimates = [e.estimate for e in entries if e.estimate is not None]
        return replace(
            line,
            mean=mean_over_groups(estimates, self.groups),
            validation=self._validation(entries),
        )

    def _validation(self, entries: Sequence[BoardEntry]) -> float | None:
        """Mean over groups of what a method reached on validation images."""
        means = []
        for one in entries:
            rows = (self.chosen.get((one.method, one.task, seed)) for seed in one.seeds)
            values = [row.result.validation for row in rows if row and row.result]
            known = [value for value in values if value is not None]
            if not known or len(known) < len(values):
                return None
            means.append(Estimate(fmean(known)))
        return mean_over_groups(means, self.groups).mean

    def reached(self, line: Line, of: Mapping[Cell, str] | None = None) -> Reached:
        """What a line reached on each task by seed, or what `of` names reached in its place."""
        tables: list[dict[int, CellResult]] = []
        for one, measure in zip(line.entries, self.measures, strict=True):
            tables.append({})
            for seed in one.seeds:
                name = line.method if of is None else of.get((line.method, one.task, seed), "")
                row = self.chosen.get((name, one.task, seed))
                if row is None or row.result is None:
                    continue
                if row.result.by(measure).value is not None:
                    tables[-1][seed] = row.result
        return tables

    def compared(self, line: Line, baseline: str, own: Mapping[Cell, str]) -> Line:
        """Adds the difference to the baseline, over the cells that both have."""
        if not line.complete or line.method == baseline or line.method in own.values():
            return line
        keys = [(line.method, e.task, seed) for e in line.entries for seed in e.seeds]
        theirs = self.reached(line, {key: own.get(key, baseline) for key in keys})
        pair = compare(self.reached(line), theirs, self.groups, self.measures)
        if pair is None:
            return line
        return replace(
            line,
            delta=pair.difference,
            by_task=pair.by_task,
            compared=pair.cells,
            win_rate=pair.win_rate,
        )
