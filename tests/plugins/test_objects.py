"""Classes and objects where names are meant, from modules, scripts and notebooks."""

from __future__ import annotations

import importlib
import linecache
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import distbench
from distbench.errors import ArgumentError
from distbench.plugins.objects import with_specifications
from distbench.plugins.registry import registry
from distbench_builtin.metrics.logme import LogME
from distbench_builtin.strategies.weighted import Weighted

IMPORTS = """
import math
from typing import Literal
import numpy as np
import distbench
from distbench import Baseline, Metric, Phase, Stream
"""
SPREAD = """
SCALE = 3.0
TABLE = {"a": (1, 2.5), "b": None}

def scaled(x):
    return SCALE * math.sqrt(x) + TABLE["a"][0]

class Spread(Metric):
    '''Spread of class means; ours.'''

    how: Literal["var", "max"] = "var"

    def score(self, probe):
        '''Higher is better.'''
        means = probe.labels.class_sums(probe.features) / probe.labels.counts[:, None]
        spread = means.var(axis=0).mean() if self.how == "var" else means.max()
        return scaled(abs(float(spread)))
"""
Names = dict[str, Any]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs cells as a notebook does: in `__main__`, each known by its text alone."""
    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    cells: list[str] = []

    def run(text: str) -> Names:
        name = f"<cell {len(cells)}>"
        cells.append(name)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), vars(main))
        return vars(main)

    yield run
    for name in cells:
        linecache.cache.pop(name, None)


def plugin_text(options: Names) -> str:
    (file,) = options["plugin"]
    return Path(file).read_text(encoding="utf-8")


def test_names_pass_as_they_are() -> None:
    options = {"metric": "logme", "task": ["mini-cub"], "seeds": 2, "zoo": {"use": "mini"}}
    assert with_specifications(options) == options


def test_what_is_installed_is_named() -> None:
    named = with_specifications({"metric": [LogME, "parc"], "strategy": Weighted(power=3)})
    assert named["plugin"] == ()
    assert named["metric"] == ({"use": "logme", **LogME().model_dump()}, "parc")
    assert named["strategy"] == {"use": "weighted", "power": 3.0, "normalise": "rank"}


def test_a_class_of_a_notebook_is_written_with_all_that_it_uses(notebook: Any) -> None:
    notebook(IMPORTS)
    cells = notebook(SPREAD)
    named = with_specifications({"metric": cells["Spread"](how="max")})
    assert named["metric"] == {"use": "spread", "how": "max"}
    lines = plugin_text(named).splitlines()
    assert "from distbench import Metric" in lines
    assert "from typing import Literal" in lines
    assert "import math" in lines
    assert "SCALE = 3.0" in lines
    assert "import numpy as np" not in lines
    made = registry(tuple(named["plugin"])).make("metric", named["metric"])
    x, y = [[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [0.0, 4.0]], [0, 1, 0, 1]
    expected = distbench.score(cells["Spread"](how="max"), x, y)
    assert distbench.score(made, x, y) == expected == 3 * 3**0.5 + 1
    assert with_specifications({"metric": cells["Spread"]})["plugin"] == named["plugin"]


def test_a_run_takes_classes_and_objects(notebook: Any, toy_options: Names) -> None:
    notebook(IMPORTS)
    cells = notebook(SPREAD)
    toys = registry(toy_options["plugin"])
    options = {**toy_options, "baseline": ("none",), "strategy": Weighted, "executor": "local"}
    options |= {"task": toys.make("task", "toy_task:hue=0.5"), "distiller": "pseudo_labels"}
    result = distbench.run(metric=(cells["Spread"], "logme"), **options)
    assert [row.status for row in result.rows] == ["done", "done"]
    assert {row.method.id for row in result.rows} == {
        "pseudo_labels/weighted/spread",
        "pseudo_labels/weighted/logme",
    }
    (row,) = (row for row in result.rows if "spread" in row.method.id)
    before = row.method.components["metric"]["source"]
    cells = notebook(SPREAD.replace("SCALE = 3.0", "SCALE = 4.0"))
    (again,) = distbench.run(metric=cells["Spread"], **options).rows
    assert again.method.components["metric"]["source"] != before
    assert again.key != row.key


def test_a_ranking_takes_them_too(notebook: Any, toy_options: Names) -> None:
    notebook(IMPORTS)
    cells = notebook(SPREAD)
    options = {key: toy_options[key] for key in ("plugin", "labelled", "image_size")}
    compared = distbench.rank("toy_task", "toy_zoo", metric=[cells["Spread"], "logme"], **options)
    assert [ranking.metric for ranking in compared.rankings] == ["spread", "logme"]


def test_a_class_of_a_module_is_imported_from_there(tmp_path: Path) -> None:
    package = tmp_path / "elsewhere" / "ideas_of_a_test"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "scales.py").write_text("FACTOR = 2.0\n")
    (package / "spread.py").write_text(
        "from distbench import Metric\nfrom .scales import FACTOR\n\n\n"
        "class OfPackage(Metric):\n    def score(self, probe):\n        return FACTOR\n"
    )
    sys.path.insert(0, str(package.parent))
    module = importlib.import_module("ideas_of_a_test.spread")
    sys.path.remove(str(package.parent))
    named = with_specifications({"metric": module.OfPackage})
    assert named["metric"] == {"use": "of_package"}
    assert str(package.parent) in plugin_text(named)
    names = registry(tuple(named["plugin"]))
    assert names.make("metric", "of_package").score(None) == 2  # type: ignore[arg-type]
    digest = names.provenance("metric", "of_package")["source"]
    (package / "scales.py").write_text("FACTOR = 3.0\n")
    from distbench.plugins.source_code import class_digest

    assert class_digest(module.OfPackage) != digest


def test_names_that_there_are_are_refused(notebook: Any) -> None:
    first = notebook(IMPORTS + SPREAD)["Spread"]
    second = notebook(SPREAD.replace("3.0", "4.0"))["Spread"]
    with pytest.raises(ArgumentError, match="Spread would be the metric 'spread', which there is"):
        with_specifications({"metric": (first, second)})
    cells = notebook(SPREAD.replace("class Spread", "class Parc"))
    with pytest.raises(ArgumentError, match="Parc would be the metric 'parc', which there is"):
        with_specifications({"metric": cells["Parc"]})


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = lambda probe: 1.0", "metric=<function <lambda>"),
        ("x = 3", "metric=3 will not do: give a name, or a class or object of distbench.Metric"),
        ("x = Baseline", "or object of distbench.Metric"),
        ("class Half(Metric): pass\nx = Half", "metric=Half will not do: it has no score()"),
        (
            "class Needy(Metric):\n    k: int\n    def score(self, probe): return 1.0\nx = Needy",
            "metric=Needy will not do: 'k' is missing",
        ),
        (
            "def make():\n    class In(Metric):\n        def score(self, probe): return 1.0\n"
            "    return In\nx = make()",
            "lies within a function or class",
        ),
        (
            "w = np.ones(3)\nclass Uses(Metric):\n"
            "    def score(self, probe): return w[0]\nx = Uses",
            "Uses uses 'w', a ndarray that no other process can make again",
        ),
        (
            "class Typed(Metric):\n    def score(self, probe): return 1.0\nx = Typed\n"
            "import linecache; linecache.clearcache()",
            "the code of Typed cannot be found",
        ),
    ],
)
def test_what_cannot_be_found_again_is_refused(notebook: Any, code: str, message: str) -> None:
    cells = notebook(IMPORTS + code)
    with pytest.raises(ArgumentError) as caught:
        with_specifications({"metric": cells["x"]})
    assert message in str(caught.value)


USES = '''
import math
from functools import cache
from pathlib import Path

import numpy as np

from distbench import Metric

BOUND = math.inf
UNKNOWN = float("nan")
SCALE = np.float64(2.0)
PLACES = {"here": [Path("/tmp"), (1, None)]}
double = lambda x: 2 * x


@cache
def offset(n):
    return n + 0.5


def plain(x):
    return x * SCALE


alias = plain


class Uses(Metric):
    """Uses what code can make again."""

    def score(self, probe):
        known = UNKNOWN != UNKNOWN and PLACES["here"][0] == Path("/tmp")
        return alias(min(double(3.0), BOUND)) + plain(offset(1)) + known
'''


def test_constants_lambdas_and_aliases_are_made_again(notebook: Any) -> None:
    cells = notebook(USES)
    named = with_specifications({"metric": cells["Uses"]})
    made = registry(tuple(map(Path, named["plugin"]))).make("metric", named["metric"])
    x, y = [[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 1]
    assert distbench.score(made, x, y) == 12 + 3 + 1


def test_a_lambda_within_other_code_is_refused_by_its_name(notebook: Any) -> None:
    text = USES.replace("double = lambda x: 2 * x", "(double, _) = (lambda x: 2 * x), 0")
    cells = notebook(text)
    with pytest.raises(ArgumentError, match="Uses uses 'double', a lambda that stands within"):
        with_specifications({"metric": cells["Uses"]})
