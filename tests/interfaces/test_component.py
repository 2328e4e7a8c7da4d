"""What every component has: its parameters hide nothing of its contract."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import pytest
from pydantic import Field, create_model

from distbench import Baseline, Component, Metric, Strategy, Student, Task
from distbench.interfaces.kinds import KINDS

NAMES = [
    (base, name)
    for base in KINDS.values()
    for name in sorted({n for cls in base.__mro__ if issubclass(cls, Component) for n in vars(cls)})
    if not name.startswith(("_", "model_"))
]


@pytest.mark.parametrize(("base", "name"), NAMES)
def test_a_parameter_that_hides_the_contract_is_refused(base: type[Component], name: str) -> None:
    field: dict[str, Any] = {name: (int, 3)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic notes it too
        with pytest.raises(TypeError, match=rf"parameter '{name}' of Odd hides \w+\.{name}; give"):
            create_model("Odd", __base__=base, **field)


@pytest.mark.parametrize("base", [Metric, Strategy, Student, Task, Baseline])
def test_such_a_name_may_be_typed_and_a_class_attribute_set(base: type[Component]) -> None:
    class Odd(base):  # type: ignore[misc, valid-type]
        version = 2
        role = "control"
        paths_: int = Field(3, alias="paths")
        steps: int = 1

    assert list(Odd.parameters()) == ["paths", "steps"]
    assert Odd.version == 2


def test_what_a_base_of_ones_own_has_may_become_a_parameter_unless_it_would_be_ignored() -> None:
    class First(Metric):
        """Counts."""

        k: ClassVar[int] = 3

        @property
        def double(self) -> int:
            return 2 * self.k

        def score(self, probe: Any) -> float:
            return self.k

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        second: Any = create_model("Second", __base__=First, k=(int, 4))
        assert second(k=5).double == 10
        with pytest.raises(TypeError, match=r"'double' of Third hides First\.double; give"):
            create_model("Third", __base__=First, double=(int, 4))


def test_an_enumeration_is_no_parameter() -> None:
    import enum

    class Mode(enum.Enum):
        FAST = "fast"
        SLOW = "slow"

    with pytest.raises(
        TypeError, match=r"'mode' of Moded is an Enum, .* Literal\['fast', 'slow'\]"
    ):

        class Moded(Component):
            """Has a mode."""

            mode: Mode = Mode.FAST
