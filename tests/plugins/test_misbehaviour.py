"""Whatever a plugin raises or gives: one line that names it, and nothing else stops."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from distbench.cli import app

pytestmark = pytest.mark.slow

TOYS = Path(__file__).parents[1] / "toys.py"

METRIC = """
from distbench import Metric
class Odd(Metric):
    "Odd."
    {declared}
    def score(self, probe):
        {body}
"""
STRATEGY = """
import numpy as np
from distbench import Declined, Strategy
class Odd(Strategy):
    "Odd."
    {declared}
    def weigh(self, scores, sources, context=None):
        {body}
"""
RAISES = {
    "raise ValueError('bad luck')": "ValueError: bad luck",
    "raise MemoryError": "out of memory",
    "raise SystemExit(0)": "SystemExit: 0",
    "import sys; sys.exit('needs CUDA')": "SystemExit: needs CUDA",
    "raise KeyboardInterrupt('mine')": "KeyboardInterrupt: mine",
    "raise GeneratorExit": "GeneratorExit",
    "raise type('Own', (BaseException,), {'__str__': lambda s: 1 / 0})()": "Own",
    "raise EOFError": "EOFError",
    "raise StopIteration": "StopIteration",
    "raise OSError('no errno')": "OSError: no errno",
    "open('/nowhere/at/all')": "No such file or directory (/nowhere/at/all)",
    "import warnings; warnings.simplefilter('error'); warnings.warn('w')": "UserWarning: w",
    "exec('def f(): f()\\nf()', globals())": "RecursionError: maximum recursion depth exceeded",
}
GIVES = (
    "None",
    "'1.5'",
    "[1.0]",
    "probe.features",
    "1 + 2j",
    "True",
    "(x for x in [1])",
    "object()",
)


@pytest.fixture(autouse=True)
def like_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption is one only where a signal was sent, as below `main`."""
    import signal

    before = signal.signal(signal.SIGINT, lambda *_: None)
    monkeypatch.setattr("signal.default_int_handler", object())
    yield
    signal.signal(signal.SIGINT, before)


def plugin(template: str, body: str = "return 1.0", declared: str = "") -> Path:
    path = Path("odd.py")
    path.write_text(template.format(body=body, declared=declared))
    return path


def rank(*more: str) -> Result:
    options = ("--task", "toy_task", "--zoo", "toy_zoo", "--plugin", str(TOYS))
    return CliRunner().invoke(app, ["rank", *options, "--plugin", "odd.py", *more])


def run(*more: str) -> Result:
    options = {
        "--task": "toy_task",
        "--zoo": "toy_zoo",
        "--student": "toy_student",
        "--image-size": "16",
        "--steps": "2",
        "--batch": "8",
        "--labelled": "3-per-class",
        "--executor": "serial",
        **({} if "--baseline" in more else {"--baseline": "none"}),
        "--name": "toy",
        "--plugin": str(TOYS),
    }
    pairs = [part for pair in options.items() for part in pair]
    return CliRunner().invoke(app, ["run", *pairs, "--plugin", "odd.py", *more])


def told(done: Result, message: str, *, code: int) -> None:
    assert done.exit_code == code, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("distbench: ")]
    assert message in line
    assert "Traceback" not in done.output


@pytest.mark.parametrize("body", RAISES)
def test_rank_names_a_metric_that_raises(body: str) -> None:
    plugin(METRIC, body)
    told(rank("--metric", "odd"), f"plugin 'odd': score: {RAISES[body]}", code=2)


@pytest.mark.parametrize("value", GIVES)
def test_rank_names_a_metric_that_gives_no_number(value: str) -> None:
    plugin(METRIC, f"return {value}")
    told(rank("--metric", "odd"), "as a score; return a float", code=2)


@pytest.mark.parametrize("value", ["10 ** 400", "float('nan')", "float('-inf')"])
def test_a_score_that_is_no_finite_number_leaves_the_source_out(value: str) -> None:
    plugin(METRIC, f"return {value}")
    done = rank("--metric", "odd")
    assert done.exit_code in (2, 3)
    assert "odd" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("given", ["[]", "[1.0]", "[1.0] * 99", "3", "None", "{}"])
def test_rank_names_a_metric_that_gives_too_few_scores(given: str) -> None:
    plugin(METRIC, declared=f"def score_all(self, probes): return {given}")
    told(rank("--metric", "odd"), "plugin 'odd'", code=2)


def test_the_other_metrics_go_on() -> None:
    plugin(METRIC, "raise ValueError('bad luck')")
    done = rank("--metric", "odd", "--metric", "knn", "--json")
    assert done.exit_code == 1
    assert "warning: plugin 'odd': score: ValueError: bad luck" in done.stderr
    assert '"metric": "knn"' in done.stdout
    assert '"failed": "plugin \'odd\': score: ValueError: bad luck"' in done.stdout


@pytest.mark.parametrize("body", RAISES)
def test_rank_names_a_strategy_that_raises(body: str) -> None:
    plugin(STRATEGY, body)
    told(rank("--strategy", "odd"), f"plugin 'odd': weigh: {RAISES[body]}", code=2)


@pytest.mark.parametrize("value", ["None", "'x'", "[1.0]", "-scores", "[[1.0]]", "object()"])
def test_rank_names_a_strategy_that_gives_no_weights(value: str) -> None:
    plugin(STRATEGY, f"return {value}")
    told(rank("--strategy", "odd"), "plugin 'odd'", code=2)


def test_rank_gives_the_reason_of_a_strategy_that_declines() -> None:
    plugin(STRATEGY, "raise Declined('it needs embeddings')")
    told(rank("--strategy", "odd"), "odd declines on 'toy_task': it needs embeddings", code=3)


@pytest.mark.parametrize("body", list(RAISES)[::3])
def test_a_cell_fails_and_the_run_says_so(body: str) -> None:
    plugin(STRATEGY, body)
    done = run("--strategy", "odd")
    assert done.exit_code == 1, done.output
    assert RAISES[body] in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("needs = 5", "needs = 5 will not do"),
        ("needs = frozenset({'featurs'})", "needs = frozenset({'featurs'}) will not do"),
        ("def needed(self): return {'x'}", "needed() = {'x'} will not do"),
        ("def needed(self): raise SystemExit(0)", "cannot be made: SystemExit: 0"),
        ("version = object()", "version = "),
        ("role = 'best'", "role = 'best' will not do"),
        ("name = property(lambda self: 1 / 0)", "ZeroDivisionError"),
        ("name = property(lambda self: 7)", "name is 7; it should be a text"),
        ("x: object = object()", "has no canonical form"),
        ("x: float = float('nan')", "NaN has no canonical form"),
        ("def __init__(self, **k): raise SystemExit(0)", "SystemExit: 0"),
        ("def __init__(self, **k): raise KeyError('k')", "KeyError: 'k'"),
        ("def model_post_init(self, c): raise RuntimeError('late')", "RuntimeError: late"),
    ],
)
@pytest.mark.parametrize("command", ["rank", "run"])
def test_what_a_class_declares_is_checked(declared: str, message: str, command: str) -> None:
    plugin(METRIC, declared=declared)
    done = rank("--metric", "odd") if command == "rank" else run("--metric", "odd")
    told(done, message, code=2)
    assert "odd" in done.stderr


@pytest.mark.parametrize(
    ("code", "message"),
    [
        *((body, reason) for body, reason in RAISES.items() if "globals" not in body),
        ("x = (", "SyntaxError"),
        ("\x00", "source code string cannot contain null bytes"),
        (
            "from distbench import hookimpl\n@hookimpl\ndef distbench_metrics(): return {3: 'a:B'}",
            "distbench_metrics: 3 is no name",
        ),
        (
            "from distbench import hookimpl\n@hookimpl\ndef distbench_metrics(): "
            "return {'a\\nb': 'a:B'}",
            "distbench_metrics: 'a\\nb' is no name",
        ),
        (
            "from distbench import hookimpl\n@hookimpl\ndef distbench_metrics(): exit(0)",
            "SystemExit: 0",
        ),
    ],
)
def test_a_file_that_cannot_be_loaded(code: str, message: str) -> None:
    Path("odd.py").write_text(code)
    told(rank(), message, code=2)


@pytest.mark.parametrize("body", list(RAISES)[2:5])
@pytest.mark.parametrize(
    ("base", "method", "options"),
    [
        ("Task", "index(self)", ("--task", "odd")),
        ("Zoo", "sources(self)", ("--zoo", "odd")),
        ("Suite", "definition(self)", ("--suite", "odd")),
        ("Executor", "drain(self, queue)", ("--executor", "odd")),
        ("Reporter", "check(self)", ("--reporter", "odd")),
        ("Student", "backbone(self, *, pretrained)", ("--student", "odd")),
        ("Student", "fingerprint(self)", ("--student", "odd")),
        ("Distiller", "transfer_set(self)", ("--distiller", "odd")),
        ("Distiller", "phases(self, context)", ("--distiller", "odd")),
    ],
)
def test_every_kind(base: str, method: str, options: tuple[str, str], body: str) -> None:
    Path("odd.py").write_text(
        f"import distbench\nclass Odd(distbench.{base}):\n    'Odd.'\n    def {method}:\n"
        f"        {body}\n"
        + ("    def fingerprint(self): return 'x'\n" if "backbone" in method else "")
        + "    def normalisation(self): return (0.5,) * 3, (0.5,) * 3\n"
        "Odd.__abstractmethods__ = frozenset()\n"
    )
    option, name = options
    given = {
        "--task": "toy_task",
        "--zoo": "toy_zoo",
        "--student": "toy_student",
        "--executor": "serial",
    } | {option: name}
    pairs = [part for pair in given.items() for part in pair]
    more = ("--image-size", "16", "--steps", "2", "--labelled", "3-per-class", "--baseline", "none")
    done = CliRunner().invoke(
        app, ["run", *pairs, *more, "--plugin", str(TOYS), "--plugin", "odd.py"]
    )
    assert done.exit_code in (1, 2, 3), done.output
    assert RAISES[body].partition(":")[0] in done.output
    assert "Traceback" not in done.output


METHOD = """
from distbench import Baseline, Phase, Stream
class Odd(Baseline):
    "Odd."
    def phases(self, context):
        def stream(*views):
            return {{"x": Stream(context.labelled, 8, views=views, labels=context.labels)}}
        {body}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return ['train']", "phases: 'train' is no distbench.Phase"),
        ("return None", "phases: TypeError"),
        ("return 3", "phases: TypeError"),
        ("return iter(())", "it has no phases"),
        (
            "return [Phase(steps=True, streams=stream('weak'), loss=print, lr=0.1)]",
            "phase 'train' has True steps; a phase has a whole number of them",
        ),
        (
            "return [Phase(steps=2, streams={'x': Stream(context.labels > 0, 8)}, loss=id, lr=1)]",
            "plugin 'odd': phases: ValueError: positions are a boolean mask; give np.flatnonzero",
        ),
        (
            "return [Phase(steps=2, streams={'x': Stream(context.labelled, 8, labels="
            "context.labels[context.labelled])}, loss=print, lr=1)]",
            "stream 'x' has labels of shape (9,) for 60 images",
        ),
        (
            "return [Phase(steps=2, streams={'x': Stream([0], 8, of='transfer')}, loss=id, lr=1)]",
            "plugin 'odd': stream 'x': ValueError: this method has no transfer set",
        ),
        (
            "return [Phase(steps=2, streams={'x': 3}, loss=print, lr=1)]",
            "stream 'x' is 3 and no distbench.Stream",
        ),
        (
            "return [Phase(steps=2, streams=stream('strong2'), loss=print, lr=0.1)]",
            "stream 'x' has no view 'strong2'; there are plain, weak, strong",
        ),
    ],
)
def test_phases_that_are_none(body: str, message: str) -> None:
    plugin(METHOD, body)
    done = run("--distiller", "none", "--baseline", "odd")
    assert done.exit_code == 1
    assert message in done.output


def test_a_student_whose_outputs_are_not_finite_is_no_result() -> None:
    plugin(METHOD, "return None")
    done = run("--distiller", "none", "--baseline", "finetune:lr=1e38")
    assert done.exit_code == 1
    assert "finite" in done.output


@pytest.mark.filterwarnings("ignore:Field name")  # pydantic notes it first
@pytest.mark.parametrize("name", ["paths", "label", "version", "needs"])
def test_a_parameter_that_hides_the_contract(name: str) -> None:
    plugin(METRIC, declared=f"{name}: int = 3")
    told(rank("--metric", "odd"), f"parameter '{name}' of Odd hides ", code=2)


def test_needs_may_be_a_list() -> None:
    plugin(METRIC, declared="needs = ['features', 'source_info']")
    assert rank("--metric", "odd").exit_code == 0


TASK = """
import numpy as np
from distbench import Part, Task, TaskIndex
class Odd(Task):
    "Odd."
    def index(self):
        def part(name, count, labels=None):
            labels = np.arange(count, dtype=np.int64) % 3 if labels is None else labels
            return Part(labels, [f"{{name}}-{{i}}" for i in range(count)])
        parts = {{"train": part("train", 60), "test": part("test", 30)}}
        {declared}
        return TaskIndex(tuple("abc"), parts, "odd")
    def read(self, part, positions):
        images = [np.full((16, 16, 3), p, np.uint8) for p in positions]
        {body}
"""


@pytest.mark.parametrize(
    ("declared", "body", "message"),
    [
        (
            "parts['test'].labels[3] = -1",
            "return images",
            "task 'odd': 1 of 30 test images have no",
        ),
        ("parts['test'].labels[3] = 3", "return images", "plugin 'odd': index: labels of test are"),
        (
            "parts['validation'] = part('validation', 4, np.full(4, -1))",
            "return images",
            "task 'odd': 4 of 4 validation images have no label",
        ),
        ("parts['train'].names[1] = 'train-0'", "return images", "two images of train are called"),
        (
            "pass",
            "return [i / 255 for i in images]",
            "plugin 'odd': image 0 of train is read as flo",
        ),
        (
            "pass",
            "return images[1:]",
            "plugin 'odd': reading gives 0 images of train for 1 positions",
        ),
        ("pass", "raise ValueError('bad luck')", "plugin 'odd': reading images of train: ValueErr"),
    ],
)
def test_a_task_with_wrong_labels_or_pixels_is_not_run(
    declared: str, body: str, message: str
) -> None:
    plugin(TASK, body, declared)
    done = run("--distiller", "none", "--baseline", "finetune", "--task", "odd")
    assert done.exit_code in (1, 2, 3), done.output
    assert message in done.output
    assert "Traceback" not in done.output
