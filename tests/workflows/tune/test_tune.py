"""Tuning: the same trials for every method, on validation images of development tasks alone."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import distbench
from distbench.errors import DistbenchError, UnknownNameError, UsageError
from distbench.interfaces.parameters import Range
from distbench.interfaces.suite import SuiteDefinition
from distbench.planning.config import RunConfig
from distbench.plugins.registry import registry
from distbench.workflows.tune.sampler import STARTUP, propose
from distbench.workflows.tune.search_space import Specified, read_ranges, search_space_of
from distbench.workflows.tune.trials import Tuned
from distbench.workflows.tune.tune import tune

pytest.importorskip("optuna", reason="needs the extra `tune`")

LEARNER = '''
from __future__ import annotations
import numpy as np
from distbench import Baseline, Part, Task, TaskIndex, searched

class Lying(Task):
    """Squares of three colours; the test labels may be wrong."""
    lie: bool = False

    def index(self):
        labels = np.arange(60) % 3
        test = np.arange(30) % 3
        return TaskIndex(
            classes=("a", "b", "c"),
            parts={
                "train": Part(labels, [f"train-{i}" for i in range(60)]),
                "test": Part((test + self.lie) % 3, [f"test-{i}" for i in range(30)]),
            },
            fingerprint=f"lying-{self.lie}",
        )

    def read(self, part, positions):
        found = []
        for p in positions:
            image = np.random.default_rng(p).integers(0, 90, (16, 16, 3))
            image[4:12, 4:12, p % 3] += 120
            found.append(image.astype(np.uint8))
        return found

class Other(Lying):
    """The same under another name."""

class Learner(Baseline):
    """Fine-tuning with a rate, one of two kinds, and what is not tuned."""
    lr: float = searched(0.05, low=1e-3, high=1.0, log=True, gt=0)
    views: str = searched("plain", among=("plain", "weak"))
    batch: int = 8

    def phases(self, context):
        from distbench import Phase, Stream
        from torch.nn.functional import cross_entropy
        stream = Stream(context.labelled, self.batch, (self.views,), labels=context.labels)
        return [Phase(
            steps=context.protocol.steps, streams={"x": stream}, lr=self.lr,
            loss=lambda s, b: cross_entropy(s(b["x"].views[self.views]), b["x"].labels),
        )]

class Fragile(Learner):
    """Breaks at high rates."""
    def phases(self, context):
        if self.lr >= 0.05:
            raise RuntimeError("too fast")
        return super().phases(context)

class Reluctant(Learner):
    """Declines."""
    def phases(self, context):
        from distbench import Declined
        raise Declined("not today")
'''


@pytest.fixture
def options(toy_options: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "learner.py"
    file.write_text(LEARNER)
    chosen = {k: v for k, v in toy_options.items() if k not in ("name", "save_student", "task")}
    return {
        **chosen,
        "plugin": (*toy_options["plugin"], file),
        "task": ({"use": "lying", "id": "t"},),
        "validation": 0.3,
        "steps": 3,
        "distiller": "none",
        "baseline": "learner",
    }


def run(options: dict[str, Any], trials: int = 3, **more: Any) -> Tuned:
    return tune(RunConfig.make(**options), trials=trials, **more)


@pytest.mark.slow
def test_the_first_trial_is_the_defaults_and_the_best_is_chosen(options: dict[str, Any]) -> None:
    found = run(options)
    (study,) = found.studies
    assert study.method == "learner"
    assert [trial.number for trial in study.trials] == [0, 1, 2]
    assert study.trials[0].parameters == {"baseline.lr": 0.05, "baseline.views": "plain"}
    assert len({trial.parameters["baseline.lr"] for trial in study.trials}) == 3
    values = [trial.value for trial in study.trials]
    assert study.best is not None and study.best.value == max(values)
    assert found.settings == {
        "learner": {k.partition(".")[2]: v for k, v in study.best.parameters.items()}
    }
    assert not Path("runs").exists(), "no leaderboard with test accuracies is left behind"


@pytest.mark.slow
def test_a_trial_is_the_mean_validation_accuracy_of_an_ordinary_run(
    options: dict[str, Any],
) -> None:
    tasks = ({"use": "lying", "id": "t"}, "toy_task")
    (study,) = run({**options, "task": tasks, "seeds": 2}, trials=1).studies
    made = distbench.run(**{**options, "task": tasks, "seeds": 2, "save_student": False})
    assert made.computed == 0, "the cells of a trial are those of a run"
    judged: dict[str, list[float]] = {}
    for row in made.rows:
        assert row.result is not None and row.result.validation_accuracy is not None
        judged.setdefault(row.task.id, []).append(row.result.validation_accuracy)
    means = {task: sum(values) / 2 for task, values in judged.items()}
    assert study.trials[0].tasks == means
    assert study.trials[0].value == pytest.approx(sum(means.values()) / 2)


@pytest.mark.slow
def test_test_images_have_no_say(options: dict[str, Any]) -> None:
    accuracies, found = [], []
    for lie in ("false", "true"):
        there = {**options, "task": ({"use": f"lying:lie={lie}", "id": "t"},), "steps": 40}
        found.append(run(there))
        row = distbench.run(**there, save_student=False).rows[0]
        accuracies.append(row.result.accuracy if row.result else None)
    assert accuracies[0] != accuracies[1]
    assert found[0].settings == found[1].settings
    assert [t.value for t in found[0].studies[0].trials] == [
        t.value for t in found[1].studies[0].trials
    ]


@pytest.mark.slow
def test_a_search_that_was_stopped_goes_on_where_it_was(options: dict[str, Any]) -> None:
    class StoppedError(Exception):
        pass

    def stop(text: str, done: int = 0, total: int | None = None, **more: Any) -> None:
        if done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(options, trials=10, progress=stop)
    lines: list[str] = []
    resumed = run(options, trials=10, progress=lambda text, *more, **left: lines.append(text))
    assert [line.endswith(", as before") for line in lines] == [True] * 2 + [False] * 8
    best = max(trial.value or 0.0 for trial in resumed.studies[0].trials)
    assert lines[-1].startswith(f"{resumed.studies[0].method} 10/10: ")
    assert lines[-1].endswith(f", best {best:.4f}")

    (kept,) = (Path(distbench.home()) / "tuning").glob("*.json")
    kept.unlink()
    whole = run(options, trials=10)
    assert [t.parameters for t in whole.studies[0].trials] == [
        t.parameters for t in resumed.studies[0].trials
    ]
    assert whole.settings == resumed.settings


@pytest.mark.slow
def test_more_trials_go_on_from_those_that_there_are(options: dict[str, Any]) -> None:
    few, many = run(options, trials=2), run(options, trials=3)
    assert many.studies[0].trials[:2] == few.studies[0].trials
    assert run(options, trials=2).studies[0].trials == few.studies[0].trials


@pytest.mark.slow
def test_another_seed_or_protocol_is_another_search(options: dict[str, Any]) -> None:
    first = run(options, trials=2)
    other = run(options, trials=2, seed=1)
    assert first.studies[0].trials[0].parameters == other.studies[0].trials[0].parameters
    assert first.studies[0].trials[1].parameters != other.studies[0].trials[1].parameters
    run({**options, "steps": 2}, trials=2)
    assert len(list((Path(distbench.home()) / "tuning").glob("*.json"))) == 3


@pytest.mark.slow
def test_every_method_gets_the_same_trials_and_a_component_is_tuned_once(
    options: dict[str, Any],
) -> None:
    ranges = {
        "weighted": {"power": {"low": 1.0, "high": 20.0}},
        "pseudo_labels": {"lr": {"low": 0.001, "high": 0.1, "log": True}},
    }
    many = {
        **options,
        "distiller": "pseudo_labels",
        "strategy": ("equal", "weighted", "nearest"),
        "metric": "by_name",
        "baseline": ("learner", "fragile:lr=0.01"),
    }
    found = run(many, trials=2, ranges=ranges)
    assert {s.method: len(s.trials) for s in found.studies} == {
        "pseudo_labels/equal": 2,
        "pseudo_labels/weighted/by_name": 2,
        "learner": 2,
        "fragile": 2,
    }
    axes = {s.method: set(s.ranges) for s in found.studies}
    assert "distiller.lr" in axes["pseudo_labels/equal"]
    assert axes["pseudo_labels/weighted/by_name"] == {"strategy.power"}
    assert axes["fragile"] == {"baseline.views"}, "what is given is not tuned"
    assert found.settings["fragile"]["lr"] == 0.01, "but belongs to the setting"
    second = found.studies[1].components["distiller"]
    assert second["lr"] == found.settings["pseudo_labels"]["lr"]
    assert "pseudo_labels/nearest/by_name has nothing left to tune" in found.warnings


@pytest.mark.slow
def test_a_component_cannot_be_tuned_twice(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="baseline learner stands twice"):
        run({**options, "baseline": ("learner:batch=4", "learner:batch=8")})


@pytest.mark.slow
def test_failed_trials_count_and_are_named(options: dict[str, Any]) -> None:
    found = run({**options, "baseline": "fragile"}, trials=6)
    trials = found.studies[0].trials
    failed = [t for t in trials if t.value is None]
    assert len(trials) == 6 and 0 < len(failed) < 6
    assert all(t.parameters["baseline.lr"] >= 0.05 for t in failed)
    assert found.settings["fragile"]["lr"] < 0.05
    (warning,) = (w for w in found.warnings if "failed" in w)
    assert warning.startswith(f"{len(failed)} of 6 trials of fragile failed, the first with: ")
    assert "too fast" in warning
    with pytest.raises(DistbenchError, match=r"no trial of fragile came to an end: .*too fast"):
        run({**options, "baseline": "fragile:lr=0.5"}, trials=2)


@pytest.mark.slow
def test_who_declines_cannot_be_tuned(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"reluctant.* on t, seed 0 cannot be tuned.*not today"):
        run({**options, "baseline": "reluctant"})


@pytest.mark.slow
def test_no_validation_images(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="t has no validation images to tune on"):
        run({**options, "validation": 0.0})


@pytest.mark.slow
def test_a_best_value_at_an_end_is_said(options: dict[str, Any]) -> None:
    ranges = {"learner": {"lr": {"low": 0.049, "high": 0.99, "log": True}, "views": "plain"}}
    found = run(options, trials=1, ranges=ranges)
    assert found.warnings == (
        "the best lr=0.05 of learner lies at the lower end of its range (0.049 .. 0.99 (log)); "
        "a wider one may hold a better value (--ranges)",
    )
    assert found.settings == {"learner": {"lr": 0.05, "views": "plain"}}


SUITE = """
name = "own"
version = 4
student = "toy_student"
zoo = "toy_zoo"
[protocol]
labelled = "3-per-class"
image_size = 16
steps = 3
batch = 8
[settings.learner]
batch = 5
lr = 0.3
[tuning]
tasks = ["toy_tas?:hue=0.25"]
validation = 0.4
seeds = 2
[[tasks]]
id = "mine"
use = "other"
[[tasks]]
id = "t"
use = "lying"
"""


@pytest.fixture
def suite(options: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "own.toml"
    file.write_text(SUITE)
    own = ("labelled", "image_size", "steps", "batch", "zoo", "student", "task", "validation")
    return {**{k: v for k, v in options.items() if k not in own}, "suite": str(file)}


@pytest.mark.slow
def test_a_suite_says_what_it_is_tuned_on(suite: dict[str, Any]) -> None:
    found = run(suite, trials=2)
    assert (found.suite, found.suite_version) == ("own", 4)
    assert [task["use"] for task in found.tasks] == ["toy_task:hue=0.25"]
    assert (found.protocol["validation"], found.protocol["seeds"]) == (0.4, 2)
    first = found.studies[0].trials[0].parameters
    assert first["baseline.lr"] == 0.05, "the declared default, not what was chosen before"
    assert found.settings["learner"]["batch"] == 5, "what the suite says and nobody tunes stays"
    assert run({**suite, "seeds": 1, "validation": 0.3}, trials=1).protocol["seeds"] == 1


@pytest.mark.slow
def test_a_suite_says_where_to_look(suite: dict[str, Any]) -> None:
    file = Path(suite["suite"])
    file.write_text(SUITE + "[tuning.ranges.learner]\nlr = {low = 0.2, high = 0.3}\n")
    (study,) = run(suite, trials=2).studies
    assert study.ranges["baseline.lr"] == {"low": 0.2, "high": 0.3}
    assert all(0.2 <= trial.parameters["baseline.lr"] <= 0.3 for trial in study.trials)
    (study,) = run(suite, trials=1, ranges={"learner": {"lr": {"low": 0.4, "high": 0.5}}}).studies
    assert study.ranges["baseline.lr"] == {"low": 0.4, "high": 0.5}, "the user's go before"
    file.write_text(SUITE + "[tuning.ranges.learnerr]\nlr = 1\n")
    with pytest.raises(UnknownNameError, match=r"stands in \[tuning.ranges\] of suite own"):
        run(suite)


@pytest.mark.slow
@pytest.mark.parametrize(
    "task",
    [
        {"use": "toy_task:hue=0.1", "id": "mine"},
        "other",
        "other:lie=true",
        {"use": "lying:lie=true", "id": "fresh"},
    ],
)
def test_targets_are_refused(suite: dict[str, Any], task: Any) -> None:
    name = "t" if "lying" in str(task) else "mine"
    with pytest.raises(UsageError, match=f"task '{name}' is a target of suite 'own'"):
        run({**suite, "task": (task,)})


@pytest.mark.slow
def test_another_folder_is_another_data_set(suite: dict[str, Any], tmp_path: Path) -> None:
    from PIL import Image

    for folder in ("target", "development"):
        for part, label in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")):
            where = tmp_path / folder / part / label
            where.mkdir(parents=True)
            for number in range(8):
                shade = (number * 9, 200 * (label == "a"), len(part))
                Image.new("RGB", (16, 16), shade).save(where / f"{number}.png")
    file = Path(suite["suite"])
    file.write_text(f'{SUITE}[[tasks]]\nid = "own"\nuse = "folder:path=target"\n')
    there = {**suite, "task": (f"folder:path={tmp_path / 'development'}",)}
    assert run(there, trials=1).tasks[0]["id"] == "development"
    with pytest.raises(UsageError, match="task 'own' is a target"):
        run({**suite, "task": (f"folder:path={tmp_path / 'target'}",)})


def test_tasks_are_needed_and_patterns_must_match(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="on which tasks"):
        run({**options, "task": (), "suite": "paper8", "student": "toy_student"})
    with pytest.raises(UnknownNameError, match=r"unknown task 'min-dev-\*'"):
        run({**options, "task": ("min-dev-*",)})


def test_the_mini_suite_names_its_development_tasks() -> None:
    mini: Any = registry().make("suite", "mini")
    definition: SuiteDefinition = mini.definition()
    assert definition.tuning.tasks == ("mini-dev-*:train=2000",)
    targets = {entry.use for entry in definition.tasks}
    assert not {t for t in registry().names("task") if t.startswith("mini-dev-")} & targets


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr = 1", "lr stands outside a table"),
        ("[learnerr]\nlr = 1", "Did you mean 'learner'"),
        ("[learner]\nrate = 1", "unknown parameter of baseline learner 'rate'"),
        ("[learner]\nlr = {low = 1}", "the range of lr of learner will not do"),
        ("[learner]\nlr = {low = -1, high = 1}", "lr=-1 will not do"),
        ("[learner]\nbatch = {low = 1.5, high = 2.5}", "batch=1.5 will not do"),
        ("[", "not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_file_of_ranges(
    options: dict[str, Any], text: str, message: str
) -> None:
    Path("ranges.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        run(options, ranges=read_ranges(Path("ranges.toml"), registry(options["plugin"])))


@pytest.mark.slow
def test_a_file_of_ranges(options: dict[str, Any]) -> None:
    Path("r.toml").write_text(
        '[baseline.learner]\nlr = 0.2\nviews = "weak"\nbatch = {low = 4, high = 9}\n'
    )
    found = run(options, ranges=read_ranges(Path("r.toml"), registry(options["plugin"])))
    for trial in found.studies[0].trials:
        assert set(trial.parameters) == {"baseline.batch"}
        assert type(trial.parameters["baseline.batch"]) is int
    assert found.settings["learner"] == {
        "lr": 0.2,
        "views": "weak",
        "batch": found.studies[0].best.parameters["baseline.batch"],  # type: ignore[union-attr]
    }
    with pytest.raises(UsageError, match=r"cannot read ranges 'absent.toml'"):
        read_ranges(Path("absent.toml"), registry())


def test_without_optuna_it_says_what_to_install(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'distbench\[tune\]'"):
        run(options)


def test_proposals_follow_from_their_arguments() -> None:
    ranges = {
        "lr": (Range(1e-3, 1.0, log=True), False),
        "mu": (Range(2, 7), True),
        "kind": (Range(among=("a", "b")), False),
    }
    defaults = {"lr": 0.1, "mu": 3, "kind": "a"}
    past: list[tuple[dict[str, Any], float | None]] = []
    for number in range(11):
        found = propose(ranges, defaults, past, 0)
        assert found == propose(ranges, defaults, list(past), 0)
        assert all(ranges[key][0].holds(value) for key, value in found.items())
        assert type(found["mu"]) is int
        assert float(f"{found['lr']:.3g}") == found["lr"]
        known = [(p, v) for p, v in past if v is not None]
        turned = propose(ranges, defaults, [(p, None if v is None else -v) for p, v in past], 0)
        assert (turned == found) == (len(known) < STARTUP), "drawn, then by what did well"
        past.append((found, None if number == 5 else found["lr"]))
    assert past[0][0] == defaults
    outside = {**defaults, "lr": 5.0}
    assert propose(ranges, outside, [], 0) != outside


def test_what_a_component_chooses_itself_is_tried_first_and_tells_nothing() -> None:
    ranges = {"lr": (Range(1e-3, 1.0, log=True), False), "mu": (Range(2, 7), True)}
    defaults = {"lr": None, "mu": 3}
    assert propose(ranges, defaults, [], 0) == defaults
    past: list[tuple[dict[str, Any], float | None]] = [(defaults, 0.5)]
    for _ in range(STARTUP + 1):
        found = propose(ranges, defaults, past, 0)
        assert all(ranges[key][0].holds(value) for key, value in found.items())
        past.append((found, 0.4))


def test_what_a_component_chooses_itself_is_no_setting() -> None:
    names, suite = registry(), SuiteDefinition(name="s", version=1, student="mini")
    method = {"baseline": Specified(names.make("baseline", "fixmatch"), frozenset())}
    space = search_space_of(method, {}, {}, suite, names)
    tried = {axis.name: axis.default for axis in space.axes}
    assert tried["baseline.lr"] is None
    assert "lr" not in space.settings(tried)["baseline", "fixmatch"]
    assert space.settings({**tried, "baseline.lr": 0.2})["baseline", "fixmatch"]["lr"] == 0.2
    assert space.at_ends(tried) == []


@pytest.mark.slow
def test_equal_ranges_start_from_equal_draws(options: dict[str, Any]) -> None:
    found = run({**options, "baseline": ("learner", "fragile")}, trials=3)
    first, second = ([t.parameters for t in study.trials] for study in found.studies)
    assert first == second


@pytest.mark.slow
def test_the_command_writes_settings_that_a_suite_takes(
    suite: dict[str, Any], tmp_path: Path
) -> None:
    from distbench.cli import app

    plugins = [part for file in suite["plugin"] for part in ("--plugin", str(file))]
    arguments = ["tune", "--suite", suite["suite"], "--distiller", "none", "--baseline", "learner"]
    arguments += [*plugins, "--executor", "serial", "--trials", "2", "--output", "s.toml"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "learner 1/2: " in done.stderr and "(lr=0.05, views=plain)" in done.stderr
    record = json.loads(Path("s.json").read_text())
    assert [len(study["trials"]) for study in record["studies"]] == [2]
    text = Path("s.toml").read_text()
    assert text in done.stdout
    assert text.startswith("# Chosen by `distbench tune` for suite own, version 4:\n")
    assert tomllib.loads(text)["settings"] == record["settings"]

    whole = SUITE.replace("[settings.learner]\nbatch = 5\nlr = 0.3\n", "") + "\n" + text
    Path(suite["suite"]).write_text(whole)
    row = distbench.run(**suite, save_student=False, name="x").rows[0]
    params = row.method.components["baseline"]["params"]
    assert params == record["settings"]["learner"]

    again = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert again.stderr.count("as before") == 2
    assert json.loads(again.stdout) == record


def test_settings_of_a_name_that_two_kinds_have() -> None:
    made = Tuned(
        "s", 1, {"seeds": 1}, ({"use": "t"},), 2, 0, (), {"baseline": {"linear_probe": {"lr": 1.5}}}
    )
    assert tomllib.loads(made.toml())["settings"] == {"baseline": {"linear_probe": {"lr": 1.5}}}
