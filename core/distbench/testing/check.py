"""What a check is: a function of a component under test that finds no fault, or raises one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from distbench.components import KINDS

if TYPE_CHECKING:
    from distbench.testing.subject import Subject

Function = Callable[["Subject"], None]


class Fault(Exception):  # noqa: N818 - a finding about somebody's component, not an error of ours
    """What a check found.

    Args:
        what: What is wrong, in one clause.
        remedy: What to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy = what, remedy


class NotChecked(Exception):  # noqa: N818 - neither right nor wrong
    """Raised by a check that cannot say anything here.

    Args:
        reason: Why, in one clause.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Check:
    """One property that components have.

    Attributes:
        name: What an author declines it by.
        kinds: The kinds that it is for.
        function: Raises `Fault` or `NotChecked`.
        summary: What it holds, in one line.
    """

    name: str
    kinds: tuple[str, ...]
    function: Function
    summary: str


_CHECKS: dict[tuple[str, str], Check] = {}


def check(*kinds: str) -> Callable[[Function], Function]:
    """Makes a function the check of its name, for some kinds; for every kind where none is named.

    Raises:
        ValueError: A kind has a check of that name already.
    """

    def add(function: Function) -> Function:
        summary = (function.__doc__ or "").strip().partition("\n")[0]
        made = Check(function.__name__, kinds or tuple(KINDS), function, summary)
        for kind in made.kinds:
            if (kind, made.name) in _CHECKS:
                raise ValueError(f"{kind} has two checks {made.name!r}")
            _CHECKS[kind, made.name] = made
        return function

    return add


def checks_of(kind: str) -> Mapping[str, Check]:
    """The checks of a kind by name, in the order in which they are run."""
    from distbench.testing import checks

    checks.load()
    return {name: made for (of, name), made in _CHECKS.items() if of == kind}
