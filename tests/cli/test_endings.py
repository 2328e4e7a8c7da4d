"""How commands end: by signals, limits, faults of plugins, and faults of distbench's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.cli.process import ending
from distbench.engine.processes import time_limit
from distbench.errors import TimedOutError
from distbench.testing.subject import MINIATURE, SUITE

TOYS = Path(__file__).parents[1] / "toys.py"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
_started: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Commands hear all signals, also where nohup or a script's & started pytest; none stays."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    while _started:
        _started.pop().kill()


BUSY = """
import hashlib
from pathlib import Path
from distbench import Metric
class Busy(Metric):
    "Busy."
    def score(self, probe):
        Path("began").touch()
        {body}
"""
WITH_GRACE = (
    "import sys; from distbench.engine.processes import time_limit; time_limit.GRACE = {}; "
    "sys.argv[0] = 'distbench'; from distbench.cli import main; main()"
)
IN_PYTHON = "while True: pass"
IN_C = "hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"


def command(body: str, name: str, *more: str, grace: float = 10) -> subprocess.Popen[str]:
    Path("busy.py").write_text(BUSY.format(body=body))
    options = {
        "--task": "toy_task",
        "--zoo": "toy_zoo",
        "--metric": "busy",
        **(
            {"--student": "toy_student", "--image-size": "16", "--steps": "2"}
            if name == "run"
            else {}
        ),
        "--labelled": "3-per-class",
    }
    pairs = [part for pair in options.items() for part in pair]
    plugins = ("--plugin", str(TOYS), "--plugin", "busy.py")
    process = subprocess.Popen(
        [sys.executable, "-c", WITH_GRACE.format(grace), name, *pairs, *plugins, *more],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _started.append(process)
    return process


def until(path: str, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if Path(path).exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError(f"{path} did not come")


def alive(text: str) -> list[str]:
    shown = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in shown.stdout.splitlines() if text in line and "ps -eo" not in line]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number", "code"),
    [("run", signal.SIGTERM, 143), ("rank", signal.SIGHUP, 129)],
)
def test_a_signal_ends_a_command_in_words(name: str, number: int, code: int) -> None:
    process = command(IN_PYTHON, name)
    until("began", process)
    process.send_signal(number)
    _, words = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in words
    (line,) = [line for line in words.splitlines() if line.startswith("distbench: ")]
    assert line.startswith("distbench: interrupted; ") and "the same command goes on" in line
    time.sleep(0.5)
    assert not alive(str(Path.cwd()))


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once() -> None:
    process = command(IN_C, "rank")
    until("began", process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # Python cannot answer before the library returns
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=9)
    assert process.returncode == 130
    assert words.strip().endswith("distbench: stopped at once; what was finished is kept")


@pytest.mark.slow
def test_a_library_that_does_not_return_is_ended_after_a_while() -> None:
    assert time_limit.GRACE == 10
    process = command(IN_C, "rank", grace=1)
    until("began", process)
    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "in the middle of a computation that did not end in 1 s" in words


@pytest.mark.slow
def test_rank_has_a_limit() -> None:
    process = command(IN_C, "rank", "--timeout", "7", grace=1)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 1
    assert words.strip().endswith("distbench: rank took longer than 7 s")


@pytest.mark.slow
def test_jobs_of_a_run_have_a_limit() -> None:
    process = command(IN_C, "run", "--timeout", "10", "--baseline", "none")
    _, words = process.communicate(timeout=100)
    assert process.returncode == 1
    assert "took longer than 10 s" in words
    assert "Traceback" not in words


def test_a_fault_of_our_own_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise TypeError("not\nthought of")

    monkeypatch.setattr("distbench.plugins.registry.Registry.names", broken)
    done = CliRunner().invoke(app, ["list", "metrics"])
    assert done.exit_code == 1
    assert done.stderr.startswith("distbench: a fault of distbench's own: TypeError: not (")
    assert len(done.stderr.splitlines()) == 1
    monkeypatch.setenv("DISTBENCH_TRACEBACK", "1")
    assert "Traceback" in CliRunner().invoke(app, ["list", "metrics"]).stderr


def test_how_a_component_failed_in_a_run_is_shown_to_who_asks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    given = ["--plugin", str(MINIATURE), "--suite", str(SUITE), "--executor", "serial"]
    command = ["run", *given, "--baseline", "miniature_trouble", "--distiller", "none"]
    quiet = CliRunner().invoke(app, command).stderr
    assert "fails on purpose" in quiet and "Traceback" not in quiet
    monkeypatch.setenv("DISTBENCH_TRACEBACK", "1")
    shown = CliRunner().invoke(app, [*command, "--seeds", "2"]).stderr
    assert shown.count('raise RuntimeError("fails on purpose")') == 1


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (MemoryError(), "out of memory; what was finished is kept", 1),
        (RecursionError("deep"), "something is nested too deeply", 1),
        (OSError(28, "No space left on device", "/x"), "No space left on device (/x)", 1),
        (SystemExit(0), "a fault of distbench's own: SystemExit: 0", 1),
    ],
)
def test_lines_and_codes(
    error: BaseException, line: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending.tell(error) == code
    assert capsys.readouterr().err.startswith(f"distbench: {line}")


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("rank", "--suite", "a", "--suite", "b"), "--suite"),
        (("run", "--name=a", "--name=b"), "--name"),
        (("rank", "--json", "--json"), "--json"),
        (("run", "--flip", "--no-flip"), "--flip"),
        (("zoo", "build", "--output", "a", "--output", "b"), "--output"),
    ],
)
def test_an_option_of_one_value_is_given_once(arguments: tuple[str, ...], option: str) -> None:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert f"{option} is given 2 times; it takes one value" in done.stderr


def test_files_that_never_end_are_refused() -> None:
    os.mkfifo("pipe")
    done = subprocess.run(
        [sys.executable, "-m", "distbench", "run", "--config", "pipe"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "'pipe': is a pipe or a device and no file" in done.stderr


def python(code: str, *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


MAIN = "import sys; from distbench.cli import main; sys.argv[0] = 'distbench'; "


@pytest.mark.slow
def test_a_thread_that_a_plugin_left_does_not_keep_the_command() -> None:
    Path("odd.py").write_text(
        "import threading, time\n"
        "def stay():\n    time.sleep(10**6)\n"
        "threading.Thread(target=stay).start()\n" + BUSY.format(body="return 1.0")
    )
    done = python(MAIN + "main()", "list", "metrics", "busy", "--plugin", "odd.py")
    assert done.returncode == 0
    assert "Busy." in done.stdout


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_while_the_command_line_is_read(name: str) -> None:
    code = (
        "import os, signal; from distbench import cli\n"
        f"cli.app = lambda: os.kill(os.getpid(), signal.{name}) or signal.pause()\ncli.main()"
    )
    done = python(code)
    assert done.returncode == 128 + getattr(signal, name)
    assert done.stderr.startswith("distbench: interrupted; ")
    assert len(done.stderr.splitlines()) == 1


def test_a_signal_while_the_commands_are_imported() -> None:
    code = (
        "import os, signal, sys\n"
        "class Now:\n"
        "    def find_spec(self, name, *more):\n"
        "        if name == 'typer':\n"
        "            sys.meta_path.remove(self)\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Now())\n"
        "from distbench.cli import main\n"
        "main()"
    )
    done = python(code)
    assert done.returncode == 130
    assert done.stderr.startswith("distbench: interrupted; ")
    assert len(done.stderr.splitlines()) == 1


def test_a_process_that_a_plugin_left_does_not_keep_the_command() -> None:
    code = (
        "import multiprocessing, time; from distbench.cli.process.ending import leave\n"
        "multiprocessing.get_context('fork').Process(target=time.sleep, args=(100,)).start()\n"
        "leave(3)"
    )
    assert python(code).returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_help_into_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "distbench", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("distbench: No space left on device: the output cannot be")
    assert "Traceback" not in done.stderr


def test_python_is_told_of_a_limit() -> None:
    with pytest.raises(TimedOutError, match=r"rank took longer than 0.1 s"):  # noqa: SIM117
        with time_limit.time_limit(0.1, "rank"):
            while True:
                pass


@pytest.mark.slow
def test_closed_streams_take_nothing_away() -> None:
    options = (
        f"--task toy_task --zoo toy_zoo --plugin {TOYS} --student toy_student --image-size 16 "
        "--steps 2 --batch 8 --labelled 3-per-class --baseline finetune --distiller none --name x"
    )
    command = f"{sys.executable} -m distbench run {options} 0<&- 1>&- 2>&-"
    assert subprocess.run(command, shell=True, timeout=100, check=False).returncode == 0
    assert Path("runs/x/leaderboard.csv").exists()


PLUGINS = """
import distbench
class Lazy(distbench.Executor):
    "Does nothing."
    def drain(self, queue):
        pass
class Boom(distbench.Metric):
    "Fails."
    def score(self, probe):
        raise SystemExit(0)
class Rude(distbench.Student):
    "Suggests badly."
    def suggestions(self):
        return []
class Greedy(distbench.Task):
    "Downloads numbers."
    def downloads(self):
        return [3, None]
class Terse(distbench.Metric):
    __doc__ = 5
    def score(self, probe):
        return 1.0
also = Boom
for kind in (Rude, Greedy):
    kind.__abstractmethods__ = frozenset()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("run --executor lazy --baseline finetune --distiller none", 1, "lazy left it undone"),
        ("study --executor lazy --metric knn", 3, "executor lazy left it undone"),
        ("study --metric boom --metric knn", 1, "SystemExit: 0"),
        (
            "tune --baseline finetune --distiller none --executor lazy --trials 1",
            1,
            "left it undone",
        ),
        ("list students", 0, "warning: plugin 'rude': suggestions"),
        ("list metrics", 0, "terse"),
        ("info metric terse", 0, "terse"),
        ("fetch --task greedy", 2, "plugin 'greedy': downloads: gave 3 and no distbench.Download"),
    ],
)
def test_what_a_plugin_spoils_is_told_by_every_command(words: str, code: int, message: str) -> None:
    Path("odd.py").write_text(PLUGINS)
    name, *rest = words.split()
    toys = ["--task", "toy_task", "--zoo", "toy_zoo", "--student", "toy_student"]
    budget = ["--image-size", "16", "--steps", "2", "--batch", "8", "--labelled", "3-per-class"]
    options = {
        "list": [],
        "info": [],
        "fetch": toys[4:],
        "tune": [*toys[:2], *toys[4:], *budget],
        "run": toys + budget,
        "study": toys + budget,
    }[name]
    plugins = ("--plugin", str(TOYS), "--plugin", "odd.py")
    done = CliRunner().invoke(app, [name, *rest, *options, *plugins])
    assert "fault of distbench's own" not in done.output
    assert message in done.output
    assert done.exit_code == code, done.output


def test_keys_of_a_file_that_a_command_does_not_use_are_named() -> None:
    Path("run.toml").write_text('reporter = ["jsonl:path=x"]\nsave_student = true\nsteps = 3\n')
    done = CliRunner().invoke(app, ["fetch", "--config", "run.toml", "--dry-run"])
    assert "note: run.toml: of no account here: reporter, save_student" in done.stderr
