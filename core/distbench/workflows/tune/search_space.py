"""What of a method can be tuned: which parameters, in which ranges, and which are settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args

from distbench.errors import UnknownNameError, UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.parameters import Range, natural_end
from distbench.interfaces.suite import METHOD_KINDS, SuiteDefinition, Value, settings_of
from distbench.planning.config import RunConfig
from distbench.planning.methods import crossed
from distbench.planning.settings import suite_component
from distbench.plugins import spec
from distbench.plugins.component_identity import as_table
from distbench.plugins.registry import Registry
from distbench.storage.toml import read_table
from distbench.workflows.tune.sampler import Parameters

Named = tuple[str, str]
"""Kind and name of a component."""


class Specified(NamedTuple):
    """A component as it was asked for, and the parameters given explicitly: they are settled."""

    part: Component
    given: frozenset[str]


@dataclass(frozen=True)
class Axis:
    """One parameter that is tuned.

    Attributes:
        component: Whose it is.
        key: Its name.
        range: Where it is looked for.
        whole: Whether it is a whole number.
        default: What its component declares.
    """

    component: Named
    key: str
    range: Range
    whole: bool
    default: Any

    @property
    def name(self) -> str:
        """As a trial calls it, e.g. ``baseline.lr``."""
        return f"{self.component[0]}.{self.key}"


@dataclass(frozen=True)
class SearchSpace:
    """A method to be tuned, and the parameters in which it is.

    Attributes:
        parts: Kind to component, with all that is settled.
        axes: What is not.
        stated: What of each tuned component is not its default for another reason than tuning.
    """

    parts: Mapping[str, Component]
    axes: tuple[Axis, ...]
    stated: Mapping[Named, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """The method without parameters, e.g. ``pseudo_labels/weighted/logme``."""
        return "/".join(self.parts[k].name for k in METHOD_KINDS if k in self.parts)

    def tables(self, parameters: Parameters) -> dict[str, dict[str, Any]]:
        """Its components with these values, by kind, as a configuration takes them."""
        tables = {kind: as_table(part) for kind, part in self.parts.items()}
        for axis in self.axes:
            tables[axis.component[0]][axis.key] = parameters[axis.name]
        return tables

    def settled(self) -> dict[str, dict[str, Any]]:
        """Its components without what is tuned, by kind."""
        tuned = {axis.name for axis in self.axes}
        return {
            kind: {k: v for k, v in as_table(part).items() if f"{kind}.{k}" not in tuned}
            for kind, part in self.parts.items()
        }

    def settings(self, parameters: Parameters) -> dict[Named, dict[str, Any]]:
        """What these values make of each component that is tuned.

        What a component had better choose itself is no setting.
        """
        settings = {axis.component: dict(self.stated[axis.component]) for axis in self.axes}
        for axis in self.axes:
            if parameters[axis.name] is not None:
                settings[axis.component][axis.key] = parameters[axis.name]
        return settings

    def at_ends(self, parameters: Parameters) -> list[str]:
        """One line for each value at an end of its range beyond which it may go."""
        lines = []
        for axis in self.axes:
            kind, name = axis.component
            value, field = parameters[axis.name], self.parts[kind].parameters()[axis.key]
            end = None if value is None else axis.range.end(value)
            if end is not None and not natural_end(field, end, axis.range):
                side = "lower" if end == "low" else "upper"
                lines.append(
                    f"the best {axis.key}={value} of {name} lies at the {side} end of its range "
                    f"({axis.range}); a wider one may hold a better value (--ranges)"
                )
        return lines


def methods_of(
    config: RunConfig, suite: SuiteDefinition, names: Registry
) -> list[dict[str, Specified]]:
    """The methods of a configuration: for each, kind to component.

    Raises:
        UsageError: A component stands twice with other parameters: a suite has one setting of it.
    """
    components: dict[str, list[Component]] = {}
    given: dict[Named, set[str]] = {}
    for kind in METHOD_KINDS:
        components[kind] = []
        for value in getattr(config, kind):
            if value == "none" and kind in ("distiller", "baseline"):
                continue
            part = suite_component(names, suite, kind, value, config.base_of(kind))
            if (kind, part.name) in given:
                raise UsageError(
                    f"{kind} {part.name} stands twice; a suite holds one setting of a component"
                )
            components[kind].append(part)
            given[kind, part.name] = _explicit(part, value)
    methods = crossed(*(components[kind] for kind in METHOD_KINDS))
    return [
        {kind: Specified(part, frozenset(given[kind, part.name])) for kind, part in parts.items()}
        for parts in methods
    ]


def _explicit(part: Component, value: Value) -> set[str]:
    """The parameters that a specification gives, which are not to be tuned."""
    table = {} if isinstance(value, str) else dict(value)
    _, chief, params = spec.parse(value if isinstance(value, str) else str(table.pop("use", "")))
    keys = {key.partition(".")[0] for key in (*params, *table)}
    return keys | ({part.primary_field() or ""} if chief is not None else set())


def search_space_of(
    method: Mapping[str, Specified],
    chosen: Mapping[Named, Mapping[str, Any]],
    ranges: Mapping[str, Mapping[str, Any]],
    suite: SuiteDefinition,
    names: Registry,
) -> SearchSpace:
    """A method with what is settled, and the parameters that are not.

    Args:
        method: Kind to component.
        chosen: What was chosen for components of methods before: it is settled.
        ranges: The user's ranges by component, over those that the components declare.
        suite: Its settings stand where nothing is tuned.
        names: For making components anew.

    Raises:
        UsageError: A range names an unknown parameter, or holds values that it cannot have.
    """
    parts: dict[str, Component] = {}
    axes: list[Axis] = []
    stated: dict[Named, dict[str, Any]] = {}
    for kind, (part, given) in method.items():
        own = ranges_of(kind, part, settings_of(ranges, kind, part.name))
        fixed = {k: v for k, v in own.items() if not isinstance(v, Range)}
        fixed |= chosen.get((kind, part.name), {})
        fixed = {k: v for k, v in fixed.items() if k not in given}
        parts[kind] = names.make(kind, {**as_table(part), **fixed})
        if (kind, part.name) in chosen:
            continue
        for key, declared in own.items():
            if isinstance(declared, Range) and key not in given:
                axes.append(_axis(names, kind, parts[kind], key, declared))
        keys = {*settings_of(suite.settings, kind, part.name), *given, *fixed}
        table = as_table(parts[kind])
        stated[kind, part.name] = {key: table[key] for key in sorted(keys)}
    return SearchSpace(parts, tuple(axes), stated)


def ranges_of(kind: str, part: Component, own: Mapping[str, Any]) -> dict[str, Any]:
    """A component's ranges, the user's over its own; what the user fixes is a plain value."""
    ranges: dict[str, Any] = {
        key: declared
        for key, field in part.parameters().items()
        if (declared := Range.of(field)) is not None
    }
    for key, value in own.items():
        if key not in part.parameters():
            raise UnknownNameError(
                f"parameter of {kind} {part.name}",
                key,
                part.parameters(),
                f"`distbench info {kind} {part.name}` shows what there is.",
            )
        try:
            ranges[key] = Range.from_table(value) if isinstance(value, dict) else value
        except ValueError as error:
            raise UsageError(f"the range of {key} of {part.name} will not do: {error}") from None
    return ranges


def _axis(names: Registry, kind: str, part: Component, key: str, within: Range) -> Axis:
    field = part.parameters()[key]
    for end in within.among or (within.low, within.high):
        names.make(kind, {**as_table(part), key: end})
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    types = {field.annotation, *get_args(field.annotation)}
    return Axis((kind, part.name), key, within, int in types and float not in types, default)


def read_ranges(path: Path, names: Registry) -> dict[str, dict[str, Any]]:
    """Reads a file of ranges: a table for each component, ``lr = {low = 0.001, high = 0.1}``.

    Raises:
        UsageError: It is missing, no TOML, or names what there is not.
    """
    tables = read_table(path, "ranges")
    check_ranges(tables, names, str(path))
    return tables


def check_ranges(tables: Mapping[str, Any], names: Registry, where: str) -> None:
    """Refuses ranges that are no tables, or of components that there are not.

    Args:
        tables: As a file of ranges or a suite holds them.
        names: What there is.
        where: The file, for the message.

    Raises:
        UsageError: Says which.
    """
    by_kind = {kind: names.names(kind) for kind in METHOD_KINDS}
    everyone = [n for known in by_kind.values() for n in known]
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(f"{where}: {name} stands outside a table; write [NAME] above it")
        known, wanted = (by_kind[name], table) if name in by_kind else (everyone, {name: 0})
        for inner in wanted:
            if inner not in known:
                raise UnknownNameError("component", inner, known, f"It stands in {where}.")
