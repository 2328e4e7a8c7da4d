"""The pytest plugin: ``pytest --distbench my_package`` runs the conformance suite, check by check.

It is loaded by every pytest where distbench is installed, so nothing is imported before the option
is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from distbench.testing.run import Case


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--distbench``."""
    parser.getgroup("distbench").addoption(
        "--distbench",
        action="append",
        default=[],
        metavar="TARGET",
        help="Also run distbench's conformance suite on an installed plugin, a file.py, or a "
        "component such as metric:my_metric; repeats.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Adds a test for each component and check of the targets."""
    targets = config.getoption("--distbench")
    if not targets:
        return
    from distbench.errors import DistbenchError

    for target in targets:
        try:
            collector = _Target.from_parent(session, name=f"distbench {target}", nodeid=target)
            items.extend(collector.collect())
        except DistbenchError as error:
            raise pytest.UsageError(f"--distbench {target}: {error}") from None


class _Target(pytest.Collector):
    """What ``--distbench`` names."""

    def collect(self) -> Iterator[pytest.Item]:
        from distbench.testing.run import cases_of

        for case in cases_of(self.nodeid):
            yield _Item.from_parent(self, name=f"{case.component}::{case.check}", case=case)


class _Item(pytest.Item):
    """One check of one component."""

    def __init__(self, *, case: Case, **given: Any) -> None:
        super().__init__(**given)
        self.case = case

    def runtest(self) -> None:
        verdict = self.case.run()
        if verdict.result == "failed":
            raise _Failed(f"{verdict.note}\n-> {verdict.remedy}")
        if verdict.result != "passed":
            pytest.skip(f"{verdict.result}: {verdict.note}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, _Failed):
            case = self.case
            return f"{case.component} fails {case.check!r}: {case.summary}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.config.rootpath, None, f"distbench {self.case}"


class _Failed(Exception):  # noqa: N818 - what pytest shows, never caught by others
    """A check that found a fault."""
