"""What is said of methods on a page: commands that make them again, docstrings, metadata."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import UsageError
from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.records import DeclaredMethod
from distbench.leaderboard.rows.row_reader import Reader
from distbench.planning.config import RunConfig
from distbench.planning.methods import method_id
from distbench.planning.resolve import ResolvedRun
from distbench.plugins.registry import registry
from distbench.storage.rows import MethodBlock, Row, TaskBlock
from distbench.submission.manifest import same_json
from distbench.workflows import run as run_workflow
from distbench.workflows.about import about
from distbench.workflows.about.components import component_facts, paragraph, reference


def collected(resolved: ResolvedRun, seeds=(0, 1), **fields) -> Collected:
    """What a run would leave, as far as it says what was run."""
    records, reader = [], Reader()
    for method in resolved.methods:
        block = MethodBlock(
            id=method_id(method.components, resolved.suite.settings),
            role="ranked",
            components={kind: part.identity for kind, part in method.parts.items()},
        )
        for task in resolved.tasks:
            for seed in seeds:
                row = Row(
                    key=f"{block.id} {task.id} {seed}",
                    status="failed",
                    reason="not tried",
                    method=block,
                    task=TaskBlock(id=task.id, use=task.id, fingerprint="f", classes=("a", "b")),
                    seed=seed,
                    suite=resolved.suite.name,
                    **{
                        "suite_version": resolved.suite.version,
                        "protocol": resolved.protocol.model_dump(),
                        "student": resolved.student.identity,
                        "environment": {},
                        **fields,
                    },
                )
                records.append(reader.record(row))
    tasks = tuple(task.id for task in resolved.tasks)
    return Collected((RowOrigin("run", "run", None, tasks, tuple(seeds)),), tuple(records), ())


def remakes_of(found: Collected) -> dict:
    return {method: remake for (_, method), remake in about(found, reports(found)).remakes.items()}


@pytest.fixture
def typed(monkeypatch):
    """Types a command and gives the configuration that it makes."""
    configs: list[RunConfig] = []

    def execute(config, **_):
        configs.append(config)
        raise UsageError("that is enough")

    monkeypatch.setattr(run_workflow, "execute", execute)

    def type_it(command: str) -> RunConfig:
        program, *arguments = shlex.split(command)
        assert program == "distbench"
        result = CliRunner().invoke(app, arguments)
        assert "that is enough" in result.output
        return configs[-1]

    return type_it


@pytest.mark.parametrize(
    "options",
    [
        {
            "metric": ("logme", "parc"),
            "strategy": ("weighted", "weighted:3", "one_per_domain:of=nearest", "equal"),
            "distiller": ("pseudo_labels", "label_propagation:spread=0.5", "distill_generalist"),
            "baseline": ("finetune", "fixmatch:mu=5,lr=0.02"),
        },
        {
            "task": ("mini-pets", "mini-cub"),
            "student": "timm:mobilenetv3_small_100",
            "steps": 50,
            "labelled": 0.5,
            "flip": False,
        },
    ],
)
def test_the_commands_make_the_very_methods(options, typed):
    resolved = ResolvedRun(RunConfig.make(None, suite="mini", **options))
    remakes = remakes_of(collected(resolved, (3, 4, 5)))
    assert len(remakes) == len(resolved.methods)
    for method in resolved.methods:
        (command,) = remakes[method_id(method.components, resolved.suite.settings)].commands
        again = ResolvedRun(typed(command))
        (made,) = again.methods
        assert {k: p.identity for k, p in made.parts.items()} == {
            k: p.identity for k, p in method.parts.items()
        }
        assert again.student.identity == resolved.student.identity
        assert again.protocol.of_a_cell() == resolved.protocol.of_a_cell()
        assert sorted(t.id for t in again.tasks) == sorted(t.id for t in resolved.tasks)
        assert (again.config.first_seed, again.protocol.seeds) == (3, 3)


def test_seeds_with_a_gap_are_two_commands():
    resolved = ResolvedRun(RunConfig.make(None, suite="mini", distiller="none"))
    (first, second) = remakes_of(collected(resolved, (0, 1, 7)))["fixmatch"].commands
    head = "distbench run --suite mini --baseline fixmatch --distiller none"
    assert (first, second) == (f"{head} --seeds 2", f"{head} --seeds 1 --first-seed 7")


def test_what_is_not_here_has_no_command_but_a_reason():
    resolved = ResolvedRun(RunConfig.make(None, suite="mini", distiller="none"))
    found = collected(resolved)
    old = remakes_of(collected(resolved, suite_version=1))["fixmatch"]
    assert (old.commands, old.reason) == ((), "suite mini has version 3 here, not 1")

    def with_components(**change) -> str:
        records = [
            r._replace(
                method=replace(
                    r.method,
                    components={"baseline": {**r.method.components["baseline"], **change}},
                )
            )
            for r in found.records
            if r.method.id == "fixmatch"
        ]
        return remakes_of(replace(found, records=tuple(records)))["fixmatch"].reason

    version = registry().load("baseline", "fixmatch").version
    assert with_components(version=99) == (f"baseline fixmatch has version {version} here, not 99")
    assert "no_such_thing" in with_components(name="no_such_thing")
    assert "no parameter 'shade'" in with_components(params={"shade": 3})
    unknown = replace(
        found,
        records=tuple(
            r._replace(method=DeclaredMethod("m", "ranked", {"baseline": {"name": "nobody"}}))
            for r in found.records[:1]
        ),
    )
    assert about(unknown, reports(unknown)).components == {}


def test_facts_of_a_component_are_those_of_its_docstring_and_distribution():
    facts = component_facts(registry(), "metric", "logme")
    assert facts.description.startswith("Log maximum evidence of the labels")
    assert facts.reference == (
        'You et al., "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", '
        "ICML 2021"
    )
    assert facts.distribution.startswith("distbench ") and facts.licence == "Apache-2.0"
    assert same_json(facts.version, registry().load("metric", "logme").version)
    known = about(
        found := collected(ResolvedRun(RunConfig.make(None, suite="mini"))), reports(found)
    )
    assert known.suites["mini", 3].startswith("Eight small generated tasks")
    assert known.components["metric", "logme"] == facts


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("A thing.\n\nOur own, see `x`.", ""),
        (
            'A.\n\nThis is D of Borup, Phoo and Hariharan, "Distilling from Similar\nTasks", '
            "ICCV 2023. More, 2024.",
            'Borup, Phoo and Hariharan, "Distilling from Similar Tasks", ICCV 2023',
        ),
        ('By Lee, "A Long Title" (ICML workshop 2013).', 'Lee, "A Long Title", ICML workshop 2013'),
        ('It says "what you will" and nothing of 1999.', ""),
    ],
)
def test_a_reference_has_a_title_and_a_year(text, cited):
    assert reference(text) == cited


def test_a_paragraph_is_one_line_without_marks():
    assert paragraph("Does ``this`` and\n`that`.\n\nMore.") == "Does this and that."
    assert len(paragraph("word " * 1000)) == 600


def test_a_run_has_the_day_of_its_rows_and_a_bundle_none(tmp_path):
    import os

    (tmp_path / "rows.jsonl").write_text("")
    os.utime(tmp_path / "rows.jsonl", (1_700_000_000, 1_700_000_000))
    origins = (
        RowOrigin(str(tmp_path), "run"),
        RowOrigin("registry/results/mini-distbench-ceiling.distbench.zip", "bundle"),
        RowOrigin(str(tmp_path / "gone"), "run"),
    )
    dates = about(Collected(origins, (), ()), []).dates
    assert list(dates) == [str(tmp_path)] and dates[str(tmp_path)].startswith("2023-11-1")
