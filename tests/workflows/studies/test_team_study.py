"""Studies over teams: which are tried, what is said of them, and how that is judged."""

from __future__ import annotations

import csv
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench import UsageError
from distbench.engine.scores import probes_for
from distbench.engine.workspace import Workspace
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan
from distbench.plugins.registry import registry
from distbench.submission.study_scores import open_study
from distbench.workflows.studies.study import study
from distbench.workflows.studies.team_study import Teams, drawn_teams, team_label, with_team_metrics

NAMES = ["c", "a", "d", "b", "e"]


def test_teams_are_drawn_once_each_and_the_same_again() -> None:
    found = drawn_teams(NAMES, Teams(6, 3), "s")
    assert found == drawn_teams(sorted(NAMES), Teams(6, 3), "s")
    assert len({*found}) == 6 and {*found} <= {*combinations("abcde", 3)}
    assert found != drawn_teams(NAMES, Teams(6, 3), "another")
    assert drawn_teams(NAMES, Teams(99, 3), "s") == list(combinations("abcde", 3))


def test_teams_of_a_large_zoo_are_drawn_without_listing_them() -> None:
    names = [f"s{i:03}" for i in range(300)]
    found = drawn_teams(names, Teams(20, 5), "s")
    assert len({*found}) == 20
    assert all(len({*team}) == 5 and list(team) == sorted(team) for team in found)
    assert found == drawn_teams(names, Teams(20, 5), "s")


@pytest.mark.parametrize("teams", [Teams(2, 3), Teams(9, 5), Teams(9, 1), Teams(9, 6)])
def test_too_few_to_compare_are_refused(teams: Teams) -> None:
    with pytest.raises(UsageError, match="a study compares 3 teams or more, each of 2 sources"):
        drawn_teams(NAMES, teams, "s")


def test_all_metrics_are_those_of_teams_too_and_named_ones_stay() -> None:
    found = with_team_metrics(("all",), registry())
    assert found[0] == "all" and {*found} >= {"ms_leep", "e_leep", "osborn"}
    assert with_team_metrics(("logme",), registry()) == ("logme",)


@pytest.mark.slow
def test_metrics_are_judged_by_what_each_team_led_to(
    toy_options: dict[str, Any], tmp_path: Path
) -> None:
    given = {"metric": ("logme", "e_leep"), "seeds": 1, "overlap": "allow", "name": "t"}
    config = RunConfig.make(**{**toy_options, **given})
    found = study(config, teams=Teams(4, 2), runs=tmp_path)
    assert found.tried == "team" and not found.run.failed
    plan = make_plan(config.model_copy(update={"strategy": ("weighted",), "baseline": ("none",)}))
    work = Workspace(plan)
    method = next(m for m in plan.methods if m.id.endswith("/e_leep"))
    e_leep: Any = registry().make("metric", "e_leep")
    for task in plan.tasks:
        teams = found.reached[task.id, 0]
        assert len(teams) >= 3
        probes = {p.source.name: p for p in probes_for(work, task, method, 0)}
        for team in teams:
            members = team.split("+")
            assert team == team_label(members) and len(members) == 2
            if {*members} <= probes.keys():
                said = e_leep.score_set([probes[name] for name in members])
                assert found.scores["e_leep"][task.id, 0][team] == said
    # a metric of single sources is the mean over the members
    single = study(config.model_copy(update={"name": "single"}), runs=tmp_path)
    for cell, teams in found.scores["logme"].items():
        for team, value in teams.items():
            each = [single.scores["logme"][cell][name] for name in team.split("+")]
            assert value == pytest.approx(np.mean(each))
    # each member has the same weight
    for row in found.run.rows:
        if row.result is not None:
            used = [w for w in row.result.sources.weights.values() if w]
            assert used == [0.5, 0.5]
    table = (tmp_path / "t" / "metrics.md").read_text()
    assert "learning from one team alone" in table and "teams |" in table
    with (tmp_path / "t" / "sources.csv").open() as file:
        assert {row["source"] for row in csv.DictReader(file)} == {
            team for teams in found.reached.values() for team in teams
        }
    assert json.loads((tmp_path / "t" / "study.json").read_text())["team_size"] == 2
    with pytest.raises(UsageError, match="is a study of teams; a leaderboard's table of metrics"):
        open_study(tmp_path / "t")
