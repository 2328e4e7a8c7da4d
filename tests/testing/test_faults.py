"""Every check finds the fault that it is there for: sound components with one thing wrong."""

# ruff: noqa: E501 - one fault a line reads best

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import PluginError, UnknownNameError
from distbench.interfaces.kinds import KINDS
from distbench.plugins import registry as plugins
from distbench.plugins.registry import Registry
from distbench.testing.calls import fault_if_raises
from distbench.testing.checks import checks_of
from distbench.testing.faults import Fault
from distbench.testing.run import Verdict, cases_of, check_all

HEAD = """
import itertools
import numpy as np
from distbench import Baseline, Executor, Measure, Metric, Outcome, Part, Reporter, SetMetric, Strategy
from distbench import Student, Suite, SuiteDefinition, Task, TaskIndex, Zoo, execute_unit
from distbench.testing import miniature as m
from pydantic import Field
COUNT = itertools.count()
"""

METRIC = '''
class Mine(Metric):
    """Between-class variance.

    Ours.
    """

    def score(self, probe):
        x, y = np.asarray(probe.features, float), probe.labels
        means = y.class_sums(x) / y.counts[:, None]
        return float(means.var(axis=0).sum())
'''
STRATEGY = '''
class Mine(Strategy):
    """Best one only.

    Ours.
    """

    def weigh(self, scores, sources, context=None):
        chosen = (scores == scores.max()).astype(float)
        return chosen / chosen.sum()
'''
ZOO = '''
class Mine(Zoo):
    """Two sources."""

    def sources(self):
        return [m.MiniatureSource("a", 0), m.MiniatureSource("b", 1)]


def wrong(**facts):
    source = m.MiniatureSource("c", 2)
    source.info = source.info.model_copy(update=facts)
    return source


def reads(change):
    source = m.MiniatureSource("c", 2)
    read = source.text_head
    source.text_head = lambda texts: m.TextHead(change(read(texts).texts))
    return source


def certain():
    source = m.MiniatureSource("c", 2)
    forward = source.open("cpu")
    source.open = lambda device: lambda x: (forward(x)[0], forward(x)[1].softmax(1))
    return source


def other():
    import torch
    source = m.MiniatureSource("c", 2)
    source.module = lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 6))
    source.open = m.MiniatureSource("c", 2).open
    return source


def broken():
    source = m.MiniatureSource("c", 2)
    def verify():
        raise ValueError("the weights are others")
    source.verify = verify
    return source


def batchwise():
    source = m.MiniatureSource("c", 2)
    forward = source.open("cpu")
    source.open = lambda device: lambda x: forward(x - x.mean((0, 2, 3), keepdim=True))
    return source
'''
STUDENT = '''
class Mine(Student):
    """A small one."""

    def fingerprint(self):
        return "random"

    def backbone(self, *, pretrained):
        return m.MiniatureStudent().backbone(pretrained=pretrained)

    def normalisation(self):
        return (0.5,) * 3, (0.5,) * 3
'''
BASELINE = '''
class Mine(Baseline):
    """Fine-tuning.

    Ours.
    """

    def phases(self, context):
        from torch.nn.functional import cross_entropy
        from distbench import Phase, Stream
        stream = Stream(context.labelled, 8, labels=context.labels)
        def loss(student, batch):
            return cross_entropy(student(batch["x"].views["weak"]), batch["x"].labels)
        return [Phase(steps=context.protocol.steps, streams={"x": stream}, loss=loss, lr=0.01)]
'''
HEADED = """    def build_head(self, d, c):
        import torch
        return torch.nn.{}

    def"""
INFERS = """    def inference(self, context, student):
        from distbench import Inference
        return Inference({})

    def"""
TASK = '''
class Mine(Task):
    """Squares."""

    def index(self):
        return m.MiniatureTask().index()

    def read(self, part, positions):
        return m.MiniatureTask().read(part, positions)
'''
SUITE = '''
class Mine(Suite):
    """One task."""

    def definition(self):
        return SuiteDefinition(name="mine", version=1, zoo="miniature_zoo",
            student="miniature_student", tasks=({"id": "a", "use": "miniature_task"},),
            protocol={"labelled": "4-per-class", "image_size": 16, "store_size": 16, "batch": 8})
'''
EXECUTOR = '''
class Mine(Executor):
    """One after the other."""

    def drain(self, queue):
        while queue.open and (unit := queue.take()) is not None:
            queue.finish(execute_unit(queue.plan_path, unit))
'''
REPORTER = '''
class Mine(Reporter):
    """Listens."""

    def cell_finished(self, row):
        pass
'''

MEASURE = '''
class Mine(Measure):
    """Share of images that are classified rightly; ours."""

    @property
    def title(self):
        return "share that is right"

    def value(self, labels, predictions, probabilities):
        return float(np.mean(labels == predictions))
'''

TEAMS = '''
class Mine(SetMetric):
    """Mean squared feature of a team's members; ours."""

    needs = frozenset({"features"})

    def score_set(self, probes):
        return float(np.mean([np.square(p.features.astype(float)).mean() for p in probes]))
'''

ON_MODULES = '''
class Mine(Metric):
    """Size of a source's first weights; ours."""

    needs = frozenset({"module"})

    def score(self, probe):
        return float(next(probe.module().parameters()).detach().square().mean())
'''

FAULTS = [
    ("text", ZOO, 'm.MiniatureSource("b", 1)', "reads(lambda x: x * 0 + 8**-0.5)", "read the same"),
    ("text", ZOO, 'm.MiniatureSource("b", 1)', "reads(lambda x: 2 * x)", "are not of norm 1"),
    ("text", ZOO, 'm.MiniatureSource("b", 1)', "reads(lambda x: x[:, :5])", "text_head gives (2, 5) of two"),
    ("text", ZOO, 'm.MiniatureSource("b", 1)', "reads(lambda x: x[[0, 0]])", "depends on those beside it"),
    ("teams", TEAMS, "np.mean(", "np.float64(len(probes) - 1) + np.dot([1, 2, 3][: len(probes)], ", "in another order"),
    ("score", ON_MODULES, '"module"', '"images"', "is declined: needs a torch module"),
    ("determinism", ON_MODULES, "square()", "mul(np.random.rand())", "the global generator of numpy"),
    ("title", MEASURE, '"share that is right"', '"a\\nb"', "its title is"),
    ("values", MEASURE, "return float(", "return 100 * float(", "values in percent are 0..1"),
    ("values", MEASURE, "return float(", "return float('nan') * float(", "the value is nan"),
    ("direction", MEASURE, "==", "!=", "right answers are worth 0"),
    ("order_invariance", MEASURE, "labels ==", "np.arange(len(labels)) * labels ==", "another order"),
    # check, the sound component, what is replaced, by what, and what is found
    ("docstring", METRIC, "variance.\n", "variance\n", "is no sentence"),
    ("docstring", METRIC, "    def", "    a: int = 1\n\n    def", "'a' has no description"),
    ("source", METRIC, "Ours", "Theirs", "does not say where it comes from"),
    ("made", METRIC, "    def", '    a: int = Field(description="b")\n\n    def', "needs a=..."),
    (
        "made", METRIC, "    def",
        '    a: float = Field(float("nan"), description="b")\n\n    def', "NaN has no canonical form",
    ),
    (
        "parameters", METRIC, "    def",
        '    a: float = Field(default_factory=np.random.default_rng().random, '
        'description="b")\n\n    def', "hash differently",
    ),
    ("identity", METRIC, "    def", "    version = 0\n\n    def", "version is 0"),
    ("identity", METRIC, "    def", '    role = "best"\n\n    def', "role is 'best'"),
    ("declines", METRIC, "    def", '    declines = {"ordr": "x"}\n\n    def', "no check of a metric"),
    ("declines", METRIC, "    def", '    declines = {"dtype": " "}\n\n    def', "without a reason"),
    ("imports", METRIC, "import numpy", "import torch, numpy", "registering its plugin imports torch"),
    ("score", METRIC, "return float(", "return None, float(", "gives a tuple; return a float"),
    ("score", METRIC, "return float(means", "return float('nan') * float(means", "gives nan"),
    ("score", METRIC, "probe.features", "probe.logits", "name what it reads of a probe in `needs`"),
    ("determinism", METRIC, "means.var", "np.random.rand() * means.var", "global generator of numpy"),
    (
        "determinism", METRIC, "means.var", "np.random.default_rng().random() * means.var",
        "draw from numpy.random.default_rng(probe.seed)",
    ),
    ("order_invariance", METRIC, "means.var", "x[0, 0] * means.var", "images in another order"),
    ("class_numbers", METRIC, "y.class_sums(x)", "y.class_sums(x) * [[1], [2], [3], [4]]", "numbers"),
    ("dtype", METRIC, "means.var", "(probe.features.dtype == 'f8') + means.var", "its float64 copy"),
    ("inputs", METRIC, "x, y = np.asarray(probe.features, float)",
     "probe.features[0] = 1; x, y = np.asarray(probe.features, float)", "read-only"),
    ("direction", METRIC, "float(means", "-float(means", "in 0 of 5 drawings"),
    ("awkward_probes", METRIC, "means.var", "(1 / means.std()) * means.var", "features that are all"),
    ("awkward_probes", METRIC, "        means", "        np.linalg.inv(x.T @ x)\n        means",
     "raises LinAlgError"),
    ("weights", STRATEGY, "chosen / chosen.sum()", "chosen", "sum to 3"),
    ("weights", STRATEGY, "chosen / chosen.sum()", "chosen - 0.5", "a weight is -0.5"),
    ("weights", STRATEGY, "chosen / chosen.sum()", "chosen[:1]", "of shape (1,) for 5 sources"),
    ("weights", STRATEGY, "(scores ==", "(scores.best ==", "it gets finite, read-only scores"),
    ("determinism", STRATEGY, "return", "chosen[next(COUNT) % 2] = 1; return", "and then"),
    ("order_invariance", STRATEGY, "return chosen", "chosen[0] = 1; return chosen", "other weights"),
    ("direction", STRATEGY, "scores.max()", "scores.min()", "a higher score gets less weight"),
    ("info", ZOO, '"b"', '"a"', "two sources are called 'a'"),
    ("info", ZOO, '("b", 1)', '("b", 0)', "have one fingerprint"),
    ("determinism", ZOO, '1)]', "1)][:: (-1) ** next(COUNT)]", "differs from call to call"),
    ("outputs", ZOO, "return [m", "return [batchwise(), m", "depend on the others of its batch"),
    ("outputs", ZOO, "return [", "return [wrong(feature_dim=9), ", "its feature_dim = 9 means (8, 9)"),
    ("outputs", ZOO, "return [", "return [certain(), ", "gives probabilities where logits are meant"),
    ("module", ZOO, "return [", "return [other(), ", "gives other logits than open()"),
    ("info", ZOO, "return [", 'return [wrong(licence="unknown"), ', "does not state its licence"),
    ("forward", STUDENT, "return m.MiniatureStudent().backbone(pretrained=pretrained)",
     "b = m.MiniatureStudent().backbone(pretrained=pretrained); b.num_features = 5; return b",
     "features of shape (4, 6) instead of (4, 5)"),
    ("forward", STUDENT, "return m.MiniatureStudent().backbone(pretrained=pretrained)",
     "import torch; return torch.nn.Identity()", "no integer attribute num_features"),
    ("gradients", STUDENT, "backbone(pretrained=pretrained)",
     "backbone(pretrained=pretrained).requires_grad_(False)", "no gradient reaches"),
    ("gradients", STUDENT, "return m.MiniatureStudent().backbone(pretrained=pretrained)",
     "b = m.MiniatureStudent().backbone(pretrained=pretrained); b[4].register_full_backward_hook("
     "lambda *_: __import__('os').abort()); return b", "ends its process (SIGABRT)"),
    ("memory_format", STUDENT, "return m.MiniatureStudent().backbone(pretrained=pretrained)",
     "b = m.MiniatureStudent().backbone(pretrained=pretrained); b[0].register_forward_hook("
     "lambda l, i, o: o * (1 + i[0].is_contiguous())); return b",
     "is another where images lie channels last"),
    ("fingerprint", STUDENT, '"random"', "str(id(object()) + np.random.rand())", "call to call"),
    ("determinism", STUDENT, "return m.Min", "import torch; torch.seed(); return m.Min", "same seed"),
    ("determinism", STUDENT, "return m.Min", "import torch; torch.manual_seed(1); return m.Min",
     "two seeds make the same weights"),
    ("normalisation", STUDENT, "(0.5,) * 3, (0.5,) * 3", "(0.5,) * 3, (0.0,) * 3", "got ((0.5"),
    ("phases", BASELINE, "steps=context.protocol.steps", "steps=5", "take 5 steps"),
    ("streams", BASELINE, "Stream(context.labelled", "Stream(context.validation", "validation images"),
    ("streams", BASELINE, "labels=context.labels", "labels=context.labels[context.labelled]",
     "aligned with the train images"),
    ("loss", BASELINE, "return cross_entropy(", "return 0 * cross_entropy(", "no gradient of its loss"),
    ("loss", BASELINE, "labels)\n        return", "labels, reduction='none')\n        return",
     "is no scalar"),
    ("head", BASELINE, "    def", HEADED.format("Linear(d, c + 1)"), "logits of shape (3, 4) for features"),
    ("head", BASELINE, "    def", HEADED.format("Sequential(torch.nn.Linear(d, c), torch.nn.LogSigmoid(), "
     "torch.nn.Threshold(9., float('inf')))"), "the logits of its head are not finite"),
    ("head", BASELINE, "    def", HEADED.format("Sequential(torch.nn.Linear(d, c), torch.nn.Softmax(0))"),
     "depend on the others of its batch"),
    ("inference", BASELINE, "    def", INFERS.format("adjust=np.zeros(2)"), "adjust is of shape (2,)"),
    ("inference", BASELINE, "    def", INFERS.format("adjust=np.full(3, np.nan)"), "adjust is not finite"),
    ("inference", BASELINE, "    def", INFERS.format("views=[lambda x: x - x.mean()]"),
     "a view of an image depends on its batch"),
    ("determinism", BASELINE, "lr=0.01", "lr=0.01 * np.random.rand()", "generator of numpy"),
    ("determinism", BASELINE, "lr=0.01", "lr=0.01 * np.random.default_rng().random()", "another student"),
    ("few_labels", BASELINE, "        stream", "        1 // max(len(context.labelled) - 3, 0)\n"
     "        stream", "ZeroDivisionError"),
    ("index", TASK, "m.MiniatureTask().index()",
     "TaskIndex(('a', 'b'), {'train': Part(np.array([0, 2]), ['x', 'y'])}, 'f')", "no part 'test'"),
    ("index", TASK, "m.MiniatureTask().index()",
     "TaskIndex(('a', 'b'), dict.fromkeys(('train', 'test'), Part(np.array([0, 2]), ['x', 'y'])), "
     "'f')", "labels of train are 0..2"),
    ("index", TASK, "m.MiniatureTask().index()",
     "TaskIndex(('a', 'b'), dict.fromkeys(('train', 'test'), Part(np.array([0, 1]), ['x', 'x'])), "
     "'f')", "two images of train are called 'x'"),
    ("fingerprint", TASK, "return m.MiniatureTask().index()",
     "return TaskIndex(('a', 'b'), {}, str(np.random.rand()))", "differs from call to call"),
    ("images", TASK, "read(part, positions)\n", "read(part, sorted(positions))\n", "another order"),
    ("images", TASK, "return m.MiniatureTask().read(part, positions)",
     "return [i / 255 for i in m.MiniatureTask().read(part, positions)]", "is float64 (16, 16, 3)"),
    ("read_reduced", TASK, "    def read(", "    def read_reduced(self, part, positions, side):\n"
     "        return [i[::2, ::2] for i in self.read(part, positions)]\n    def read(", "comes as (8, 8)"),
    ("threads", TASK, "        return m.MiniatureTask().read(part, positions)",
     "        import time\n        type(self).version = positions[-1:]\n        for _ in range(50):\n"
     "            if type(self).version == positions[-1:]:  # until another reader comes between\n"
     "                time.sleep(0.002)\n"
     "        return m.MiniatureTask().read(part, type(self).version if len(positions) == 1 else "
     "positions)", "read from several threads"),
    ("definition", SUITE, 'name="mine"', 'name="other"', "calls itself 'other'"),
    ("resolves", SUITE, '"miniature_task"', '"nothing"', "unknown task 'nothing'"),
    ("resolves", SUITE, "protocol=", 'settings={"nothing": {}}, protocol=', "unknown component"),
    ("development_tasks", SUITE, "protocol=", 'tuning={"tasks": ["miniature_task"]}, protocol=',
     "is a target of suite"),
    ("drains", EXECUTOR, "while", "if", "have not ended when drain() returns"),
    ("drains", EXECUTOR, "execute_unit(queue.plan_path, unit)", 'Outcome(unit, "done")',
     "is reported as done"),
    ("empty", EXECUTOR, "        while", "        queue.plan_path.read_text()\n        while",
     "FileNotFoundError"),
    ("end_to_end", EXECUTOR, "execute_unit(queue.plan_path, unit)", 'Outcome(unit, "failed", "no")',
     "failed: no"),
    ("listens", REPORTER, "pass", "row.result.accuracy", "row.result and row.cost are None"),
    ("listens", REPORTER, "pass", "row.result and row.result.declared.clear()",
     "it changes what it is told"),
    ("again", REPORTER, "finished(self, row):\n        pass",
     "cached(self, row):\n        raise RuntimeError('not so')", "not so"),
    ("verify", ZOO, 'm.MiniatureSource("b", 1)', "broken()", "verifying c"),
    ("seed_effect", BASELINE, "        return [Phase(",
     "        from torch.optim import SGD\n"
     "        def zeros(model, modules):\n            class Zeros(SGD):\n"
     "                def step(self):\n"
     "                    [part.data.zero_() for part in model.state_dict().values()]\n"
     "            return Zeros(model.parameters(), lr=1.0)\n"
     "        return [Phase(optimiser=zeros, ",
     "two seeds train the same"),
    ("export", STUDENT, "    def fingerprint",
     "    def export(self, backbone, head, classes):\n"
     "        halved = {name: value / 2 for name, value in head.items()}\n"
     "        return super().export(backbone, halved, classes)\n\n    def fingerprint",
     "gives other logits"),
    ("export", STUDENT, "    def fingerprint",
     "    def export(self, backbone, head, classes):\n        return dict(head), {}\n\n"
     "    def fingerprint", "its recipe's format will not do"),
    ("onnx", STUDENT, "return m.Min",
     "b = m.MiniatureStudent().backbone(pretrained=pretrained); b[0].register_forward_hook("
     "lambda l, i, o: o if o.mean() > 0 else 2 * o); return b  # ", "makes no ONNX graph of the student"),
    ("modules", BASELINE, 'streams={"x": stream}',
     'streams={"x": stream}, modules={"idle": __import__("torch").nn.Linear(2, 2)}',
     "module 'idle' of phase 'train' is never moved"),
    ("several_labels", BASELINE, "    def phases",
     '    kinds = frozenset({"single", "several"})\n\n    def phases', "the loss of phase 'train'"),
    ("several_labels", METRIC, "    def score(self, probe):",
     '    kinds = frozenset({"single", "several"})\n\n    def score(self, probe):\n'
     "        if probe.labels.several:\n            return 0.5", "above noise in 0 of 5"),
    ("end_to_end", METRIC, "float(means", "1 // (len(y) - 12) + float(means", "failed: "),
]  # fmt: skip


def verdict(tmp_path: Path, text: str, check: str) -> Verdict:
    file = tmp_path / "mine.py"
    file.write_text(HEAD + text if HEAD[:20] not in text else text)
    (case,) = (c for c in cases_of(str(file)) if c.check == check)
    return case.run()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "code", "old", "new", "message"),
    [pytest.param(*row, id=f"{row[0]}-{n}") for n, row in enumerate(FAULTS)],
)
def test_a_fault_is_found(
    check: str, code: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = HEAD + code
    assert old in text
    found = verdict(tmp_path, text.replace(old, new, 1), check)
    assert found.result == "failed"
    assert message in f"{found.note}; {found.remedy}"
    assert found.remedy and "\n" not in found.note


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        METRIC,
        TEAMS,
        ON_MODULES,
        STRATEGY,
        ZOO,
        STUDENT,
        BASELINE,
        TASK,
        SUITE,
        EXECUTOR,
        REPORTER,
        MEASURE,
    ],
)
def test_no_fault_is_found_in_what_is_sound(code: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(HEAD + code)
    found = list(check_all(str(file)))
    assert [v for v in found if v.result == "failed"] == []
    assert {v.check for v in found if v.result == "passed"} >= {"end_to_end", "parameters"}


def test_every_check_is_seen_to_fail() -> None:
    known = {name for kind in KINDS for name in checks_of(kind)}
    assert known - {row[0] for row in FAULTS} == {"licence"}


def test_a_distribution_without_a_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = tmp_path / "bare-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: bare\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[distbench]\nbare = bare_plugin\n")
    (tmp_path / "bare_plugin.py").write_text(
        HEAD + METRIC + "\nfrom distbench import hookimpl\n\n@hookimpl\n"
        "def distbench_metrics():\n    return {'mine': 'bare_plugin:Mine'}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("DISTBENCH_PLUGINS")
    monkeypatch.setattr(plugins, "_registry", lambda files, digests: Registry(files))
    (case,) = (c for c in cases_of("bare") if c.check == "licence")
    found = case.run()
    assert (found.result, found.note) == ("failed", "distribution bare names no licence")


def test_a_check_is_declined_with_its_reason(tmp_path: Path) -> None:
    text = METRIC.replace("float(means", "-float(means").replace(
        "    def", '    declines = {"direction": "lower is better where I come from"}\n\n    def', 1
    )
    found = verdict(tmp_path, text, "direction")
    assert (found.result, found.note) == ("declined", "lower is better where I come from")


@pytest.mark.slow
def test_the_command_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(HEAD + STRATEGY.replace("scores.max()", "scores.min()"))
    done = CliRunner().invoke(app, ["check", str(file)])
    assert done.exit_code == 1
    (line,) = (line for line in done.stdout.splitlines() if "FAILED" in line)
    assert "direction" in line and "gets less weight; higher scores mean better sources" in line
    assert "strategy:mine" in done.stdout and "1 failed" in done.stdout
    table = json.loads(CliRunner().invoke(app, ["check", str(file), "--json"]).stdout)
    assert [row["check"] for row in table if row["result"] == "failed"] == ["direction"]
    file.write_text(HEAD + STRATEGY)
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 0


def test_a_relative_plugin_file_is_found_from_the_folder_of_the_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(HEAD + METRIC)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    (case,) = (c for c in cases_of("metric:mine", (Path("mine.py"),)) if c.check == "made")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert case.run().result == "passed"


@pytest.mark.parametrize("body", ["exit(0)", "raise GeneratorExit"])
def test_whatever_a_component_raises_is_a_failed_check(tmp_path: Path, body: str) -> None:
    text = ZOO.replace("        return [", f"        {body}\n        return [")
    found = verdict(tmp_path, text, "info")
    assert found.result == "failed"
    assert ("SystemExit: 0" if "exit" in body else "GeneratorExit") in found.note
    with pytest.raises(Fault, match="asking raises SystemExit: 0"), fault_if_raises("asking"):
        raise SystemExit(0)


@pytest.mark.slow
def test_targets() -> None:
    assert {c.component for c in cases_of("strategy:weighted:power=3")} == {
        "strategy:weighted:power=3"
    }
    assert {c.component for c in cases_of("strategy:team")} == {
        "strategy:team:e_leep",
        "strategy:team:e_leep:size=2",
    }
    assert {c.component for c in cases_of("builtin")} == {
        c.component for c in cases_of("distbench")
    }
    with pytest.raises(
        UnknownNameError, match=r"unknown plugin 'distbnch'. Did you mean 'distbench'"
    ):
        cases_of("distbnch")
    with pytest.raises(UnknownNameError, match=r"unknown metric 'logmee'. Did you mean 'logme'"):
        cases_of("metric:logmee")
    with pytest.raises(PluginError, match="no such file"):
        cases_of("nowhere.py")


@pytest.mark.slow
def test_a_specification_that_makes_nothing_is_told_once(tmp_path: Path) -> None:
    found = {v.check: v for v in check_all("strategy:weighted:pover=3")}
    assert "has no parameter 'pover'" in found["made"].note
    assert found["weights"].result == "skipped"
    assert [name for name, v in found.items() if v.result == "failed"] == ["made"]
