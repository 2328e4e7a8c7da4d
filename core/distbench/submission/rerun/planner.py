"""Plans of a bundle made anew, as `distbench run` would make them here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distbench.errors import DistbenchError
from distbench.interfaces.reporter import Cell
from distbench.planning.plan import Plan
from distbench.plugins.component_identity import as_table
from distbench.plugins.registry import Registry
from distbench.submission.bundle import Bundle
from distbench.submission.no_network import without_network
from distbench.submission.suite_checks import Unfollowed, component_of, labels_allowed
from distbench.submission.tally import CellId
from distbench.submission.validation_report import ValidationReport, shown

Replanned = tuple[Plan, Cell]
"""A plan made here, and the one of its cells that is computed again."""


class RerunPlanner:
    """Plans methods and metrics of a bundle anew, by installed components alone.

    Args:
        bundle: A bundle in which nothing was wrong.
        names: The installed components.
        plugins: Plugin files that were given.
    """

    def __init__(self, bundle: Bundle, names: Registry, plugins: tuple[Path, ...]) -> None:
        self._bundle, self._names, self._plugins = bundle, names, plugins
        self._plans: dict[tuple[str, str], Plan | str] = {}
        self._keys = bundle.plan.cells()

    def cell(self, cell_id: CellId, report: ValidationReport) -> Replanned | str | None:
        """The cell planned anew, or why that cannot be; None where it was refused."""
        method, task, seed = cell_id
        if (method, task) not in self._plans:
            planned = next(m for m in self._bundle.plan.methods if m.id == method)
            self._plans[method, task] = self._made(task, planned.components)
        plan = self._plans[method, task]
        if isinstance(plan, str):
            return plan
        cell = next(c for c in plan.cells if c.seed == seed)
        if cell.key == self._keys[cell_id]:
            return plan, cell
        theirs = {name: tuple(v) for name, v in self._bundle.manifest.plugins.items()}
        if theirs != {name: (version,) for name, version in plan.distributions.items()}:
            return "other versions of distbench or of plugins are installed here"
        report.refuse(
            "keys",
            f"{shown(method)} on {shown(task)}, seed {seed}: planned here it has another key, so "
            "something that it depends on is not what the bundle says",
        )
        return None

    def scores(
        self, cell_id: CellId, distiller: Mapping[str, Any], metric: Mapping[str, Any]
    ) -> Replanned | str:
        """A cell that needs the scores of a metric, with a distiller that learns by them."""
        _, task, seed = cell_id
        strategy = {"name": "weighted", "params": {}}
        plan = self._made(task, {"distiller": distiller, "metric": metric, "strategy": strategy})
        return plan if isinstance(plan, str) else (plan, plan.cells[plan.seeds.index(seed)])

    def _made(self, task: str, components: Mapping[str, Mapping[str, Any]]) -> Plan | str:
        from distbench.planning.config import RunConfig
        from distbench.planning.planner import make_plan

        public = self._bundle.plan
        if public.suite not in self._names.names("suite"):
            return f"suite '{shown(public.suite)}' is not installed"
        try:
            parts: dict[str, Any] = {
                kind: (as_table(component_of(self._names, kind, identity)),)
                for kind, identity in components.items()
            }
            parts["distiller" if "baseline" in parts else "baseline"] = "none"
            student = as_table(component_of(self._names, "student", public.student))
            with without_network():
                config = RunConfig.make(
                    None,
                    suite=public.suite,
                    task=(task,),
                    student=student,
                    seeds=len(public.seeds),
                    first_seed=min(public.seeds),
                    overlap="allow" if labels_allowed(public) else None,
                    skip_corrupt=public.skip_corrupt,
                    plugin=self._plugins,
                    save_student=False,
                    name="again",
                    **parts,
                )
                return make_plan(config)
        except Unfollowed as error:
            return shown(error, 300)
        except (DistbenchError, OSError) as error:
            return shown(str(error).partition("\n")[0], 300)
