"""Bundles written and read: what is in them, what is not, and that they come out as put in."""

from __future__ import annotations

import getpass
import json
import socket
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import distbench
from distbench.engine.records.run_folder import open_run
from distbench.errors import RefusedError, UsageError
from distbench.submission.archive import MEMBERS
from distbench.submission.bundle import is_bundle, open_bundle
from distbench.submission.publish import submit
from distbench.submission.schema import schema_of_models, schema_text
from distbench.submission.scrub import Scrubber, has_path, without_paths
from distbench.submission.validate import validate

NAME = "toy.distbench.zip"
WHO = {"submitter": "Ada Lovelace", "licence": "CC-BY-4.0"}


@pytest.mark.slow
def test_a_bundle_gives_back_the_rows_and_predictions_of_its_run(made: Path) -> None:
    run = open_run(made / "runs" / "toy")
    assert is_bundle(made / NAME) and not is_bundle(made / "runs")
    with open_bundle(made / NAME) as bundle:
        rows = list(bundle.rows())
        assert len(rows) == len(run.rows) == 12
        assert [row.result for row in rows] == [row.result for row in run.rows]
        for row in rows:
            found = bundle.predictions(row.key)
            assert found is not None and found.dtype == np.int64
            assert np.array_equal(found, run.predictions(row))
        assert bundle.predictions("0" * 64) is None
        manifest = bundle.manifest
    assert (manifest.submitter, manifest.licence) == ("Ada Lovelace", "CC-BY-4.0")
    assert manifest.incomplete is None
    assert manifest.counts.model_dump() == {
        "planned": 12, "done": 12, "failed": 0, "declined": 0, "skipped": 0, "missing": 0,
    }  # fmt: skip
    assert [task.id for task in manifest.tasks] == ["toy", "toy-hue"]
    assert manifest.weights["toy-1"] == "toy-1-False"
    assert manifest.plugins == {"distbench": (distbench.__version__,)}
    assert manifest.plan_digest == run.plan.digest
    assert sum(machine.rows for machine in manifest.machines) == 12


@pytest.mark.slow
def test_probabilities_can_be_left_out(
    made: Path, plugins: tuple[Path, ...], tmp_path: Path
) -> None:
    run = open_run(made / "runs" / "toy")
    path, report = submit(run, output=tmp_path, probabilities=False, plugins=plugins, **WHO)
    assert report.reasons == []
    assert path.stat().st_size < (made / NAME).stat().st_size
    with open_bundle(path) as bundle:
        assert not bundle.has_probabilities
        assert bundle.predictions(run.rows[0].key) is not None


def test_it_is_accepted_and_every_accuracy_is_recomputed(
    made: Path, plugins: tuple[Path, ...]
) -> None:
    report = validate(made / NAME, plugins=plugins)
    assert report.reasons == [] and report.notes == []
    assert report.facts["recomputed"] == 12


def test_equal_runs_give_equal_bytes(made: Path, plugins: tuple[Path, ...], tmp_path: Path) -> None:
    path, _ = submit(open_run(made / "runs" / "toy"), output=tmp_path, plugins=plugins, **WHO)
    assert path.read_bytes() == (made / NAME).read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert tuple(archive.namelist()) == MEMBERS
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        widths = archive.read("predictions.safetensors")
    assert b'"dtype":"U8"' in widths and b"I64" not in widths


@pytest.mark.slow
def test_what_failed_and_what_is_missing_is_said_and_no_path_leaves_the_machine(
    toy_run: dict[str, Any], plugins: tuple[Path, ...], tmp_path: Path
) -> None:
    plugin = tmp_path / "leaky.py"
    plugin.write_text(
        "from pathlib import Path\nfrom distbench import Baseline\n"
        "class Leaky(Baseline):\n    'Leaks.'\n"
        "    def phases(self, context):\n"
        "        raise RuntimeError(f'cannot read {Path(__file__)} of ' + "
        f"{(getpass.getuser() + '@' + socket.gethostname())!r})\n"
    )
    options = {**toy_run, "plugin": (*plugins, plugin), "baseline": ("finetune", "leaky")}
    distbench.run(**options)
    folder = Path("runs/toy")
    assert str(tmp_path) in (folder / "rows.jsonl").read_text()
    kept = (folder / "rows.jsonl").read_text().splitlines(keepends=True)
    dropped = json.loads(kept[0])
    (folder / "rows.jsonl").write_text("".join(kept[1:]))
    path, report = submit(
        open_run(folder), output=Path(), plugins=(*plugins, plugin), note="a try", **WHO
    )
    with open_bundle(path) as bundle:
        assert bundle.manifest.incomplete == (
            "1 of 16 cells are missing: pseudo_labels/weighted/by_name on toy (seed 0); "
            "4 of 16 cells failed: leaky on toy (seeds 0, 1), leaky on toy-hue (seeds 0, 1)"
        )
        assert bundle.manifest.counts.missing == 1
        assert bundle.predictions(dropped["key"]) is None
        reasons = {row.reason for row in bundle.rows() if row.status == "failed"}
        assert all(row.traceback is None for row in bundle.rows())
        assert not any("host" in row.environment for row in bundle.rows())
    assert len(reasons) == 1
    assert reasons.pop().startswith(
        "plugin 'leaky': phases: RuntimeError: cannot read leaky.py of "
    )
    assert any(note.startswith("incomplete: 1 of 16 cells are missing") for note in report.notes)
    with zipfile.ZipFile(path) as archive:
        text = b"".join(archive.read(name) for name in MEMBERS).decode(errors="replace")
    assert str(tmp_path) not in text and str(Path.home()) not in text.replace("/root/", "")
    assert "leaky.py" in text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("cannot open /home/ada/data/x.png: gone", "cannot open x.png: gone"),
        ("File '/data/a b/c.py', line 3", "File 'a b/c.py', line 3"),
        (r"C:\Users\ada\x.png and \\server\share\y", "x.png and y"),
        ("~/secret/x", "x"),
        ("/root", "root"),
        ("pseudo_labels/weighted/logme", "pseudo_labels/weighted/logme"),
        ("see https://example.org/a/b and 1/2", "see https://example.org/a/b and 1/2"),
        ("ada on babbage.example and babbage; adam", "USER on HOST and HOST; adam"),
    ],
)
def test_paths_users_and_hosts_are_taken_out(text: str, clean: str) -> None:
    assert Scrubber(user="ada", host="babbage.example").free_text(text) == clean
    assert has_path(text) == (without_paths(text) != text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"licence": "proprietary"}, "licence 'proprietary' is not among those"),
        ({"name": "../x"}, "a bundle cannot be called '../x'"),
        ({"submitter": ""}, "submitter='' will not do"),
        ({"submitter": "x" * 101}, "String should have at most 100 characters"),
        ({"note": "x" * 5000}, "at most 4000 characters"),
    ],
)
def test_arguments_that_will_not_do_leave_nothing(
    made: Path, plugins: tuple[Path, ...], tmp_path: Path, change: dict[str, str], message: str
) -> None:
    run = open_run(made / "runs" / "toy")
    with pytest.raises(UsageError, match=message):
        submit(run, output=tmp_path / "out", plugins=plugins, **{**WHO, **change})
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_run_under_a_changed_protocol_is_refused_before_it_is_handed_in(
    toy_run: dict[str, Any], plugins: tuple[Path, ...], tmp_path: Path
) -> None:
    distbench.run(**{**toy_run, "seeds": 1, "steps": 3})
    with pytest.raises(RefusedError, match=r"suite toy_suite has steps=4, these results .* with 3"):
        submit(open_run(Path("runs/toy")), output=tmp_path / "out", plugins=plugins, **WHO)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_without_a_finished_cell_is_nothing_to_submit(
    toy_run: dict[str, Any], plugins: tuple[Path, ...], tmp_path: Path
) -> None:
    distbench.run(**{**toy_run, "distiller": "none", "baseline": "misbehaving:raise"})
    with pytest.raises(UsageError, match="has no finished cell; there is nothing to submit"):
        submit(open_run(Path("runs/toy")), output=tmp_path / "out", plugins=plugins, **WHO)


def test_the_published_schema_is_that_of_the_code_and_holds_for_a_bundle(made: Path) -> None:
    assert schema_text() == schema_of_models(), (
        "raise the schema if bundles changed their form, then: python -m "
        "distbench.submission.schema > core/distbench/submission/schemas/bundle-N.json"
    )
    schema = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    with zipfile.ZipFile(made / NAME) as archive:
        whole = {
            "bundle.json": json.loads(archive.read("bundle.json")),
            "plan.json": json.loads(archive.read("plan.json")),
            "rows.jsonl": [json.loads(row) for row in archive.read("rows.jsonl").splitlines()],
        }
    checked = Draft202012Validator(schema)
    assert list(checked.iter_errors(whole)) == []
    whole["rows.jsonl"][0]["result"]["accuracy"] = "high"
    del whole["bundle.json"]["licence"]
    assert len(list(checked.iter_errors(whole))) == 2


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file '.*x.distbench.zip'"):
        open_bundle(tmp_path / "x.distbench.zip")


@pytest.mark.slow
def test_labels_of_mini_are_always_at_hand(tmp_path: Path) -> None:
    made = distbench.run(distiller="none", baseline="linear_probe", task="mini-eurosat", name="m")
    _, report = submit(open_run(made.folder), output=tmp_path, **WHO)
    assert report.reasons == []
    assert report.facts["recomputed"] == 1
    assert report.notes == [
        "covers 1 of the 8 tasks of the suite; mini-cifar10, mini-cub, mini-chestx, mini-isic, "
        "mini-nabirds, mini-pets, mini-dogs are not among them"
    ]
