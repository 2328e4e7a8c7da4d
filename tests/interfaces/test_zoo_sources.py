"""Whatever a source of a plugin's zoo raises or gives is told by zoo and source."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from distbench import PluginError, Source, SourceInfo, WeightsError, Zoo
from distbench.interfaces.zoo_sources import sources_of


def info(name: str) -> SourceInfo:
    half = (0.5, 0.5, 0.5)
    return SourceInfo(
        name=name,
        architecture="toy",
        num_classes=2,
        feature_dim=2,
        input_size=8,
        mean=half,
        std=half,
        fingerprint="x",
    )


def gives(what: Any) -> Any:
    if isinstance(what, BaseException):
        raise what
    return what


class One(Source):
    def __init__(self, name: str, **what: Any) -> None:
        self.info, self.what = info(name), what

    def verify(self) -> None:
        gives(self.what.get("verify"))

    def open(self, device: Any) -> Any:
        return gives(self.what.get("open", lambda images: gives(self.what.get("outputs"))))

    def module(self) -> Any:
        return gives(self.what.get("module"))


class Odd(Zoo):
    """Gives what it is told to."""

    given: ClassVar[Any] = ()

    def sources(self) -> Any:
        return gives(self.given)


def of(*given: Any) -> dict[str, Source]:
    Odd.given = given[0] if isinstance(given[0], BaseException) else given
    return sources_of(Odd())


def without_info() -> Source:
    source = One("a")
    del source.info
    return source


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (SystemExit(0), "plugin 'odd': sources: SystemExit: 0"),
        (3, "plugin 'odd': sources: gave 3 and no distbench.Source"),
        (without_info(), "plugin 'odd': info of a source: AttributeError"),
    ],
)
def test_a_zoo_that_gives_no_sources(given: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        of(given)


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(PluginError) as caught:
        of(One("same"), One("other"), One("same"))
    assert str(caught.value) == "plugin 'odd': sources: two sources are called 'same'"


@pytest.mark.parametrize("error", [ValueError("bad luck"), SystemExit(0)])
@pytest.mark.parametrize("what", ["verify", "open", "outputs", "module"])
def test_what_a_source_raises(what: str, error: BaseException) -> None:
    source = of(One("a", **{what: error}))["a"]
    text = f"plugin 'odd': {what} of source 'a': {type(error).__name__}: {error}"
    with pytest.raises(PluginError, match=text):
        if what == "outputs":
            source.open("cpu")(None)
        else:
            getattr(source, what)(*(["cpu"] if what == "open" else []))


def test_a_source_that_opens_as_nothing() -> None:
    with pytest.raises(PluginError, match="open of source 'a': gave None and no function"):
        of(One("a", open=None))["a"].open("cpu")


def test_what_a_source_says_passes() -> None:
    sources = of(One("b", verify=WeightsError("altered"), outputs=7), One("a"))
    assert list(sources) == ["b", "a"]
    assert sources["b"].open("cpu")(None) == 7
    with pytest.raises(WeightsError, match=r"^altered$"):
        sources["b"].verify()
