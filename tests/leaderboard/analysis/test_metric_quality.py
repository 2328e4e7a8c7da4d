"""Metrics judged by what single sources really led to, from rows alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from distbench.leaderboard.analysis.metric_quality import (
    judged,
    metric_lines,
)
from distbench.leaderboard.tables.metric_table import metric_table, metrics_as_dicts
from distbench.leaderboard.tables.text_table import terminal_text

REACHED = {"s1": 0.9, "s2": 0.8, "s3": 0.7, "s4": 0.6}


def component(name):
    return {"name": name, "version": 1, "params": {}}


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


def weighted_tau(score, accuracy):
    """Vigna's weighted tau by its definition: mean of ranking by (x, y) and by (y, x)."""

    def by(first, second):
        order = sorted(range(len(first)), key=lambda i: (first[i], second[i]), reverse=True)
        rank = {i: place for place, i in enumerate(order)}
        top = bottom = 0.0
        for i, j in itertools.combinations(range(len(first)), 2):
            weight = 1 / (rank[i] + 1) + 1 / (rank[j] + 1)
            top += weight * np.sign(score[i] - score[j]) * np.sign(accuracy[i] - accuracy[j])
            bottom += weight
        return top / bottom

    return (by(score, accuracy) + by(accuracy, score)) / 2


def test_values_by_definition():
    rng = np.random.default_rng(0)
    for _ in range(5):
        score, accuracy = rng.normal(size=(2, 7))
        tau, pearson, one, three = judged(score, accuracy)
        assert tau == pytest.approx(weighted_tau(score, accuracy))
        assert pearson == pytest.approx(np.corrcoef(score, accuracy)[0, 1])
        order = np.argsort(-score)
        assert one == pytest.approx(accuracy.max() - accuracy[order[0]])
        assert three == pytest.approx(accuracy.max() - accuracy[order[:3]].max())


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


def test_sources_without_either_are_left_aside_and_too_few_are_said(rows):
    scores = {
        "some": {"s1": 3.0, "s2": 2.0, "s3": 1.0, "other": 9.0},
        "few": {"s1": 3.0, "s2": 2.0},
        "flat": {"s1": 1.0, "s2": 1.0, "s3": 1.0},
        "odd": {"s1": float("inf"), "s2": 2.0, "s3": 1.0},
    }
    lines = {line.metric: line for line in metric_lines(rows(scores, tasks=("a",)))}
    assert lines["some"].values["tau"].mean == pytest.approx(1)
    assert lines["some"].values["tau"].half is None
    assert lines["few"].left_out == {"a": "2 sources with score and accuracy, 3 are needed"}
    assert lines["odd"].left_out == lines["few"].left_out
    assert lines["flat"].left_out == {"a": "all scores are equal"}
    assert "Left out: few on a: 2 sources with score" in " ".join(
        terminal_text(metric_table(list(lines.values()))).split()
    )


def test_equal_accuracies_judge_nothing(rows):
    same = dict.fromkeys(REACHED, 0.5)
    (line,) = metric_lines(rows({"m": {"s1": 1.0, "s2": 2.0, "s3": 3.0}}, ("a",), same))
    assert line.left_out == {"a": "all accuracies are equal"}


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
    assert [cell.value for cell in metric_table(lines).body[0]][:6][-3:] == ["0.0", "0.0", "4"]
