"""Components with the settings that a suite has for them."""

from __future__ import annotations

from pathlib import Path

from distbench.errors import UnknownNameError, UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.suite import METHOD_KINDS, SuiteDefinition, Value, settings_of
from distbench.plugins.registry import Registry


def suite_component(
    names: Registry, suite: SuiteDefinition, kind: str, value: Value, base: Path | None
) -> Component:
    """A component with the suite's settings under what is given explicitly."""
    name = value if isinstance(value, str) else str(value.get("use", ""))
    settings = settings_of(suite.settings, kind, name.partition(":")[0])
    return names.make(kind, value, base=base, defaults=settings)


def check_settings(suite: SuiteDefinition, names: Registry) -> None:
    """Refuses settings of a suite for a name that no component of a method has, or several.

    Raises:
        UnknownNameError: With what is near.
        UsageError: Components of several kinds have it; says how to name one.
    """
    by_kind = {kind: names.names(kind) for kind in METHOD_KINDS}
    where = f"It has settings in suite {suite.name!r}."
    for name, table in suite.settings.items():
        if name in by_kind:
            for inner in table:
                if inner not in by_kind[name]:
                    raise UnknownNameError(name, inner, by_kind[name], where)
            continue
        kinds = [kind for kind, known in by_kind.items() if name in known]
        if not kinds:
            everyone = [n for known in by_kind.values() for n in known]
            raise UnknownNameError("component", name, everyone, where)
        if len(kinds) > 1:
            raise UsageError(
                f"suite {suite.name!r} has settings for {name!r}, which is the name of a "
                f"{' and of a '.join(kinds)}; write [settings.{kinds[0]}.{name}]"
            )
