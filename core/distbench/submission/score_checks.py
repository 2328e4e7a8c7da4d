"""What metrics are said to have said in a study: well-formed, whole, and of what is installed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from distbench.errors import DistbenchError, PluginError, UnknownNameError
from distbench.plugins.registry import Registry
from distbench.storage.rows import STUDIED, Row
from distbench.submission.manifest import same_json
from distbench.submission.study_scores import single_source
from distbench.submission.suite_checks import Unfollowed, component_of
from distbench.submission.validation_report import ValidationReport, shown

_KIND = "scores of metrics"


class ScoreChecks:
    """Looks at the scores in rows as they pass.

    Attributes:
        components: Of each metric the component that it is said to be.
    """

    def __init__(self, report: ValidationReport) -> None:
        self._report = report
        self._asked: tuple[frozenset[str], str] | None = None
        self.components: dict[str, Mapping[str, Any]] = {}

    def look(self, row: Row, where: str) -> None:
        """Checks a finished row."""
        result, components = row.result, row.method.components
        declared = result.declared.get(STUDIED) if result else None
        alone = "metric" not in components and single_source(result) is not None
        if not alone or "strategy" not in components:
            if declared is not None:
                self._refuse(where, "it did not learn from one source, chosen without a metric")
            return
        metrics = {} if declared is None else declared
        if not isinstance(metrics, dict):
            self._refuse(where, "they are no table")
            return
        for metric, of in metrics.items():
            self._look_at(metric, of, where)
        # A study asks every metric everywhere: none may be left out where it was wrong.
        self._asked = self._asked or (frozenset(metrics), where)
        known, first = self._asked
        if odd := sorted(known ^ frozenset(metrics)):
            self._refuse(where, f"{shown(odd[0])} has one here or in {first}, but not in both")

    def _look_at(self, metric: str, of: Any, where: str) -> None:
        score = of.get("score") if isinstance(of, dict) else None
        number = isinstance(score, (int, float)) and not isinstance(score, bool)
        if (
            not isinstance(of, dict)
            or of.keys() != {"component", "score"}
            or not isinstance(of["component"], dict)
            or not (score is None or (number and math.isfinite(score)))
        ):
            self._refuse(where, f"that of {shown(metric)} is no component with a finite number")
            return
        known = self.components.setdefault(metric, of["component"])
        if not same_json(known, of["component"]):
            self._refuse(where, f"{shown(metric)} is another component than in rows before")

    def _refuse(self, where: str, reason: str) -> None:
        self._report.refuse(_KIND, f"{where}, scores of metrics: {reason}")


def check_metrics(
    components: Mapping[str, Mapping[str, Any]], names: Registry, report: ValidationReport
) -> None:
    """Refuses metrics whose names hide what they are, and notes those that cannot be compared."""
    for metric, identity in sorted(components.items()):
        try:
            component = component_of(names, "metric", identity)
        except (UnknownNameError, PluginError, Unfollowed) as error:
            report.note(f"metric {shown(metric)} was not compared: {shown(error, 300)}")
            continue
        except DistbenchError as error:
            report.refuse(_KIND, f"metric {shown(metric)}: {shown(error, 300)}")
            continue
        if component.label != metric:
            report.refuse(
                _KIND,
                f"the metric called '{shown(metric)}' is the component '{shown(component.label)}'",
            )
        if identity.get("version") != component.version:
            report.note(
                f"metric {component.name} has version {component.version} here, not "
                f"{shown(identity.get('version'))}"
            )
