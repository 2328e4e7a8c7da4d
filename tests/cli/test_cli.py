"""The command line as its users meet it; where processes matter, in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.engine.host import host

TOYS = Path(__file__).parents[1] / "toys.py"
TINY = [
    "--plugin", str(TOYS), "--zoo", "toy_zoo", "--student", "toy_student", "--image-size", "16",
    "--steps", "3", "--batch", "8", "--labelled", "3-per-class", "--executor", "serial",
    "--no-save-student",
]  # fmt: skip


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "distbench", *arguments], capture_output=True, text=True
    )


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, which has imported what it needs."""
    done = CliRunner().invoke(app, arguments)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def imported(*arguments: str) -> set[str]:
    code = (
        "import sys, runpy\nsys.argv = ['distbench', *sys.argv[1:]]\n"
        "try: runpy.run_module('distbench', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "sys.stderr.write('MODULES ' + ' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.rpartition("MODULES ")[2].split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("run", "--help")])
def test_help_imports_nothing_heavy_and_no_plugin(arguments: tuple[str, ...]) -> None:
    heavy = {"torch", "numpy", "scipy", "distbench_builtin", "timm", "matplotlib", "PIL"}
    assert not imported(*arguments) & heavy


@pytest.mark.slow
def test_what_is_to_be_known_of_the_data_is_said(tmp_path: Path, monkeypatch) -> None:
    from PIL import Image

    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for number in range(40):
        for part in ("train", "test"):
            file = tmp_path / "images" / part / "ab"[number % 2] / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            shade = (6 * number, 200 * (part == "test" and number > 0), 100)
            Image.new("RGB", (16, 16), shade).save(file)
    said = "note: images: 1 of 40 test images are among the training or validation images too"
    task = ["--task", "folder:path=images", *TINY]
    baseline = ["--distiller", "none", "--baseline", "finetune", "--name", "x"]
    for command in (["rank", *task[:6], "--metric", "knn"], ["run", *task, *baseline]):
        done = call(*command)
        assert done.returncode == 0, done.stderr
        assert said in done.stderr, command
    (tmp_path / "run.toml").write_text('task = ["folder:path=images"]\nsuite = "mini"\n')
    planned = call("plan", "run.toml", "--output", "plan.json")
    assert planned.returncode == 0 and said in planned.stderr, planned.stderr
    row = json.loads((tmp_path / "runs/x/rows.jsonl").read_text().splitlines()[0])
    assert row["task"]["notes"][0] in done.stderr


def test_help_shows_every_command() -> None:
    text = process("--help").stdout
    for command in (
        "run",
        "rank",
        "show",
        "list",
        "info",
        "plugins",
        "plan",
        "merge",
        "env",
        "zoo",
    ):
        assert command in text


@pytest.mark.slow
def test_a_run_and_a_cached_run_without_torch() -> None:
    done = process("run", *TINY, "--task", "toy_task")
    assert done.returncode == 0, done.stderr
    assert "finetune" in done.stdout and "vs finetune" in done.stdout
    assert "Sources in effect, 1 / sum of squared weights" in done.stdout
    assert "[1/" in done.stderr, "progress goes to stderr"
    cached = imported("run", *TINY, "--task", "toy_task")
    assert "numpy" in cached
    assert "torch" not in cached


@pytest.mark.slow
def test_json_of_a_run_is_all_that_stdout_holds() -> None:
    done = call("run", *TINY, "--task", "toy_task", "--json")
    table = json.loads(done.stdout)
    assert table["cells"] == table["computed"] == 3
    assert table["failed"] == 0
    assert len(table["sources_in_effect"]) == 2
    for by_task in table["sources_in_effect"].values():
        assert 1 <= by_task["toy_task"] <= 3


@pytest.mark.slow
def test_dry_run_computes_nothing() -> None:
    done = call("run", *TINY, "--task", "toy_task", "--dry-run")
    assert "3 cells, 3 to be computed" in done.stdout
    assert not Path("runs").exists()
    cells = json.loads(call("run", *TINY, "--task", "toy_task", "--dry-run", "--json").stdout)
    assert [cell["cached"] for cell in cells["cells"]] == [False] * 3


@pytest.mark.slow
def test_list_tasks_as_json() -> None:
    tasks = json.loads(call("list", "tasks", "--json").stdout)
    names = {task["name"] for task in tasks}
    assert {"mini-cub", "mini-eurosat", "folder"} <= names
    assert json.loads(call("list", "tasks", "mini-dev-*", "--json").stdout)[0]["kind"] == "task"


@pytest.mark.slow
def test_info_lists_the_sources_of_a_zoo() -> None:
    text = call("info", "sources", "--zoo", "mini").stdout
    assert {"birds-fast", "general-res"} <= {line.split()[0] for line in text.splitlines()}
    assert "mini-source-birds" in text
    assert "`distbench list metrics` shows" in call("info", "metric").stderr


def test_info_shows_parameters() -> None:
    text = call("info", "strategy", "weighted").stdout
    assert "power (after the colon)" in text
    assert "ICCV 2023" in text


@pytest.mark.slow
def test_show_and_merge() -> None:
    for part in ("1/2", "2/2"):
        assert (
            call("run", *TINY, "--task", "toy_task", "--name", "x", "--shard", part).returncode == 0
        )
    done = call("merge", "runs/x-shard-1-of-2", "runs/x-shard-2-of-2")
    assert done.returncode == 0
    assert "3 of 3 cells joined in runs/x" in done.stdout
    shown = call("show", "x").stdout
    assert "finetune" in shown and "toy-" in shown and "MACs" in shown
    assert f"Computed on: {host()} (3 cells).\n" in shown
    told = json.loads(call("show", "x", "--json").stdout)
    assert told["leaderboard"] and told["hosts"] == {host(): 3}


@pytest.mark.slow
def test_rank_prints_a_table() -> None:
    done = call("rank", "--plugin", str(TOYS), "--task", "toy_task", "--zoo", "toy_zoo")
    assert done.returncode == 0, done.stderr
    assert "toy-1" in done.stdout
    assert "scored on" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--metric", "logmee"], 2, "unknown metric 'logmee'. Did you mean 'logme'?"),
        (["--strategy", "weighted:power=abc"], 2, "power='abc' will not do"),
        (["--labelled", "0"], 2, "a share of labels lies between 0 and 1"),
        (["--shard", "4/3"], 2, "--shard '4/3' will not do"),
        (["--task", "toy_task:classes=1"], 3, "there is nothing to tell apart"),
        (["--task", "toy_task:train=2"], 3, "class 'c' has no labelled image"),
        (["--suite", "nope.toml"], 2, "cannot read suite 'nope.toml'"),
        (["--suite", "minni"], 2, "Did you mean 'mini'?"),
        (["--device", "cuda:77"], 2, "--device cuda:77 cannot be used here"),
        (["--plugin", "absent.py"], 2, "no such file"),
        (["--precision", "fp7"], 2, "precision='fp7' will not do"),
        (["--zoo", "local:path=absent"], 3, "absent"),
        (["--no-such-option"], 2, "No such option"),
    ],
)
def test_what_is_wrong_is_one_clear_line(arguments: list[str], code: int, message: str) -> None:
    usual = {"--task": "toy_task", "--zoo": "toy_zoo", "--labelled": "3-per-class"}
    others = [part for pair in usual.items() if pair[0] not in arguments for part in pair]
    options = ["--plugin", str(TOYS), "--student", "toy_student", *others, *arguments]
    done = call("run", *options)
    assert done.returncode == code, done.stderr
    assert not Path("runs").exists()
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_key_in_a_file_is_named() -> None:
    Path("run.toml").write_text('metrik = "logme"\n')
    done = process("run", "--config", "run.toml")
    assert done.returncode == 2
    assert "run.toml: unknown key 'metrik'. Did you mean 'metric'?" in done.stderr


@pytest.mark.slow
def test_a_file_and_options_together() -> None:
    Path("conf").mkdir()
    Path("conf/run.toml").write_text(
        f'task = [{{ use = "toy_task", id = "t" }}]\nplugin = "{TOYS}"\nzoo = "toy_zoo"\n'
        'student = "toy_student"\nsteps = 3\nimage_size = 16\nexecutor = "serial"\n'
        'save_student = false\nbaseline = ["finetune", "scratch"]\nlabelled = "3-per-class"\n'
    )
    done = call("run", "--config", "conf/run.toml", "--baseline", "finetune", "--json")
    assert done.returncode == 0, done.stderr
    board = json.loads(done.stdout)["leaderboard"]
    assert {line["method"] for line in board["methods"]} == {
        "pseudo_labels/weighted/parc",
        "label_propagation/weighted/parc",
        "finetune",
    }


@pytest.mark.slow
def test_plan_is_frozen_json() -> None:
    Path("run.toml").write_text(
        f'task = "toy_task"\nplugin = "{TOYS}"\nzoo = "toy_zoo"\nstudent = "toy_student"\n'
    )
    one, two = call("plan", "run.toml").stdout, call("plan", "run.toml").stdout
    assert one == two
    assert len(json.loads(one)["cells"]) == 3


@pytest.mark.slow
def test_plugins_and_env() -> None:
    assert "builtin (distbench" in call("plugins", "--plugin", str(TOYS)).stdout
    assert json.loads(call("env", "--json").stdout)["packages"]["torch"]
