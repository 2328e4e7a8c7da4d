"""What a check is: a function of a component under test that finds no fault, or raises one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from distbench.interfaces.kinds import KINDS

if TYPE_CHECKING:
    from distbench.testing.subject import Subject

Function = Callable[["Subject"], None]


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
        checked = Check(function.__name__, kinds or tuple(KINDS), function, summary)
        for kind in checked.kinds:
            if (kind, checked.name) in _CHECKS:
                raise ValueError(f"{kind} has two checks {checked.name!r}")
            _CHECKS[kind, checked.name] = checked
        return function

    return add
