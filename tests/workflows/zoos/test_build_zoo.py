"""A zoo that is built: what it gives and raises is told by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from distbench import DistbenchError, Zoo
from distbench.workflows.zoos.build_zoo import ZooOrder, build_zoo

MODEL = {"name": "a", "figure": "accuracy", "value": 0.5, "test_images": 3, "seconds": 1.0}


class Odd(Zoo):
    """Gives what it is told to."""

    gives: ClassVar[Any]

    def sources(self) -> list[Any]:
        return []

    def build(self, output: Path, report: Any, **options: Any) -> Any:
        if isinstance(self.gives, BaseException):
            raise self.gives
        return self.gives


def built(gives: Any, **settings: Any) -> list[dict[str, Any]]:
    Odd.gives = gives
    order = ZooOrder(Odd(), Path("z"), "local", from_recipe=bool(settings))
    return build_zoo(order, Path("z"), print, settings)


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (None, "plugin 'odd': build: what it gives will not do: Input should be a valid list"),
        ([3], "plugin 'odd': build: what it gives[0] will not do: "),
        ([{}], "plugin 'odd': build: what it gives[0]['name'] will not do: Field required"),
        ([{**MODEL, "value": "x"}], "plugin 'odd': build: what it gives[0]['value'] will not do"),
        ([], "plugin 'odd': build: it made no model"),
        (SystemExit(0), "plugin 'odd': build: SystemExit: 0"),
        (TypeError("build() takes 2"), "plugin 'odd': build: TypeError: build() takes 2"),
    ],
)
def test_what_is_no_zoo_is_told(gives: Any, message: str) -> None:
    with pytest.raises(DistbenchError) as caught:
        built(gives)
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2


def test_what_is_known_of_models_is_kept() -> None:
    assert built([MODEL]) == [MODEL]
    assert built([], dry_run=True) == []


def test_a_zoo_that_is_never_trained_says_so_whatever_it_is_given() -> None:
    class Bare(Odd):
        """Has no build of its own."""

        build = Zoo.build

    order = ZooOrder(Bare(), Path("z"), "bare", from_recipe=False)
    with pytest.raises(DistbenchError, match="zoo 'bare' is not made by training"):
        build_zoo(order, Path("z"), print, {"device": "cpu"})


def test_a_zoo_with_a_recipe_of_its_own_takes_no_settings() -> None:
    order = ZooOrder(Odd(), Path("z"), "odd", from_recipe=False)
    with pytest.raises(DistbenchError, match="zoo 'odd' takes no --dry-run"):
        build_zoo(order, Path("z"), print, {"dry_run": True, "workers": 1})
