"""The `distbench run` that makes a method of a leaderboard again, where this installation can."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from distbench.errors import DistbenchError
from distbench.interfaces.component import Component
from distbench.interfaces.suite import METHOD_KINDS, Protocol, SuiteDefinition, settings_of
from distbench.leaderboard.analysis.reports import BoardReport
from distbench.leaderboard.page.about import Remake
from distbench.leaderboard.rows.records import DeclaredMethod, RowRecord
from distbench.planning.config import PROTOCOL_OPTIONS
from distbench.plugins.registry import Registry
from distbench.submission.manifest import same_json
from distbench.submission.no_network import without_network
from distbench.submission.suite_checks import Unfollowed, component_of


class _NotHereError(Exception):
    """Why there is no command."""


@dataclass
class _Maker:
    """Makes the commands of one table.

    Attributes:
        report: The table.
        names: What is installed.
        suite: The table's suite, which is installed in that very version.
        typed: Kind and parameters of a component to how it is typed.
    """

    report: BoardReport
    names: Registry
    suite: SuiteDefinition
    typed: dict[tuple[str, str], str] = field(default_factory=dict)

    def head(self) -> list[str]:
        """Suite, student, zoo and protocol: what all methods share.

        Raises:
            _NotHereError: Something that no option can say is another here.
        """
        suite, setting = self.suite, self.report.setting
        student = self._student(setting.student)
        zoo = (self.report.zoo or "").partition("@")[0]
        options = [*self._zoo(zoo), *([] if student is None else ["--student", student])]
        try:
            protocol = Protocol.model_validate(setting.protocol)
        except ValidationError:
            raise _NotHereError("its protocol is none that is known here") from None
        for key in sorted(Protocol.model_fields.keys() - {"seeds"}):
            value = getattr(protocol, key)
            if value == getattr(suite.protocol, key):
                continue
            if key not in PROTOCOL_OPTIONS:
                raise _NotHereError(f"{key} of the protocol is another here")
            name = key.replace("_", "-")
            if isinstance(value, bool):
                options.append(f"--{'' if value else 'no-'}{name}")
            else:
                options += [f"--{name}", str(value)]
        return ["distbench", "run", "--suite", suite.name, *options]

    def _zoo(self, name: str) -> list[str]:
        if not name or self.suite.zoo is None:
            return []
        if isinstance(self.suite.zoo, str) and self.suite.zoo.partition(":")[0] == name:
            return []
        self.names.make("zoo", name)
        return ["--zoo", name]

    def _student(self, identity: Mapping[str, Any]) -> str | None:
        own = self.names.make("student", self.suite.student, base=self.suite.base)
        student = component_of(self.names, "student", identity)
        return None if same_json(own.identity(), student.identity()) else student.label

    def method(self, method: DeclaredMethod) -> list[str]:
        """The options of its components.

        Raises:
            _NotHereError: One has another version here, or cannot be typed.
        """
        options = []
        for kind in METHOD_KINDS:
            if kind in method.components:
                options += [f"--{kind}", self._typed(kind, method.components[kind])]
        return [
            *options,
            "--distiller" if "baseline" in method.components else "--baseline",
            "none",
        ]

    def _typed(self, kind: str, identity: Mapping[str, Any]) -> str:
        key = kind, repr(identity)
        if key not in self.typed:
            component = component_of(self.names, kind, identity)
            if component.version != identity.get("version"):
                raise _NotHereError(
                    f"{kind} {component.name} has version {component.version} here, not "
                    f"{identity.get('version')}"
                )
            settings = settings_of(self.suite.settings, kind, component.name)
            text = component.typed(settings)
            again: Component = self.names.make(kind, text, defaults=settings)
            if not same_json(again.identity(), component.identity()):
                raise _NotHereError(f"{kind} {component.name} has parameters that no option takes")
            self.typed[key] = text
        return self.typed[key]

    def cells(self, rows: Sequence[RowRecord]) -> list[list[str]]:
        """Tasks and seeds of a method's rows, a list of options for each range of seeds."""
        mine = {row.task.id for row in rows}
        tasks = [] if mine == {entry.id for entry in self.suite.tasks} else sorted(mine)
        if not mine <= {entry.id for entry in self.suite.tasks}:
            raise _NotHereError("it has tasks that the suite has not")
        marked = any(row.result is not None and row.result.sources.marked for row in rows)
        allow = ["--overlap", "allow"] if marked and self.suite.overlap != "allow" else []
        options = [part for task in tasks for part in ("--task", task)] + allow
        return [
            [
                *options,
                "--seeds",
                str(len(seeds)),
                *(["--first-seed", str(seeds[0])] * bool(seeds[0])),
            ]
            for seeds in _unbroken(sorted({row.seed for row in rows}))
        ]


def _unbroken(seeds: Sequence[int]) -> list[list[int]]:
    """Ranges without gaps."""
    ranges = [[seeds[0]]]
    for one, following in pairwise(seeds):
        if following == one + 1:
            ranges[-1].append(following)
        else:
            ranges.append([following])
    return ranges


def remakes(report: BoardReport, names: Registry) -> Iterator[tuple[str, Remake]]:
    """For each method of a table how it is made again, or why that cannot be said."""
    rows: dict[str, list[RowRecord]] = {line.method: [] for line in report.board.lines}
    for row in report.rows:
        rows[row.method.id].append(row)
    with without_network():
        try:
            maker = _Maker(report, names, _suite(report, names))
            head = maker.head()
        except (_NotHereError, Unfollowed, DistbenchError) as error:
            yield from ((method, Remake(reason=_line(error))) for method in rows)
            return
        for method, mine in rows.items():
            try:
                options = [*head, *maker.method(mine[0].method)]
                commands = [shlex.join([*options, *cells]) for cells in maker.cells(mine)]
            except (_NotHereError, Unfollowed, DistbenchError) as error:
                yield method, Remake(reason=_line(error))
            else:
                yield method, Remake(tuple(commands))


def _suite(report: BoardReport, names: Registry) -> SuiteDefinition:
    name, version = report.board.suite, report.board.suite_version
    if name not in names.names("suite"):
        raise _NotHereError(f"suite {name} is not installed here")
    suite = names.make("suite", name).definition()
    if suite.version != version:
        raise _NotHereError(f"suite {name} has version {suite.version} here, not {version}")
    return suite


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")[:300]
