"""Metrics judged by what single sources really led to, from rows alone."""

from __future__ import annotations

import numpy as np
import pytest

from distbench.errors import UnknownNameError
from distbench.leaderboard.analysis.metric_measures import weighted_tau
from distbench.leaderboard.analysis.metric_quality import judge, metric_lines
from distbench.leaderboard.rows.origins import RowOrigin
from distbench.leaderboard.rows.row_reader import Reader
from distbench.leaderboard.statistics import paired_t
from distbench.leaderboard.tables.metric_table import metric_table, metrics_as_dicts
from distbench.leaderboard.tables.text_table import terminal_text

REACHED = {"s1": 0.9, "s2": 0.8, "s3": 0.7, "s4": 0.6}


def component(name, version=1):
    return {"name": name, "version": version, "params": {}}


@pytest.fixture
def rows(make_row):
    def make(scores, tasks=("a", "b"), reached=REACHED, distiller="pseudo_labels"):
        found = []
        for task in tasks:
            for source, accuracy in reached.items():
                found.append(
                    make_row(
                        f"{distiller}/only:{source}",
                        task,
                        0,
                        accuracy,
                        role="control",
                        components={
                            "distiller": component(distiller),
                            "strategy": component("only"),
                        },
                        sources={
                            "eligible": tuple(reached),
                            "weights": {s: float(s == source) for s in reached},
                        },
                    )
                )
            for metric, values in scores.items():
                found.append(
                    make_row(
                        f"{distiller}/nearest/{metric}",
                        task,
                        0,
                        0.5,
                        components={
                            "distiller": component(distiller),
                            "strategy": component("nearest"),
                            "metric": component(metric),
                        },
                        sources={
                            "eligible": tuple(values),
                            "scores": values,
                            "weights": {"s1": 1.0},
                        },
                    )
                )
        return found

    return make


def test_a_perfect_a_reversed_and_a_half_right_metric(rows):
    scores = {
        "right": {"s1": 4.0, "s2": 3.0, "s3": 2.0, "s4": 1.0},
        "wrong": {"s1": 1.0, "s2": 2.0, "s3": 3.0, "s4": 4.0},
        "half": {"s1": 3.0, "s2": 4.0, "s3": 2.0, "s4": 1.0},
    }
    lines = {line.metric: line for line in metric_lines(rows(scores))}
    assert list(lines) == ["right", "half", "wrong"]
    assert lines["right"].values["tau"].mean == pytest.approx(1)
    assert lines["right"].values["regret_1"].mean == 0
    assert lines["wrong"].values["tau"].mean == pytest.approx(-1)
    assert lines["wrong"].values["regret_1"].mean == pytest.approx(0.3)
    assert lines["wrong"].values["regret_3"].mean == pytest.approx(0.1)
    assert lines["half"].values["regret_1"].mean == pytest.approx(0.1)
    assert lines["right"].values["tau"].half == 0
    assert lines["right"].sources == (4, 4)


def test_what_is_not_scored_is_not_chosen(rows):
    scores = {
        "some": {"s1": 3.0, "s2": 2.0, "s3": 1.0, "other": 9.0},
        "worst": {"s2": 1.0, "s3": 2.0, "s4": 3.0},
    }
    lines = {line.metric: line for line in metric_lines(rows(scores, tasks=("a",)))}
    assert lines["some"].values["tau"].mean == pytest.approx(1)
    assert lines["some"].values["tau"].half is None
    assert (lines["some"].sources, lines["some"].tried) == ((3, 3), (4, 4))
    assert lines["worst"].values["regret_1"].mean == pytest.approx(0.3)
    assert lines["worst"].values["regret_3"].mean == pytest.approx(0.1), "s1 is not chosen"
    assert lines["worst"].values["tau"].mean == pytest.approx(-1)
    assert "3 of 4" in terminal_text(metric_table(list(lines.values())))


def test_silence_counts_as_chance(rows):
    scores = {
        "few": {"s1": 3.0, "s2": 2.0},
        "flat": {"s1": 1.0, "s2": 1.0, "s3": 1.0},
        "odd": {"s1": float("inf"), "s2": 2.0, "s3": 1.0},
    }
    lines = {line.metric: line for line in metric_lines(rows(scores, tasks=("a",)))}
    for line in lines.values():
        assert line.values["tau"].mean == line.values["pearson"].mean == 0
        assert line.values["regret_1"].mean == pytest.approx(0.9 - np.mean([0.9, 0.8, 0.7, 0.6]))
        assert line.values["regret_3"].mean == pytest.approx(0.9 - (3 * 0.9 + 0.8) / 4)
        assert line.sources == (0, 0)
    assert lines["few"].chance == {"a": "2 of 4 sources scored, 3 are needed"}
    assert lines["odd"].chance == lines["few"].chance
    assert lines["flat"].chance == {"a": "all scores are equal"}
    assert (
        "Says nothing, which counts as chance (a dash): few on all 1 task: 2 of 4 sources scored"
        in " ".join(terminal_text(metric_table(list(lines.values()))).split())
    )


def test_giving_up_where_it_is_hard_raises_no_place(rows):
    """The best metric, but for one task out of three where it is no better than chance."""
    right = {"s1": 4.0, "s2": 3.0, "s3": 2.0, "s4": 1.0}
    near = {"s1": 4.0, "s2": 3.0, "s3": 1.0, "s4": 2.0}
    given = rows({"steady": near}, ("a", "b", "c")) + rows({"gives_up": right}, ("a", "b"))
    declined = [r for r in rows({"gives_up": right}, ("c",)) if "gives_up" in r.method.id]
    given += [
        r.model_copy(update={"status": "declined", "reason": "none", "result": None, "cost": None})
        for r in declined
    ]
    first, second = metric_lines(given)
    assert (first.metric, second.metric) == ("steady", "gives_up")
    assert second.by_task["a"][0] == pytest.approx(1)
    assert second.values["tau"].mean == pytest.approx(2 / 3)
    assert second.chance == {"c": "0 of 4 sources scored, 3 are needed"}
    assert "2 of 3" in terminal_text(metric_table([first, second]))


def cell(values):
    return dict(zip(("s1", "s2", "s3", "s4"), values, strict=True))


def test_several_seeds_choose_the_best_on_the_other_seeds():
    reached = {("a", 0): cell([0.9, 0.8, 0.7, 0.6]), ("a", 1): cell([0.7, 0.9, 0.6, 0.5])}
    scores = {"m": dict.fromkeys(reached, cell([4.0, 3.0, 2.0, 1.0]))}
    (line,) = judge(scores, {"d": reached})
    # Seed 0: s2 is the best of seed 1 and pays 0.8, the metric's s1 pays 0.9; seed 1: s1 for both.
    assert line.values["regret_1"].mean == pytest.approx((0.8 - 0.9 + 0.7 - 0.7) / 2)
    means = np.mean([list(by.values()) for by in reached.values()], axis=0)
    assert line.values["tau"].mean == pytest.approx(weighted_tau(np.array([4.0, 3, 2, 1]), means))
    assert line.noise is not None
    assert line.noise.regret.mean == pytest.approx((0.1 + 0.2) / 2)
    one, two = (np.array(list(by.values())) for by in reached.values())
    assert line.noise.tau.mean == pytest.approx(
        (weighted_tau(one, two) + weighted_tau(two, one)) / 2
    )
    text = " ".join(terminal_text(metric_table([line])).split())
    assert "the source that is the best on the other seeds is 15.0 points below" in text


def test_who_knows_the_truth_has_no_regret_with_several_seeds_and_some_with_one():
    """Forty tasks of ten equal sources: what is lost is noise, and only that."""
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(10)]
    truth = {f"t{t:02}": 0.6 + 0.01 * rng.normal(size=10) for t in range(40)}
    reached = {
        (task, seed): dict(zip(names, means + 0.02 * rng.normal(size=10), strict=True))
        for task, means in truth.items()
        for seed in range(3)
    }
    scores = {"knows": {c: dict(zip(names, truth[c[0]], strict=True)) for c in reached}}
    (line,) = judge(scores, {"d": reached})
    one = {c: v for c, v in reached.items() if c[1] == 0}
    (single,) = judge(scores, {"d": one})
    assert single.values["regret_1"].low > 0.01, "the best that is seen is an optimist"
    assert single.noise is None
    assert "One seed: how much of this is noise cannot be said." in terminal_text(
        metric_table([single])
    )
    assert line.values["regret_1"].mean < 0.005
    assert line.noise.regret.low > 0.01
    assert line.noise.tau.high < 0.5


def test_a_seed_that_is_not_finished_is_left_aside():
    reached = {("a", 0): cell([0.9, 0.8, 0.7, 0.6]), ("a", 1): {"s3": 0.9, "s4": 0.8}}
    scores = {"m": dict.fromkeys(reached, cell([4.0, 3.0, 2.0, 1.0]))}
    (line,) = judge(scores, {"d": reached})
    assert (line.values["tau"].mean, line.noise) == (pytest.approx(1), None)


def test_a_seed_that_was_not_asked_is_not_silence():
    reached = {("a", s): cell([0.9, 0.8, 0.7, 0.6]) for s in (0, 1)}
    right = cell([4.0, 3.0, 2.0, 1.0])
    scores = {"asked_once": {("a", 0): right}, "silent_once": {("a", 0): right, ("a", 1): {}}}
    once, silent = judge(scores, {"d": reached})
    assert (once.metric, once.values["tau"].mean, once.chance) == ("asked_once", 1, {})
    assert silent.values["tau"].mean == pytest.approx(0.5)
    assert silent.chance == {"a": "0 of 4 sources scored, 3 are needed (1 of 2 seeds)"}


def test_differences_are_paired_and_groups_count_once():
    tasks = ("a", "b", "c")
    reached = {(t, 0): cell([0.9, 0.8, 0.7, 0.6]) for t in tasks}
    right, wrong = cell([4.0, 3.0, 2.0, 1.0]), cell([1.0, 2.0, 3.0, 4.0])
    half = cell([3.0, 4.0, 2.0, 1.0])
    scores = {
        "right": dict.fromkeys(reached, right),
        "mixed": {("a", 0): wrong, ("b", 0): wrong, ("c", 0): half},
        "random": {("a", 0): half, ("b", 0): right, ("c", 0): wrong},
    }
    lines = {line.metric: line for line in judge(scores, {"d": reached})}
    assert lines["right"].differences.keys() == {"random"}
    mixed = lines["mixed"].differences
    assert list(mixed) == ["right", "random"]
    losses = [0.3, 0.3, 0.1]
    expected = paired_t(losses)
    assert (mixed["right"][2].mean, mixed["right"][2].half, mixed["right"][2].p) == pytest.approx(
        (expected.mean, expected.half, expected.p)
    )
    grouped = judge(scores, {"d": reached}, groups={"a": "one", "b": "one"})
    (line,) = (line for line in grouped if line.metric == "mixed")
    assert line.differences["right"][2].mean == pytest.approx(0.2)
    assert line.values["regret_1"].df == 1
    chosen = judge(scores, {"d": reached}, reference="mixed")
    assert list(chosen[0].differences) == ["mixed", "random"]
    with pytest.raises(UnknownNameError, match=r"unknown reference metric 'mixd'. Did you mean"):
        judge(scores, {"d": reached}, reference="mixd")


def test_a_method_that_scores_is_no_oracle(rows):
    only = [r for r in rows({"m": {"s1": 1.0, "s2": 2.0, "s3": 3.0}}) if "only" not in r.method.id]
    assert metric_lines(only) == []


def test_distillers_judge_apart(rows):
    scores = {"m": {"s1": 3.0, "s2": 2.0, "s3": 1.0}}
    both = rows(scores) + rows(scores, reached={"s1": 0.1, "s2": 0.2, "s3": 0.3}, distiller="other")
    lines = metric_lines(both)
    assert [(x.distiller, round(x.values["tau"].mean)) for x in lines] == [
        ("other", -1),
        ("pseudo_labels", 1),
    ]
    assert "m (other)" in terminal_text(metric_table(lines))


def test_plain_values_and_table(rows):
    lines = metric_lines(rows({"m": {"s1": 4.0, "s2": 3.0, "s3": 1.0, "s4": 2.0}}))
    (value,) = metrics_as_dicts(lines)
    assert set(value["tasks"]) == {"a", "b"}
    assert value["regret_1"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert [cell.value for cell in metric_table(lines).body[0]][3:9] == [
        *("0.0", "0.0", "-", "-", "4", "2")
    ]


def as_studied(rows, scores, version=1):
    """Rows of single sources that carry what each metric says, as the bundle of a study does."""
    studied = []
    for row in rows({}):
        source = row.method.id.rpartition(":")[2]
        said = {
            metric: {"component": component(metric, version), "score": by_source.get(source)}
            for metric, by_source in scores.items()
        }
        declared = {**row.result.declared, "metric_scores": said}
        result = row.result.model_copy(update={"declared": declared})
        studied.append(row.model_copy(update={"result": result}))
    return studied


def test_scores_of_a_study_judge_as_those_of_methods_do(rows):
    scores = {"right": {"s1": 4.0, "s2": 3.0, "s3": 2.0, "s4": 1.0}, "silent": {}}
    of_methods = rows({"right": scores["right"]})
    studied = as_studied(rows, scores)
    right, silent = metric_lines(studied)
    (expected,) = metric_lines(of_methods)
    assert (right.metric, right.values, right.by_task) == (
        "right",
        expected.values,
        expected.by_task,
    )
    assert silent.chance.keys() == {"a", "b"}
    fewer = {"right": {"s1": 1.0, "s2": 2.0, "s3": 3.0}}
    both = [*(row for row in rows(fewer) if "only" not in row.method.id), *studied]
    assert metric_lines(both)[0].values == right.values, "where most sources have a score"


def test_tasks_that_share_data_count_once_in_a_leaderboard(rows):
    scores = {"m": {"s1": 4.0, "s2": 3.0, "s3": 2.0, "s4": 1.0}}
    reader = Reader()
    groups = {"a": "shared", "b": "shared", "c": ""}
    records = [
        reader.record(row, group=groups[row.task.id]) for row in rows(scores, ("a", "b", "c"))
    ]
    (line,) = metric_lines(records)
    assert (len(line.by_task), line.values["tau"].df) == (3, 1)


def test_what_several_studies_say_of_one_metric_is_told_apart(rows):
    right = {"s1": 4.0, "s2": 3.0, "s3": 2.0, "s4": 1.0}
    near = {source: score * 1.001 for source, score in right.items()}
    wrong = {source: -score for source, score in right.items()}
    files = [
        as_studied(rows, {"m": right}),
        as_studied(rows, {"m": near, "late": right}),  # another machine, and one metric more
        as_studied(rows, {"m": wrong}),
        as_studied(rows, {"m": right}, version=2),
    ]
    people = ("ann", "cleo", "bob", "bob")
    origins = [RowOrigin(f"{n}.zip", "bundle", who) for n, who in enumerate(people)]
    reader = Reader()
    records = [reader.record(row, n) for n, some in enumerate(files) for row in some]
    lines = {line.metric: line for line in metric_lines(records, origins=origins)}
    assert {name: line.origins for name, line in lines.items()} == {
        "m": (0, 1),
        "late": (1,),
        "m @ bob": (2,),
        "m @ bob (3.zip)": (3,),
    }
    assert lines["m"].values["tau"].mean == 1 == -lines["m @ bob"].values["tau"].mean
    assert lines["late"].by_task == lines["m"].by_task
