"""An option that a person types and nothing would look at is refused, not dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app

BASELINES = ("run", "--dry-run", "--distiller", "none", "--baseline", "finetune")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*BASELINES, "--metric", "knn"), "--metric counts for nothing in this run"),
        ((*BASELINES, "--strategy", "equal"), "--strategy counts for nothing in this run"),
        (
            ("run", "--dry-run", "--strategy", "equal", "--metric", "knn"),
            "--metric counts for nothing in this run, which has no strategy that weighs by scores",
        ),
        (("run", "--baseline", "none", "--baseline", "finetune"), "--baseline none says that"),
        (("run", "--distiller", "none", "--distiller", "pseudo_labels"), "--distiller none says"),
        (("tune", "--distiller", "none", "--metric", "knn"), "--metric counts for nothing"),
        (("validate", "b", "--choice", "3"), "--choice and --tolerance are for cells computed"),
        (("validate", "b", "--tolerance", "0"), "add --rerun 2"),
        (("validate", "b", "--schema"), "--schema prints the schema alone"),
        (("leaderboard", "--output", "file"), "is no folder; name another"),
        (("plan", "--output", "file/plan.json"), "is no folder; name another"),
        (("zoo", "build", "mini", "--output", "file"), "is no folder; name another"),
        (("tune", "--output", "file/a.toml"), "is no folder; name another"),
    ],
)
def test_it_is_refused(words: tuple[str, ...], message: str) -> None:
    Path("file").write_text("")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.stderr.split())


def test_what_a_file_says_may_be_idle() -> None:
    Path("run.toml").write_text('metric = "knn"\nseeds = 1\n')
    from distbench.cli.options import run_config

    typed = {"distiller": ("none",), "baseline": ("finetune",), "metric": None, "strategy": None}
    assert run_config({**typed, "config": Path("run.toml")}).metric == ("knn",)
