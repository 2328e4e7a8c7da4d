"""An edit of anything that a plugin's component runs changes what its results depend on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distbench.plugins.component_identity import identity_of, plugin_digests
from distbench.plugins.registry import Registry, registry
from distbench.plugins.source_code import class_digest, plugin_file_digest

METRIC = """
from distbench import Metric
class Mine(Metric):
    "Mine."
    def score(self, probe):
        {imports}
        return 1.0
"""


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    before, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import helper_module",
        "import helper_module as h",
        "from helper_module import value",
        "from .helper_module import value",
        "from . import helper_module",
        "import importlib; importlib.import_module('helper_module')",
        "__import__('helper_module')",
        "import between",
        "import helper_package.deep.value",
    ],
)
def test_a_module_beside_a_plugin_file_counts(tmp_path: Path, imports: str) -> None:
    plugin = tmp_path / "mine.py"
    helpers = {
        "helper_module.py": "value = 1",
        "between.py": "from helper_module import value",
        "helper_package/__init__.py": "",
        "helper_package/deep/__init__.py": "",
        "helper_package/deep/value.py": "value = 1",
        "nobody_imports_it.py": "value = 1",
    }
    write(tmp_path, {"mine.py": METRIC.format(imports=imports), **helpers})
    before = plugin_digests([plugin])
    (tmp_path / "nobody_imports_it.py").write_text("value = 2")
    assert plugin_digests([plugin]) == before
    package = "helper_package" in imports
    helper = "helper_package/deep/value.py" if package else "helper_module.py"
    (tmp_path / helper).write_text("value = 2")
    assert plugin_digests([plugin]) != before


@pytest.mark.slow
def test_a_folder_on_the_path_counts_but_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    imports = "import numpy, torch, json, my_lib"
    write(tmp_path, {"mine.py": METRIC.format(imports=imports), "lib/my_lib.py": "value = 1"})
    before = plugin_file_digest(tmp_path / "mine.py")
    (tmp_path / "lib" / "my_lib.py").write_text("value = 2")
    assert plugin_file_digest(tmp_path / "mine.py") != before


@pytest.mark.slow
def test_libraries_of_another_environment_are_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "env" / "lib" / "python3" / "site-packages"
    monkeypatch.syspath_prepend(str(site))
    plugin = {"mine.py": METRIC.format(imports="import huge")}
    write(tmp_path, {**plugin, "env/lib/python3/site-packages/huge/__init__.py": "value = 1"})
    before = plugin_file_digest(tmp_path / "mine.py")
    (site / "huge" / "__init__.py").write_text("value = 2")
    assert plugin_file_digest(tmp_path / "mine.py") == before


def test_a_lone_file_is_its_own_digest(tmp_path: Path) -> None:
    """So that keys of plugins in one file stay as they were."""
    import hashlib

    write(tmp_path, {"mine.py": METRIC.format(imports="pass")})
    text = (tmp_path / "mine.py").read_bytes()
    assert plugin_file_digest(tmp_path / "mine.py") == hashlib.sha256(text).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("edited", ["bases.py", "data/table.json", "sub/maths.py", "__init__.py"])
def test_a_package_counts_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    files = {
        "__init__.py": "",
        "bases.py": "from distbench import Metric\nclass Base(Metric):\n    'Base.'\n",
        "sub/__init__.py": "",
        "sub/maths.py": "",
        "sub/metric.py": "from packaged.bases import Base\nclass Mine(Base):\n    'Mine.'\n",
        "data/table.json": "[1]",
    }
    write(tmp_path / "packaged", files)
    from packaged.sub.metric import Mine  # type: ignore[import-not-found]

    before = class_digest(Mine)
    (tmp_path / "packaged" / edited).write_text("# other\n")
    assert class_digest(Mine) != before


@pytest.mark.slow
def test_a_base_class_elsewhere_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write(
        tmp_path,
        {
            "base_elsewhere/__init__.py": "from distbench import Metric\nfrom .b import *",
            "base_elsewhere/b.py": "class Mixed:\n    pass\n",
            "derived_here.py": "import base_elsewhere, distbench\n"
            "class Mine(base_elsewhere.Mixed, distbench.Metric):\n    'Mine.'\n",
        },
    )
    from derived_here import Mine  # type: ignore[import-not-found]

    before = class_digest(Mine)
    (tmp_path / "base_elsewhere" / "b.py").write_text("class Mixed:\n    x = 1\n")
    assert class_digest(Mine) != before


PATHS = """
from pathlib import Path
from distbench import Metric, Student
class Banked(Metric):
    "Reads a bank."
    bank: Path
    more: tuple[Path, ...] = ()
    by_name: dict[str, Path] = {}
    def score(self, probe): return 1.0
class Drawn(Student):
    "Reads a file."
    config: Path
    def fingerprint(self): return "drawn"
    def backbone(self, *, pretrained): pass
    def normalisation(self): pass
"""


@pytest.fixture
def banks(tmp_path: Path) -> Registry:
    write(tmp_path, {"banked.py": PATHS, "a/x.txt": "1", "b/x.txt": "2", "c/y.txt": "1"})
    return registry((tmp_path / "banked.py",))


def test_folders_that_are_parameters_count(banks: Registry, tmp_path: Path) -> None:
    def identity(**given: object) -> dict[str, object]:
        made = banks.make("metric", {"use": "banked", **given})
        return identity_of(banks, "metric", made)

    a, b, c, absent = (tmp_path / name for name in ("a", "b", "c", "d"))
    seen = [
        identity(bank=a),
        identity(bank=b),
        identity(bank=c),  # the same bytes under another name
        identity(bank=absent),
        identity(bank=a, more=[a]),
        identity(bank=a, more=[b]),
        identity(bank=a, more=[a, b]),
        identity(bank=a, by_name={"one": a}),
        identity(bank=a, by_name={"one": b}),
        identity(bank=a / "x.txt"),
    ]
    assert len({str(one) for one in seen}) == len(seen)
    before = identity(bank=a, more=[b])
    (tmp_path / "b" / "z").write_bytes(b"")
    assert identity(bank=a, more=[b]) != before
    assert str(tmp_path) not in str(seen)


def test_a_file_of_a_strangers_student_counts(banks: Registry, tmp_path: Path) -> None:
    made = banks.make("student", {"use": "drawn", "config": tmp_path / "a" / "x.txt"})
    before = identity_of(banks, "student", made)
    (tmp_path / "a" / "x.txt").write_text("9")
    assert identity_of(banks, "student", made) != before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "edited"),
    [
        ("Path(__file__).with_name('coef.json').read_text()", "coef.json"),
        ("spec_from_file_location('x', Path(__file__).parent / 'helper_module.py')", "between.py"),
        (
            "sys.path.insert(0, str(Path(__file__).parent / 'src')); import calc_src",
            "src/calc_src.py",
        ),
        ("files('spaced').joinpath('coef.json').read_text()", "spaced/deep/coef.json"),
    ],
)
def test_what_a_plugin_file_names_counts(tmp_path: Path, code: str, edited: str) -> None:
    files = {
        "coef.json": "1",
        "helper_module.py": "import between",
        "between.py": "value = 1",
        "src/calc_src.py": "value = 1",
        "spaced/deep/coef.json": "1",
        "spaced/one.py": "",
        "mine.py": METRIC.format(imports=f"import spaced; {code}"),
    }
    write(tmp_path, files)
    before = plugin_digests([tmp_path / "mine.py"])
    assert plugin_digests([tmp_path / "mine.py"]) == before
    (tmp_path / edited).write_text("2")
    assert plugin_digests([tmp_path / "mine.py"]) != before


NAMES = [
    "Path(__file__).parent / 'data' / 't.json'",
    "Path(__file__).parent.joinpath('data', 't.json')",
    "(Path(__file__).resolve().parent / 'data').glob('*.json')",
    "Path(__file__).parent / 'data' / f'{probe}.json'",
    "Path(__file__).parent / f'data/{probe}.json'",
    "open(f'{HERE}/data/t.json')",
    "HERE / DATA / probe.name",
    "HERE.rglob(f'{probe}.json')",
    "Path(__file__).parents[0] / 'data'",
    "os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data', probe.name)",
    "os.path.join(os.path.dirname(__file__), '..', 'mine', 'data', 't.json')",
    "glob.glob(os.path.join(os.path.dirname(__file__), 'dat?', '*.json'))",
]


@pytest.mark.parametrize("code", NAMES)
def test_data_that_a_plugin_names_count(tmp_path: Path, code: str) -> None:
    head = (
        "import os, glob\nfrom pathlib import Path\nHERE = Path(__file__).parent\nDATA = 'data'\n"
    )
    write(tmp_path / "mine", {"mine.py": head + code, "data/t.json": "1", "other/t.json": "1"})
    plugin = tmp_path / "mine" / "mine.py"
    before = plugin_file_digest(plugin, data=True)
    write(tmp_path / "mine", {"data/t.json": "2"})
    assert plugin_file_digest(plugin, data=True) != before
    after = plugin_file_digest(plugin, data=True)
    write(tmp_path / "mine", {"new.txt": "2", "new/t.txt": "2", "data/__pycache__/t.pyc": "1"})
    assert plugin_file_digest(plugin, data=True) == after


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("Path(__file__).with_suffix('.json')", "mine.json"),
        ("Path(__file__).with_suffix(ENDING)", "mine.json"),
        ("Path(__file__).with_name(f'{1}.csv')", "a.csv"),
        ("Path(__file__).with_stem('other')", "other.py"),
        ("Path(__file__).parent.glob('*.csv')", "a.csv"),
        ("Path(__file__).parents[1] / 'shared.json'", "../shared.json"),
        ("os.path.dirname(__file__) + '/t.json'", "t.json"),
        ("os.path.dirname(__file__) + '/da' + 'ta/' + probe.name", "data/t.json"),
        ("HERE + os.sep + 't' + ENDING", "t.json"),
        ("'%s/data/%s.json' % (HERE, probe.name)", "data/t.json"),
        ("'%s/t' % HERE + ENDING", "t.json"),
        ("'{}/data/{:>4}.json'.format(HERE, probe)", "data/t.json"),
        ("place() + '/t.json'", "t.json"),
    ],
)
def test_files_that_a_plugin_names_count(tmp_path: Path, code: str, name: str) -> None:
    head = (
        "import os\nfrom pathlib import Path\nENDING = '.json'\nHERE = os.path.dirname(__file__)\n"
    )
    write(tmp_path / "mine", {"mine.py": head + code, name: "1"})
    before = plugin_file_digest(tmp_path / "mine" / "mine.py", data=True)
    write(tmp_path / "mine", {name: "2"})
    assert plugin_file_digest(tmp_path / "mine" / "mine.py", data=True) != before


@pytest.mark.parametrize(
    "code",
    [
        "Path('data') / 't.json'",
        "'data'",
        "Path(__file__).parent",
        "Path(__file__).parent / 'data' / '..'",
        "Path(__file__).parent / NAME",
        "NAME = NAME / __file__",
        "Path(__file__).parent / f'{NAME}'",
        "Path(__file__).parent / '\\ud800' / '*'",
        "(Path(__file__).parent / '\\ud800').glob('*')",
        "Path(__file__).parents[99] / 'x'",
        "Path(__file__).parents[-1] / 'x'",
    ],
)
def test_code_that_names_no_data_keeps_its_digest(tmp_path: Path, code: str) -> None:
    import hashlib

    write(tmp_path, {"mine.py": code, "beside.json": "1"})
    if "__file__" not in code:
        write(tmp_path, {"data/t.json": "1"})
    text = hashlib.sha256((tmp_path / "mine.py").read_bytes()).hexdigest()
    assert plugin_file_digest(tmp_path / "mine.py", data=True) == text


def test_many_data_count_by_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distbench.plugins.source_code._MOST_BYTES", 4)
    code = "from pathlib import Path\nPath(__file__).parent / 'data'"
    write(tmp_path, {"mine.py": code, "data/a": "123", "data/b": "456"})
    monkeypatch.setattr("distbench.plugins.source_code.file_digest", lambda f: f.name)

    def now() -> str:
        return plugin_file_digest(tmp_path / "mine.py", data=True)

    before = now()
    assert now() == before
    os.utime(tmp_path / "data" / "a", ns=(1, 1))
    assert now() != before


@pytest.mark.slow
def test_a_metric_whose_data_change_has_another_identity(tmp_path: Path) -> None:
    code = METRIC.format(imports="__import__('json').load((HERE / 'data' / 't.json').open())")
    write(tmp_path, {"mine.py": f"from pathlib import Path\nHERE = Path(__file__).parent\n{code}"})
    seen = []
    for text in "12":
        write(tmp_path, {"data/t.json": text})
        names = registry((tmp_path / "mine.py",))
        seen.append(identity_of(names, "metric", names.make("metric", "mine")))
    assert seen[0] != seen[1]


def test_a_folder_that_a_run_writes_in_is_no_edit(tmp_path: Path) -> None:
    """Workers refuse plugins that were edited since the run was planned."""
    code = "from pathlib import Path\nPath(__file__).parent / 'logs'"
    write(tmp_path, {"mine.py": code, "logs/a.txt": "1"})
    before = plugin_digests([tmp_path / "mine.py"])
    write(tmp_path, {"logs/b.txt": "1"})
    assert plugin_digests([tmp_path / "mine.py"]) == before


NESTED = """
from pathlib import Path
from pydantic import BaseModel
from distbench import Metric
class Bank(BaseModel):
    path: Path
    k: int = 1
class Nested(Metric):
    "Has paths within parameters."
    bank: Bank | None = None
    mixed: dict[str, Path | float] = {}
    def score(self, probe): return 1.0
"""


def test_paths_within_parameters_count_and_hide_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"nested.py": NESTED, "a/x.txt": "1", "b/x.txt": "2"})
    names = registry((tmp_path / "nested.py",))

    def identity(**given: object) -> str:
        return str(identity_of(names, "metric", names.make("metric", {"use": "nested", **given})))

    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    seen = [
        identity(bank={"path": a}),
        identity(bank={"path": b}),
        identity(bank={"path": a, "k": 2}),
        identity(mixed={"of": a, "k": 1.0}),
        identity(mixed={"of": a, "k": -1.0}),
        identity(mixed={"of": b, "k": 1.0}),
    ]
    assert len(set(seen)) == len(seen)
    assert str(tmp_path) not in "".join(seen)
