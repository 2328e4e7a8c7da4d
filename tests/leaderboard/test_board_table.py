"""The formats: what they say, what they escape, and that equal runs give equal files."""

from __future__ import annotations

import csv
import io
import json
import random

import pytest

from distbench.leaderboard.analysis.board import build_board
from distbench.leaderboard.run_files import write
from distbench.leaderboard.tables.board_columns import board_columns
from distbench.leaderboard.tables.board_table import board_csv, board_json, board_table
from distbench.leaderboard.tables.text_table import (
    Text,
    TextTable,
    latex_text,
    markdown_text,
    name_cell,
    note,
    short_names,
    terminal_text,
)

LONG = "pseudo_labels/weighted:power=12/logme"
TASKS = tuple(
    f"mini-{t}" for t in ["cifar10", "cub", "chestx", "eurosat", "isic", "nabirds", "pets", "dogs"]
)


@pytest.fixture
def rows(make_rows, make_row):
    rng = random.Random(0)

    def noisy(level):
        return {t: [level + rng.uniform(-0.02, 0.02) for _ in range(3)] for t in TASKS}

    rows = [
        *make_rows("finetune", noisy(0.5)),
        *make_rows(LONG, noisy(0.6)),
        *make_rows("pseudo_labels/nearest/parc", noisy(0.59)),
        *make_rows("fixmatch", noisy(0.54)),
        *make_rows("scratch", noisy(0.2), role="control"),
    ]
    for task in TASKS[:-1]:
        rows += [make_row("half|way", task, seed, 0.5) for seed in range(3)]
    rows += [
        make_row("half|way", TASKS[-1], s, status="declined", reason="no two images share a class")
        for s in range(2)
    ]
    return rows


def test_terminal_fits_and_says_what_it_shows(rows):
    text = terminal_text(board_table(build_board(rows, tasks=TASKS)))
    assert max(map(len, text.splitlines())) <= 150
    head = text.splitlines()[0].split()
    assert head[:10] == ["rank", "method", *[t.removeprefix("mini-") for t in TASKS]]
    assert "Suite mini version 1, 8 tasks, 3 seeds; test accuracy in percent." in text
    assert "half the 95 % interval over seeds; of the mean: with the tasks as given" in " ".join(
        text.split()
    )
    assert "Holm for 3 comparisons" in " ".join(text.split())
    assert "Without a rank, as control: scratch." in text
    assert "*" not in text
    flat = " ".join(text.split())
    assert (
        "Incomplete, without a rank: half|way 21/24; declined on mini-dogs (seeds 0, 1): no two "
        "images share a class; not run on mini-dogs (seed 2)." in flat
    )


def test_terminal_stays_on_one_line_where_that_fits(make_rows):
    rows = make_rows("finetune", {"t": [0.5, 0.5]}) + make_rows("a", {"t": [0.625, 0.625]})
    lines = terminal_text(board_table(build_board(rows))).splitlines()
    assert lines[0].split() == [
        "rank",
        "method",
        "t",
        "mean",
        "vs",
        "finetune",
        "p",
        "(Holm)",
        "avg",
        "rank",
        "wins",
    ]
    assert lines[2].split() == [
        "1-2",
        "a",
        "62.5",
        "±0.0",
        "62.5",
        "±0.0",
        "+12.5",
        "-",
        "1.0",
        "100%",
    ]
    assert any("one task gives no interval and no p value without its test" in x for x in lines)


def test_one_seed_has_no_interval_and_says_so(make_row):
    text = terminal_text(board_table(build_board([make_row("finetune", "t", 0, 0.5)])))
    assert "One seed: no interval for tasks and mean." in text
    assert "±0" not in text


def test_a_missing_baseline_is_said(rows):
    text = terminal_text(board_table(build_board(rows, tasks=TASKS, baseline="nobody")))
    assert "No comparison: the baseline nobody is not among the methods." in text
    assert "vs " not in text.splitlines()[0]
    text = terminal_text(board_table(build_board(rows, tasks=TASKS, baseline="half|way")))
    assert "No comparison: the baseline half|way is incomplete." in text


def test_partial_entries_show_their_count(make_row):
    rows = [make_row("a", "t", 0, 0.5), make_row("a", "t", 1, status="failed", reason="Boom.")]
    text = terminal_text(board_table(build_board(rows)))
    assert "50.0 (1/2)" in text
    assert "1/2 cells" in text
    assert text.rstrip().endswith("failed on t (seed 1): Boom.")


def test_markdown_escapes_and_marks_the_best(rows):
    text = markdown_text(board_table(build_board(rows, tasks=TASKS)))
    table = [line for line in text.splitlines() if line.startswith("|")]
    best = next(line for line in table if f"`{LONG}`" in line)
    assert best.count("**") == 2
    assert sum("**" in line for line in table) == 1
    assert "`half\\|way`" in text
    bars = {line.replace("\\|", "").count("|") for line in table}
    assert len(bars) == 1


def test_latex_escapes_and_marks_the_best(rows):
    text = latex_text(board_table(build_board(rows, tasks=TASKS)))
    assert r"\texttt{pseudo\_labels/\allowbreak{}weighted:power=12/\allowbreak{}logme}" in text
    assert r"\texttt{half\textbar{}way}" in text
    assert text.count(r"\textbf{") == 1
    assert r"\toprule" in text
    assert r"95 \% interval" in text
    assert "±" not in text
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    assert {line.count("&") for line in body.splitlines() if "&" in line} == {15}


@pytest.mark.parametrize(
    ("raw", "tex", "mark"),
    [
        ("a_b", r"\texttt{a\_b}", "`a_b`"),
        ("50%&#{}$", r"\texttt{50\%\&\#\{\}\$}", "`50%&#{}$`"),
        ("~^\\", r"\texttt{\textasciitilde{}\textasciicircum{}\textbackslash{}}", "`~^\\`"),
        ("a`b", r"\texttt{a`b}", "`` a`b ``"),
        ("two\nlines", r"\texttt{two lines}", "`two lines`"),
    ],
)
def test_special_characters_in_names(raw, tex, mark):
    table = TextTable(
        (Text("h"),), ((name_cell(raw),),), (note("see ", name_cell(raw), "."),), (0,)
    )
    assert tex in latex_text(table)
    assert f"- see {mark}." in markdown_text(table)
    assert mark in markdown_text(table).splitlines()[2]
    assert len(terminal_text(table).splitlines()) == 5


def test_plain_text_is_escaped_in_markdown():
    table = TextTable((Text("h"),), ((Text("a*b_c<d>"),),), (), (0,))
    assert r"a\*b\_c\<d\>" in markdown_text(table)


def test_csv_columns_and_values(rows):
    board = build_board(rows, tasks=TASKS)
    read = list(csv.DictReader(io.StringIO(board_csv(board))))
    assert list(read[0]) == [
        *("method", "role", "rank", *TASKS, "mean", "mean_low", "mean_high"),
        *("delta", "delta_low", "delta_high", "p_holm", "p_flip", "average_rank"),
        *("win_rate", "coverage"),
    ]
    lines = {line["method"]: line for line in read}
    best = board.best
    assert lines[LONG]["mean"] == repr(round(best.mean.mean, 6))
    assert lines[LONG]["delta_low"] == repr(round(best.delta.low, 6))
    assert lines["finetune"]["delta"] == lines["finetune"]["p_holm"] == ""
    assert lines["half|way"]["coverage"] == "21/24"
    assert lines["half|way"]["mini-dogs"] == lines["half|way"]["mean"] == ""
    assert (lines["scratch"]["role"], lines["scratch"]["rank"]) == ("control", "")


def test_every_format_is_made_of_the_same_columns(rows):
    board = build_board(rows, tasks=TASKS)
    columns = board_columns(board)
    assert len({column.key for column in columns}) == len(columns)
    header = [cell.line for cell in board_table(board).header]
    assert header == [column.title.line for column in columns if column.title]
    fields = board_csv(board).splitlines()[0].split(",")
    assert {column.key for column in columns} <= set(fields)
    # Without a baseline the comparison is in the CSV alone, and empty.
    alone = build_board(rows, tasks=TASKS, baseline="nobody")
    gone = {c.key for c in columns if c.title} - {c.key for c in board_columns(alone) if c.title}
    assert gone == {"delta", "p_holm", "p_flip", "win_rate"}
    assert board_csv(alone).splitlines()[0].split(",") == fields


def test_csv_task_with_the_name_of_a_column(make_row):
    text = board_csv(build_board([make_row("a", "mean", 0, 0.5)]))
    assert text.splitlines()[0].startswith("method,role,rank,task:mean,mean,")


@pytest.mark.parametrize("task", ["delta", "role"])
def test_a_task_with_the_name_of_a_column_is_shown_like_any_other(make_row, task):
    board = build_board([make_row("a", task, 0, 0.5)], baseline="nobody")
    assert board_csv(board).splitlines()[0].startswith(f"method,role,rank,task:{task},mean,")
    assert [cell.line for cell in board_table(board).header][:3] == ["rank", "method", task]


def test_order_of_rows_and_costs_do_not_matter(rows, make_row):
    def files(some):
        board = build_board(some, tasks=TASKS)
        return [board_csv(board), board_json(board), markdown_text(board_table(board))]

    shuffled = [
        row.model_copy(update={"environment": {"device": "other"}, "cost": None}) for row in rows
    ]
    random.Random(3).shuffle(shuffled)
    assert files(shuffled) == files(rows)


def test_json_holds_every_seed_and_no_cost(rows):
    text = board_json(build_board(rows, tasks=TASKS))
    plain = json.loads(text)
    assert [len(e["values"]) for e in plain["methods"][0]["entries"]] == [3] * 8
    assert "seconds" not in text


def test_short_names():
    assert short_names(["mini-cub", "mini-dev-land"]) == ["cub", "dev-land"]
    assert short_names(["mini-cub", "flowers"]) == ["mini-cub", "flowers"]
    assert short_names(["mini-cub"]) == ["mini-cub"]
    assert short_names(["a-", "a-b"]) == ["a-", "a-b"]


def test_write_makes_all_files_and_equal_ones(rows, tmp_path):
    board = write(rows, tmp_path / "one", tasks=TASKS)
    write(rows[::-1], tmp_path / "two", tasks=TASKS)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == [
        *("costs.csv", "leaderboard.csv", "leaderboard.json", "leaderboard.md"),
        *("leaderboard.tex", "weights.json"),
    ]
    assert board.best.method == LONG
    for file in names:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def equal_gaps(make_rows):
    """Ten test images a task: one method is better by one image on both, one is not so even."""
    return [
        *make_rows("finetune", {"a": [0.5], "b": [0.6]}),
        *make_rows("even", {"a": [0.6], "b": [0.7]}),
        *make_rows("uneven", {"a": [0.9], "b": [0.8]}),
    ]


def test_equal_differences_have_no_interval_and_no_p_in_any_format(make_rows, tmp_path):
    rows = equal_gaps(make_rows)
    board = build_board(rows)
    table = board_table(board)
    said = "No interval: the differences are equal on all tasks ("
    for text, cells in (
        (terminal_text(table), "+10.0 - "),
        (markdown_text(table), "| +10.0 | - |"),
        (latex_text(table), "+10.0 & -- &"),
    ):
        line = next(line for line in text.splitlines() if "even" in line and "uneven" not in line)
        assert cells in " ".join(line.split()), line
        assert said in " ".join(text.split())
        assert "<0.001" not in text and "nan" not in text.lower()
    terminal = " ".join(terminal_text(table).split())
    assert said + "even)." in terminal
    assert "Holm for 2 comparisons" in terminal, "the one without p was made too"
    (line,) = [r for r in csv.DictReader(io.StringIO(board_csv(board))) if r["method"] == "even"]
    assert (line["delta"], line["delta_low"], line["delta_high"], line["p_holm"]) == (
        "0.1", "", "", "",
    )  # fmt: skip
    (method,) = [m for m in json.loads(board_json(board))["methods"] if m["method"] == "even"]
    assert {key for key, value in method["delta"].items() if value is not None} == {"mean"}
    assert method["delta"]["mean"] == 0.1
    uneven = next(line for line in board.lines if line.method == "uneven")
    assert uneven.p_holm == pytest.approx(2 * uneven.delta.p)
    write(rows, tmp_path, tasks=["a", "b"], seeds=[0])


def test_equal_differences_are_null_on_the_page(make_rows):
    from distbench.leaderboard.page.columns import column_data

    board = build_board(equal_gaps(make_rows))
    data = column_data(board)
    number = data["method"].index("even")
    assert (data["delta"][number], data["deltaHalf"][number], data["p_holm"][number]) == (
        10_000, None, None,
    )  # fmt: skip
    assert data["deltaHalf"][data["method"].index("uneven")] is not None


def test_differences_that_differ_say_nothing_of_equal_ones(rows):
    assert "No interval:" not in terminal_text(board_table(build_board(rows, tasks=TASKS)))
