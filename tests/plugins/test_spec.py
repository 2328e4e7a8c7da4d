from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from distbench.errors import UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.parameters import primary
from distbench.plugins.registry import registry
from distbench.plugins.spec import build, parse


class Odd(Component):
    """Has a parameter of every sort."""

    power: float = primary(9.0, ge=0)
    names: tuple[str, ...] = ()
    flag: bool = False
    path: Path | None = None
    arguments: dict[str, Any] = {}
    near: Annotated[int, Field(ge=1)] | Literal["all"] = "all"


def made(text: str, base: Path | None = None) -> Odd:
    name, value, params = parse(text)
    found = build(Odd, name, value, params, shown=text, base=base)
    assert isinstance(found, Odd)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("weighted", ("weighted", None, {})),
        ("weighted:12", ("weighted", "12", {})),
        ("weighted:power=9", ("weighted", None, {"power": "9"})),
        (
            "timm:resnet50:pretrained=false,x=1",
            ("timm", "resnet50", {"pretrained": "false", "x": "1"}),
        ),
        ("timm:hf-hub:org/name", ("timm", "hf-hub:org/name", {})),
        ('folder:path="a b,c"', ("folder", None, {"path": "a b,c"})),
        ("folder:path=C:/x", ("folder", None, {"path": "C:/x"})),
        ("a:b.c=1", ("a", None, {"b.c": "1"})),
    ],
)
def test_parse(text: str, expected: tuple[str, str | None, dict[str, str]]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", ":x", "a:", "a:b=1,", "a:b=1,b=2", "a:b=1,c"])
def test_what_is_no_specification(text: str) -> None:
    if text == "a:b=1,":
        assert parse(text) == ("a", None, {"b": "1"})
        return
    with pytest.raises(UsageError):
        parse(text)


def test_values_take_the_types_of_the_fields() -> None:
    odd = made("odd:inf:names=a+b,flag=true,arguments.k=2,arguments.s=same")
    assert odd.power == float("inf")
    assert odd.names == ("a", "b")
    assert odd.flag is True
    assert odd.arguments == {"k": 2, "s": "same"}


@pytest.mark.parametrize(
    "text",
    ["odd", "odd:12", "odd:inf", "odd:0.25:names=a+b,flag=true", "odd:arguments.k=2,arguments.s=x"],
)
def test_a_label_is_read_back_as_the_same_component(text: str) -> None:
    assert made(text).label == text
    assert made(made(text).label) == made(text)


def test_relative_paths_start_from_the_base() -> None:
    assert made("odd:path=x/y", Path("/base")).path == Path("/base/x/y")
    assert made("odd:path=/x", Path("/base")).path == Path("/x")
    assert made("odd:path=x").path == Path.cwd() / "x"


def test_where_something_lies_is_no_part_of_its_identity() -> None:
    assert made("odd:path=/a").identity() == made("odd:path=/b").identity()
    assert made("odd:1").identity() != made("odd:2").identity()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("odd:abc", "'odd:abc': power='abc' will not do: Input should be a valid number"),
        ("odd:power=-1", "power='-1' will not do: Input should be greater than or equal to 0"),
        ("odd:near=0", "'odd:near=0': near='0' will not do: Input should be greater than"),
        ("odd:near=0", "or equal to 1, or input should be 'all'"),
        ("odd:nope=1", "odd has no parameter 'nope'; it takes power, names, flag, path, arguments"),
    ],
)
def test_messages_name_parameter_and_value(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(text)
    assert message in str(caught.value)


def test_a_parameter_may_be_a_component() -> None:
    from distbench.plugins.component_identity import as_table, identity_of
    from distbench.plugins.registry import registry

    names = registry()
    for text in ("plasticity", "plasticity:parc", 'plasticity:of="parc:dims=8",layers=20'):
        made = names.make("metric", text)
        assert made.label == text
        assert names.make("metric", as_table(made)) == made
    inner = identity_of(names, "metric", made)["params"]["of"]
    assert inner == {"name": "parc", "version": inner["version"], "params": {"dims": 8}}
    with pytest.raises(UsageError, match="unknown metric 'logmee'"):
        names.make("metric", "plasticity:of=logmee")
    with pytest.raises(UsageError, match=r"by=LogME.* will not do: it is no SetMetric"):
        names.make("strategy", "team:logme")


def test_none_is_no_value_where_a_parameter_may_go_without() -> None:
    from distbench.plugins.registry import registry

    made = registry().make("metric", "gbc:dims=none")
    assert made.dims is None
    assert made.label == "gbc:dims=none"
    with pytest.raises(UsageError, match="layers='none' will not do"):
        registry().make("metric", "plasticity:layers=none")


def test_a_parameter_may_be_a_component_or_none(tmp_path: Path) -> None:
    from distbench.plugins.component_identity import as_table
    from distbench.plugins.registry import registry

    names = registry()
    (tmp_path / "sub").mkdir()
    text = 'pseudo_labels:lam=0.5,transfer="images:path=sub",budget=9'
    found = names.make("distiller", text, base=tmp_path)
    images = found.parts()["transfer"]
    assert (images.name, dict(images)["path"]) == ("images", tmp_path / "sub")
    path = tmp_path / "sub"
    assert found.label == f'pseudo_labels:transfer="images:path={path}",budget=9,lam=0.5'
    assert found.typed(whole_paths=False) == (
        'pseudo_labels:transfer="images:path=sub",budget=9,lam=0.5'
    )
    assert names.make("distiller", as_table(found)).label == found.label
    assert found.identity()["params"]["transfer"] == {
        "name": "images",
        "version": 1,
        "params": {"only": None},
    }
    for given in ("pseudo_labels", "pseudo_labels:transfer=none", {"use": "pseudo_labels"}):
        assert names.make("distiller", given).parts() == {}  # type: ignore[arg-type]
    table = {"use": "pseudo_labels", "transfer": {"use": "images", "path": str(path)}}
    assert names.make("distiller", table).parts()["transfer"] == images
    with pytest.raises(UsageError, match=r"unknown task 'imagez'. Did you mean 'images'"):
        names.make("distiller", 'pseudo_labels:transfer="imagez:path=x"')


def test_a_path_may_start_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert made("odd:path=~/x").path == tmp_path / "x"
    assert made("odd:path=~/x", Path("/elsewhere")).path == tmp_path / "x"
    assert made("odd:path=~nobody-of-this-name/x", Path("/a")).path == Path(
        "/a/~nobody-of-this-name/x"
    )


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("student", "timm:resnet18,weights=x", "write 'timm:resnet18:weights=x'"),
        ("student", "timm:resnet18:pad_type=same", "arguments.pad_type=... is an entry of its"),
        (
            "student",
            "timm:resnet18:arguments=pad_type=same",
            "write arguments.entry=value for each",
        ),
        ("student", 'timm:resnet18:arguments={a="b"}', "key.entry=value for an entry of a table"),
        ("student", "resnet18", "Architectures of libraries are timm:resnet18 and torchvision:"),
        ("task", "photographs", "The folder of that name is folder:path=photographs."),
        ("zoo", "photographs", "The folder of that name is local:path=photographs."),
        ("task", "photograph", "unknown task 'photograph'. `distbench list tasks` shows"),
    ],
)
def test_a_slip_is_told_what_is_meant(kind: str, text: str, message: str) -> None:
    Path("photographs").mkdir()
    with pytest.raises(UsageError) as caught:
        registry().make(kind, text)
    assert message in str(caught.value)
