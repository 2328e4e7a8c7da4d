"""What a page is told besides results: what methods are. The leaderboard itself knows no plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ComponentFacts:
    """What is known of an installed component.

    Attributes:
        version: Of what is installed here.
        description: The first paragraph of its docstring.
        reference: What its docstring cites; empty where it cites nothing.
        distribution: Who offers it: name and version of a distribution, or a file's name.
        homepage: Of the distribution, where its metadata name one; begins with ``https://``.
        licence: Of the distribution, where its metadata name one.
    """

    version: int
    description: str
    reference: str = ""
    distribution: str = ""
    homepage: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Remake:
    """How a method is made again.

    Attributes:
        commands: One for each unbroken range of seeds.
        reason: Why there is none.
    """

    commands: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class About:
    """What is known of methods, suites and files; what is not in here is not known.

    Attributes:
        components: By kind and name.
        suites: By name and version, what the suite is.
        remakes: By label of the table and name of the method.
        dates: By path of an origin, its day as ``2026-11-27``.
    """

    components: Mapping[tuple[str, str], ComponentFacts] = field(default_factory=dict)
    suites: Mapping[tuple[str, int], str] = field(default_factory=dict)
    remakes: Mapping[tuple[str, str], Remake] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
