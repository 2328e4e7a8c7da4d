from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from distbench.errors import PluginError, UnknownNameError, UsageError
from distbench.plugins.registry import Registry, registry


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder on sys.path whose distributions count as installed."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delenv("DISTBENCH_PLUGINS")
    yield site
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", "")).startswith(str(site)):
            del sys.modules[name]


def install(site: Path, name: str, code: str) -> None:
    (site / f"{name}.py").write_text(code)
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[distbench]\n{name} = {name}\n")


GOOD = """
from distbench import hookimpl, Metric
class Mine(Metric):
    "Mine."
    def score(self, probe): return 1.0
@hookimpl
def distbench_metrics(): return {"%s": "%s:Mine"}
"""


def test_built_ins_are_an_ordinary_plugin() -> None:
    names = Registry()
    assert [p.origin.plugin for p in names.plugins] == ["builtin"]
    assert "logme" in names.names("metric")
    assert names.provenance("metric", "logme") == {}


@pytest.mark.slow
def test_a_third_party_metric_is_found_by_name(installed: Path) -> None:
    install(installed, "good_one", GOOD % ("mine", "good_one"))
    names = Registry()
    assert names.make("metric", "mine").label == "mine"
    assert names.distributions()["good_one"] == "1.0"
    assert len(names.provenance("metric", "mine")["source"]) == 64


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('oh no')", "RuntimeError: oh no"),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        (
            "from distbench import hookimpl\n@hookimpl\ndef distbench_metric(): return {}",
            "unknown hook 'distbench_metric'",
        ),
        (
            "from distbench import hookimpl\n@hookimpl\ndef distbench_metrics(): return {'a': 1}",
            "'a' must map to 'module:attribute', got 1",
        ),
    ],
)
def test_a_broken_plugin_is_listed_and_stops_nothing(
    installed: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    install(installed, "broken_one", code)
    install(installed, "good_two", GOOD % ("mine", "good_two"))
    names = Registry()
    broken = next(p for p in names.plugins if p.origin.plugin == "broken_one")
    assert reason in (broken.error or "")
    assert names.make("metric", "mine").name == "mine"
    with pytest.raises(UnknownNameError, match="Broken plugins: broken_one"):
        names.make("metric", "nothing")
    monkeypatch.setenv("DISTBENCH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="broken_one"):
        Registry()


def test_two_plugins_claiming_a_name_are_both_named(installed: Path) -> None:
    install(installed, "first_one", GOOD % ("mine", "first_one"))
    install(installed, "other_one", GOOD % ("mine", "other_one"))
    names = Registry()
    with pytest.raises(UsageError) as caught:
        names.make("metric", "mine")
    assert "'mine' is claimed by first_one (first_one 1.0) and other_one (other_one 1.0)" in str(
        caught.value
    )
    assert "write 'first_one/mine' or 'other_one/mine'" in str(caught.value)
    assert {"first_one/mine", "other_one/mine"} < {*names.names("metric")}
    assert "mine" not in names.names("metric")
    assert names.make("metric", "other_one/mine").name == "other_one/mine"


def test_a_builtin_keeps_its_name(installed: Path) -> None:
    install(installed, "greedy", GOOD % ("logme", "greedy"))
    names = Registry()
    assert type(names.make("metric", "logme")).__module__.startswith("distbench_builtin")
    assert type(names.make("metric", "greedy/logme")).__module__ == "greedy"
    (greedy,) = (p for p in names.plugins if p.origin.plugin == "greedy")
    assert greedy.error is None
    assert greedy.clashes == [
        "the metric name 'logme' is claimed by builtin (distbench "
        f"{version('distbench')}) and greedy (greedy 1.0); this one is 'greedy/logme'"
    ]


def test_a_full_name_is_no_other_component(installed: Path) -> None:
    install(installed, "alone_one", GOOD % ("mine", "alone_one"))
    assert Registry().make("metric", "alone_one/mine") == Registry().make("metric", "mine")


def test_plugins_can_be_limited(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(installed, "wanted_one", GOOD % ("mine", "wanted_one"))
    install(installed, "other_two", GOOD % ("theirs", "other_two"))
    monkeypatch.setenv("DISTBENCH_PLUGINS", "wanted_one")
    assert [p.origin.plugin for p in Registry().plugins] == ["builtin", "wanted_one"]


def test_what_a_name_leads_to_is_checked(installed: Path) -> None:
    install(
        installed,
        "wrong_kind",
        GOOD.replace("distbench_metrics", "distbench_zoos") % ("z", "wrong_kind"),
    )
    with pytest.raises(PluginError, match=r"zoo 'z' must be a subclass of distbench.Zoo"):
        Registry().make("zoo", "z")


def test_a_file_needs_no_package(tmp_path: Path) -> None:
    file = tmp_path / "idea.py"
    file.write_text(
        "from distbench import Metric\nclass MyIdea(Metric):\n"
        "    'An idea.'\n    def score(self, probe): return 1.0\n"
    )
    names = registry((file,))
    assert names.make("metric", "my_idea").name == "my_idea"
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1")
    with pytest.raises(PluginError, match="neither hooks nor subclasses"):
        registry((empty,))
    with pytest.raises(PluginError, match="no such file"):
        registry((tmp_path / "absent.py",))


def test_tables_and_defaults() -> None:
    names = Registry()
    assert names.make("strategy", {"use": "weighted", "power": 3}).label == "weighted:3"
    settings = {"power": 5.0}
    assert names.make("strategy", "weighted", defaults=settings).label == "weighted:5"
    assert names.make("strategy", "weighted:7", defaults=settings).label == "weighted:7"
    with pytest.raises(UsageError, match="a table needs use"):
        names.make("strategy", {"power": 3})


def test_every_built_in_says_what_it_is() -> None:
    from distbench.interfaces.kinds import KINDS

    names = Registry()
    for kind in KINDS:
        for name in names.names(kind):
            cls = names.load(kind, name)
            assert cls.summary().endswith("."), (kind, name)
            for key, field in cls.parameters().items():
                assert field.annotation is not None, (kind, name, key)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_plugin_file_whose_path_is_no_text_is_to_be_renamed(tmp_path: Path) -> None:
    file = tmp_path / "b\udce9.py"
    file.write_text("")
    with pytest.raises(PluginError, match="its path is no text in UTF-8; rename the file"):
        registry((file,))
