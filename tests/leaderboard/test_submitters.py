"""The public table: many submitters, other machines, other numbers of seeds."""

from __future__ import annotations

import numpy as np
import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.row_reader import Reader
from distbench.leaderboard.tables.board_table import board_table
from distbench.leaderboard.tables.text_table import terminal_text

TASKS = ("a", "b", "c", "d", "e", "f")
IMAGES = 1000


def collected(*files, seeds=range(5), groups=None) -> Collected:
    """Bundles of one submitter each, in this order."""
    reader, origins, records = Reader(), [], []
    for number, rows in enumerate(files):
        mine = tuple(sorted({row.seed for row in rows}))
        origins.append(
            RowOrigin(f"{number}.zip", "bundle", f"ann{number}", TASKS, mine, dict(groups or {}))
        )
        records += [
            reader.record(row, number, group=(groups or {}).get(row.task.id, "")) for row in rows
        ]
    return Collected(tuple(origins), tuple(records), ())


@pytest.fixture
def method(make_rows):
    """Rows of a method whose accuracies are whole numbers of images: (name, level, seeds, rng)."""

    def make(name, level, seeds=5, rng=None, first=0, noise=30):
        rng = rng or np.random.default_rng(0)
        right = {
            t: level + 20 * i + rng.integers(-noise, noise, seeds) for i, t in enumerate(TASKS)
        }
        rows = make_rows(name, {t: list(values / IMAGES) for t, values in right.items()})
        return [row.model_copy(update={"seed": row.seed + first}) for row in rows]

    return make


def on_another_machine(rows, rng):
    """The same cells with an image more or less here and there, and another network."""
    return [
        row.model_copy(
            update={
                "result": row.result.model_copy(
                    update={
                        "accuracy": row.result.accuracy + int(rng.integers(-1, 2)) / IMAGES,
                        "student_digest": f"{row.seed}-{rng.integers(10**9)}",
                    }
                )
            }
        )
        for row in rows
    ]


def lines_of(report):
    return {line.method: line for line in report.board.lines}


def test_thirty_submitters_on_thirty_machines_take_nothing_from_each_other(method):
    rng = np.random.default_rng(1)
    official = [*method("finetune", 500), *method("best", 640, rng=rng)]
    alone = lines_of(reports(collected(official))[0])
    files = [official]
    for n in range(30):
        own = method(f"own-{n:02}", 520 + 2 * n, rng=rng)
        files.append([*on_another_machine(method("finetune", 500), rng), *own])
    (report,) = reports(collected(*files))
    lines = lines_of(report)
    assert report.board.baseline == "finetune"
    assert len(lines) == 2 + 30 + 30
    assert lines["best"].delta == alone["best"].delta
    assert lines["best"].mean == alone["best"].mean
    assert lines["finetune"].rank is not None
    copies = [line for line in lines.values() if line.again]
    assert len(copies) == 30
    assert all(line.rank is None and line.delta is None for line in copies)
    assert all(line.method.startswith("finetune @ ann") for line in copies)
    values = {row.seed: row.result.accuracy for row in files[7] if row.method.id == "finetune"}
    assert values  # its own baseline, not the one that stands
    mine = lines["own-06"]
    gaps = []
    for task in TASKS:
        own = {
            r.seed: r.result.accuracy
            for r in files[7]
            if (r.method.id, r.task.id) == ("own-06", task)
        }
        base = {
            r.seed: r.result.accuracy
            for r in files[7]
            if (r.method.id, r.task.id) == ("finetune", task)
        }
        gaps.append(np.mean([own[s] - base[s] for s in own]))
    assert mine.by_task == pytest.approx(gaps)
    assert sum(line.rank is not None for line in lines.values()) == 32
    text = " ".join(terminal_text(board_table(report.board)).split())
    assert "another file's results of a method that stands: finetune @ ann1," in text


def test_equal_results_stand_once(method):
    rows = [*method("finetune", 500), *method("m", 600)]
    (report,) = reports(collected(rows, rows, rows))
    assert sorted(lines_of(report)) == ["finetune", "m"]


def test_another_method_of_the_same_name_has_a_place_of_its_own(method):
    other = [
        row.model_copy(
            update={"method": row.method.model_copy(update={"components": {"baseline": {"v": 2}}})}
        )
        for row in method("m", 700)
    ]
    (report,) = reports(collected([*method("finetune", 500), *method("m", 600)], other))
    lines = lines_of(report)
    assert not lines["m @ ann1"].again
    assert lines["m @ ann1"].rank is not None


def test_three_seeds_among_five_have_mean_rank_and_difference(method):
    rng = np.random.default_rng(2)
    official = [*method("finetune", 500, rng=rng), *method("m", 600, rng=rng)]
    three = [row for row in official if row.seed < 3 and row.method.id == "finetune"]
    own = method("own", 650, seeds=3, rng=rng)
    (report,) = reports(collected(official, [*three, *own]))
    line = lines_of(report)["own"]
    assert line.complete
    assert line.rank is not None
    assert (line.coverage, line.compared) == ((18, 18), 18)
    assert line.delta.mean == pytest.approx(
        np.mean([r.result.accuracy for r in own]) - np.mean([r.result.accuracy for r in three])
    )
    assert line.mean.half is not None
    text = " ".join(terminal_text(board_table(report.board)).split())
    assert "With other seeds than the rest" in text
    assert "own (seeds 0, 1, 2, compared over 18 cells)" in text


def test_a_method_without_a_task_is_partial(method):
    official = [*method("finetune", 500), *method("m", 600)]
    own = [row for row in method("own", 650) if row.task.id != "f"]
    (report,) = reports(collected(official, [*official[:30], *own]))
    line = lines_of(report)["own"]
    assert not line.complete
    assert line.coverage == (25, 30)


def test_a_planned_cell_that_failed_is_not_forgotten(method, make_row):
    rows = [*method("finetune", 500), *method("m", 600)[:-1]]
    rows.append(make_row("m", "f", 4, status="failed", reason="out of memory"))
    (report,) = reports(collected(rows))
    assert lines_of(report)["m"].coverage == (29, 30)
    assert lines_of(report)["m"].rank is None


def test_a_confirmation_on_fresh_seeds_stands_as_such(method):
    official = [*method("finetune", 500), *method("m", 600)]
    fresh = [*method("finetune", 500, 3, first=5), *method("m", 600, 3, first=5)]
    made = reports(collected(official, fresh))
    assert [report.label for report in made] == [
        "mini v1, student mini, seeds 0-4",
        "mini v1, student mini, seeds 5-7",
    ]
    assert made[1].board.seeds == (5, 6, 7)


def test_a_suite_of_two_groups_whose_truth_is_known(method, make_rows):
    """Better by 10 points on one data set with five budgets, worse by 10 on the other."""
    groups = {t: "one" if t != "f" else "two" for t in TASKS}
    finetune = {t: [0.5, 0.51, 0.49] for t in TASKS}
    own = {t: [v + (0.1 if t != "f" else -0.1) for v in finetune[t]] for t in TASKS}
    rows = [*make_rows("finetune", finetune), *make_rows("own", own)]
    (report,) = reports(collected(rows, groups=groups))
    line = lines_of(report)["own"]
    assert report.board.groups == ("one",) * 5 + ("two",)
    assert line.mean.mean == pytest.approx(0.5)
    assert line.delta.mean == pytest.approx(0)
    assert line.win_rate == 0.5
    assert line.rank == (1, 2)
    by_tasks = lines_of(reports(collected(rows))[0])["own"]
    assert by_tasks.delta.mean == pytest.approx(0.4 / 6)
    text = " ".join(terminal_text(board_table(report.board)).split())
    assert "6 tasks in 2 groups" in text
    assert "count as one group: one: a, b, c, d, e." in text


def test_methods_that_nobody_tuned_are_named(method, make_rows):
    own = make_rows("m", {t: [0.6] for t in TASKS}, declared={"untuned": True})
    (report,) = reports(collected([*method("finetune", 500), *own]))
    assert report.board.untuned == ("m",)
    text = " ".join(terminal_text(board_table(report.board)).split())
    assert "Untuned in this suite, so with their own defaults: m." in text
