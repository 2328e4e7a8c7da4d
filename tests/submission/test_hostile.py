"""Mutated and hostile bundles: each is refused, and says why."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench.storage.predictions import packed, predictions_digest
from distbench.storage.probabilities import probabilities_digest
from distbench.storage.row_schemas import NewerSchemaError
from distbench.submission import limits
from distbench.submission.archive import BundleError, write_archive
from distbench.submission.bundle import open_bundle
from distbench.submission.validate import validate
from distbench.submission.validation_report import ValidationReport, shown

NAME = "toy.distbench.zip"
Judge = Callable[[Any], ValidationReport]


def refused(report: ValidationReport, *wanted: str) -> None:
    """All of these are among the reasons, and nothing raw is."""
    text = "\n".join(report.reasons)
    for words in wanted:
        assert words in text, text
    assert all(character.isprintable() for character in text.replace("\n", ""))


def test_an_accuracy_wrong_by_one_image(parts: Any, judge: Judge) -> None:
    row = parts.done()
    right = row["result"]["accuracy"]
    row["result"]["accuracy"] = right + 1 / 30
    refused(
        judge(parts),
        f"finetune on toy, seed 0: accuracy {right + 1 / 30:.6g} is claimed, its predictions give "
        f"{right:.6g}",
    )


def test_a_prediction_changed_with_its_digest(parts: Any, judge: Judge) -> None:
    row = parts.done()
    found = parts.predictions[row["key"]].copy()
    right = np.flatnonzero(found == np.arange(30) % 3)[0]
    found[right] = (found[right] + 1) % 3
    parts.predictions[row["key"]] = found
    refused(judge(parts), "its predictions are not those of its digest")
    row["result"]["predictions_digest"] = predictions_digest(found)
    report = judge(parts)
    refused(report, "is claimed, its predictions give")
    refused(report, "its predictions are not the most probable ones")
    assert len(report.reasons) == 3, "accuracy and balanced accuracy, too"


def test_predictions_of_two_cells_swapped(parts: Any, judge: Judge) -> None:
    one = parts.done()["key"]
    differing = (k for k, v in parts.predictions.items() if (v != parts.predictions[one]).any())
    other = next(differing)
    parts.predictions[one], parts.predictions[other] = (
        parts.predictions[other],
        parts.predictions[one],
    )
    report = judge(parts)
    assert sum("not those of its digest" in reason for reason in report.reasons) == 2


def test_probabilities_of_another_digest_shape_or_row(parts: Any, judge: Judge) -> None:
    row = parts.done()
    key, logs = row["key"], parts.probabilities[row["key"]].copy()
    parts.probabilities[key] = (logs - 1).astype("<f2")
    refused(judge(parts), "its probabilities are not those of its digest")
    for wrong, reason in (
        (logs[:-1], "probabilities of 29 images and 3 classes; it has 30 and 3"),
        (np.ascontiguousarray(logs[:, ::-1]), "its predictions are not the most probable ones"),
        (np.full_like(logs, np.inf), "its predictions are not the most probable ones"),
    ):
        parts.probabilities[key] = wrong
        row["result"]["probabilities_digest"] = probabilities_digest(wrong)
        refused(judge(parts), reason)
    del parts.probabilities[key]
    refused(judge(parts), "its probabilities are missing")
    parts.probabilities["f" * 64] = logs
    refused(judge(parts), "there are probabilities of ffffffffffff..., but no row")
    parts.probabilities = {key: logs.astype("<f4")}
    refused(judge(parts), "is no matrix of float16")


def test_a_bundle_without_probabilities_is_taken_and_says_so(parts: Any, judge: Judge) -> None:
    parts.without_probabilities()
    report = judge(parts)
    assert report.reasons == []
    assert report.notes == [
        "the test probabilities of 12 rows are not in the bundle, so measures that read them say "
        "nothing of these"
    ]
    for row in parts.rows:  # as older versions wrote it
        row["schema_version"] = 2
        del row["result"]["probabilities_digest"]
    parts.manifest["row_schema"] = 2
    assert (judge(parts).reasons, judge(parts).notes) == ([], [])


def test_a_measure_that_is_not_the_suites(parts: Any, judge: Judge) -> None:
    for table in (parts.plan, parts.manifest):
        table["tasks"][0]["measure"] = "f1"
    refused(judge(parts), "compares by accuracy and it by 'f1'; run it again without --measure")


def test_labels_swapped_by_the_order_of_classes(parts: Any, judge: Judge) -> None:
    for task in (parts.plan["tasks"][0], parts.manifest["tasks"][0]):
        task["classes"] = ["b", "a", "c"]
    for row in parts.rows:
        if row["task"]["id"] == "toy":
            row["task"]["classes"] = ["b", "a", "c"]
    refused(judge(parts), "task toy: its classes are other ones")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda p, k: p.predictions.pop(k), "its predictions are missing"),
        (lambda p, k: p.predictions.update({k: p.predictions[k][:-1]}), "29 predictions of 30"),
        (lambda p, k: p.predictions.update({k: p.predictions[k] * 0 + 3}), "class 3 of 3"),
        (lambda p, k: p.predictions.update({"f" * 64: p.predictions[k]}), "but no row"),
    ],
)
def test_predictions_missing_short_out_of_range_or_too_many(
    parts: Any, judge: Judge, damage: Callable[[Any, str], object], reason: str
) -> None:
    damage(parts, parts.done()["key"])
    refused(judge(parts), reason)


def change(where: str, value: Any) -> Callable[[Any], None]:
    """A change of the row of finetune on toy, e.g. ``"cost.steps"``."""

    def changed(parts: Any) -> None:
        table = parts.done()
        *path, last = where.split(".")
        for key in path:
            table = table[key]
        table[last] = value

    return changed


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("cost.steps", 5, "5 steps, the protocol allows 4"),
        ("cost.steps", 3, "the steps of its cost and those it declares differ"),
        ("cost.parameters", 7, "a student of 7 parameters and"),
        ("cost.total_seconds", -1.0, "total_seconds is -1.0"),
        ("cost.latency_ms", float("nan"), "cost.latency_ms is nan"),
        ("result.accuracy", float("nan"), "result.accuracy is nan"),
        ("result.accuracy", "NaN", "result.accuracy is nan"),
        ("result.validation_accuracy", 1.5, "validation_accuracy is 1.5"),
        ("result.parts.split_seed", 7, "its split was not drawn from suite, task and seed"),
        ("result.parts.test", 29, "30 predictions of 29 images"),
        ("result.parts.test", 0, "its parts have impossible sizes"),
        ("result.declared.x", {"a": float("inf")}, "declared.x.a is inf"),
        ("result.sources.weights", {"toy-0": 0.7}, "its weights sum to 0.7"),
        ("result.sources.weights", {"gpt": 1.0}, "the plan has no source 'gpt'"),
        ("key", "0" * 64, "its key is not the planned one"),
        ("seed", 9, "the plan has no such cell"),
        ("seed", 1, "the cell stands twice"),
        ("status", "failed", "it is failed but has results, or no reason"),
        ("result", None, "it is done but has no result or no cost"),
        ("suite_version", 2, "its suite_version is 2, planned is 1"),
        ("protocol.steps", 5, "its protocol is"),
        ("student.weights", "other", "its student is"),
        ("zoo", "toy_zoo@x", "its zoo is toy_zoo@x, not None"),
        ("task.fingerprint", "0", "its data or classes are not the planned ones"),
        ("method.role", "ceiling", "its components or role are not the planned ones"),
        ("traceback", "File /home/ada/x.py", "it holds a traceback"),
        ("environment.device_name", "/home/ada/gpu", "holds a path of somebody's machine"),
        ("environment.device_name", "a\x1b[2Jb", r"holds control characters: 'a\u001b[2Jb'"),
        ("environment.device_name", "x" * 301, "has 301 characters; 300 are allowed"),
        ("environment.device_name", ["x"], "its environment is no table of plain values"),
        ("surprise", 1, "unknown key 'surprise'"),
        ("result.accuracy", None, "result.accuracy=None will not do"),
    ],
)
def test_a_row_that_cannot_be(
    parts: Any, judge: Judge, where: str, value: Any, reason: str
) -> None:
    change(where, value)(parts)
    refused(judge(parts), reason)


def test_a_row_that_stands_twice(parts: Any, judge: Judge) -> None:
    parts.rows.append(parts.done())
    refused(judge(parts), "finetune on toy, seed 0: the cell stands twice")


def test_a_row_left_out_without_saying_so(parts: Any, judge: Judge) -> None:
    row = parts.done()
    parts.rows.remove(row)
    del parts.predictions[row["key"]]
    refused(
        judge(parts), 'gives incomplete as null; rows and plan make it "1 of 12 cells are missing'
    )


def test_the_name_of_a_method_with_markup(parts: Any, judge: Judge) -> None:
    name = "<script>alert(1)</script>"
    text = json.dumps(parts.plan).replace('"finetune":', f'"{name}":')
    parts.plan = json.loads(text)
    for method in parts.plan["methods"]:
        if method["id"] == "finetune":
            method["id"] = name
    for row in parts.rows:
        if row["method"]["id"] == "finetune":
            row["method"]["id"] = name
    report = judge(parts)
    refused(report, "holds markup", "has the components of 'finetune'")


def test_a_method_that_hides_its_settings_behind_a_plain_name(parts: Any, judge: Judge) -> None:
    for holder in (*parts.plan["methods"], *(row["method"] for row in parts.rows)):
        if holder["id"] == "finetune":
            holder["components"]["baseline"]["params"]["lr"] = 0.5
    refused(judge(parts), "the method called 'finetune' has the components of 'finetune:lr=0.5'")


def test_a_control_that_calls_itself_ranked(parts: Any, judge: Judge) -> None:
    for holder in (*parts.plan["methods"], *(row["method"] for row in parts.rows)):
        if holder["id"] == "finetune":
            holder["role"] = "ceiling"
    refused(judge(parts), "finetune is ranked, not ceiling")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("suite_version", 2, "suite toy_suite has version 1 here, not 2"),
        ("protocol", {"steps": 400}, "has steps=4, these results were made with 400"),
        ("protocol", {"flip": False}, "has flip=True, these results were made with False"),
        ("protocol", {"crop": 0.5}, "has crop=1.0, these results were made with 0.5"),
        ("protocol", {"seeds": 9}, "the protocol has 9 seeds, the plan 2"),
        ("protocol", {"bonus": 1}, "the protocol will not do: unknown key 'bonus'"),
    ],
)
def test_a_changed_protocol_under_a_known_suites_name(
    parts: Any, judge: Judge, field: str, value: Any, reason: str
) -> None:
    for table in (parts.plan, parts.manifest, *parts.rows):
        seeds = {k: v for k, v in value.items() if k != "seeds"} if isinstance(value, dict) else {}
        if isinstance(value, dict):
            table[field] |= seeds if table in parts.rows else value
        else:
            table[field] = value
    refused(judge(parts), reason)


def test_data_weights_and_student_that_are_not_the_suites(parts: Any, judge: Judge) -> None:
    for holder in (parts.plan["tasks"][0], parts.manifest["tasks"][0]):
        holder["fingerprint"] = "0" * 64
    parts.plan["sources"][0]["fingerprint"] = "0" * 64
    for table in (parts.plan, parts.manifest):
        table["student"]["weights"] = "better"
    refused(
        judge(parts),
        "task toy: the data have fingerprint 0000000000000000...",
        "source toy-0 is not the one of zoo toy_zoo",
        "the student begins with other weights than the suite's",
    )


def test_a_task_that_the_suite_does_not_have(parts: Any, judge: Judge) -> None:
    parts.plan = json.loads(json.dumps(parts.plan).replace('"toy-hue"', '"toy-new"'))
    refused(judge(parts), "suite toy_suite has no task 'toy-new'")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("submitter", "<b>me</b>", "the submitter '<b>me</b>' holds markup"),
        ("submitter", " me", "begins or ends with a space"),
        ("submitter", "m\u202ee", r"control characters: 'm\u202ee'"),
        ("licence", "mine", "licence 'mine' is none of CC-BY-4.0"),
        ("name", "other", "the file is called toy.distbench.zip, its manifest says other"),
        ("name", "../other", "name='../other' will not do"),
        ("note", "see /home/ada/notes.txt", "holds a path of somebody's machine"),
        ("seeds", [0, 1, 2], "bundle.json gives seeds as"),
        ("plan_digest", "0" * 64, "bundle.json gives plan_digest as"),
        ("weights", {}, "bundle.json gives weights as {}"),
        ("weights", {"a\x1b[2J\n": 5}, r"weights.a\u001b[2J\u000a=5 will not do"),
        ("counts", {"done": 10**9}, "counts.done=1000000000 will not do"),
        ("counts", {"done": 100}, "bundle.json gives counts as"),
        ("surprise", 1, "bundle.json: unknown key 'surprise'"),
    ],
)
def test_a_manifest_that_does_not_fit(
    parts: Any, judge: Judge, field: str, value: Any, reason: str
) -> None:
    if field == "counts":
        value = {**parts.manifest["counts"], **value}
    parts.manifest[field] = value
    refused(judge(parts), reason)


def test_members_that_are_not_those_of_the_manifest(
    parts: Any, tmp_path: Path, plugins: tuple[Path, ...]
) -> None:
    members = parts.members()
    for name in ("plan.json", "rows.jsonl", "predictions.safetensors"):
        other = {**members, name: members[name].replace(b"toy", b"tox") + b" "}
        path = tmp_path / NAME
        path.write_bytes(write_archive(other))
        refused(validate(path, plugins=plugins), f"member {name} is not the one that the manifest")


def test_members_that_climb_are_extra_missing_or_twice(
    parts: Any, zipped: Callable[[list[tuple[str, bytes]]], ValidationReport]
) -> None:
    members = list(parts.members().items())
    first, *others = members
    for wrong, reason in (
        ([("../../evil.json", first[1]), *others], "its members are '../../evil.json'"),
        ([("/etc/passwd", first[1]), *others], "its members are '/etc/passwd'"),
        ([*members, ("evil.py", b"import os")], "it has 6 members; a bundle has bundle.json"),
        (members[:3], "it has 3 members"),
    ):
        refused(zipped(wrong), reason)
    with pytest.warns(UserWarning, match="Duplicate name"):
        refused(zipped([*members[:3], members[0]]), "its members are 'bundle.json', 'bundle.json'")


def test_a_file_that_is_cut_short_or_no_zip_or_more_than_a_zip(
    parts: Any, tmp_path: Path, plugins: tuple[Path, ...]
) -> None:
    whole = write_archive(parts.members())
    path = tmp_path / NAME
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0xFF
    for data, reason in (
        (whole[:-30], "was cut short"),
        (whole[: len(whole) // 2], "was cut short"),
        (b"", "it is no ZIP file, or was cut short"),
        (b"hello", "it is no ZIP file"),
        (b"<html>" + whole, "it is no ZIP file"),
        (whole + b"<html>", "something stands behind its end"),
        (bytes(flipped), "member"),
    ):
        path.write_bytes(data)
        refused(validate(path, plugins=plugins), reason)
    path.write_bytes(whole)
    assert validate(path, plugins=plugins).reasons == []


def test_a_directory_that_claims_a_million_entries_is_not_read(
    parts: Any, tmp_path: Path, plugins: tuple[Path, ...]
) -> None:
    whole = bytearray(write_archive(parts.members()))
    whole[-14:-10] = struct.pack("<2H", 65_000, 65_000)
    (tmp_path / NAME).write_bytes(whole)
    refused(validate(tmp_path / NAME, plugins=plugins), "it has 65000 members; a bundle has")


def test_bombs(
    parts: Any,
    tmp_path: Path,
    plugins: tuple[Path, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two kinds: one that says how large it is, and one that lies about it."""
    monkeypatch.setitem(limits.MEMBER_BYTES, "rows.jsonl", 2**20)
    members = {**parts.members(), "rows.jsonl": b" " * 2**24}
    path = tmp_path / NAME
    whole = write_archive(members)
    assert len(whole) < 2**16
    path.write_bytes(whole)
    refused(validate(path, plugins=plugins), "rows.jsonl claims 16,777,216 bytes; 1,048,576 are")
    lying = whole.replace(struct.pack("<L", 2**24), struct.pack("<L", 2**10))
    assert lying != whole
    path.write_bytes(lying)
    refused(validate(path, plugins=plugins), "rows.jsonl")
    monkeypatch.setattr(limits, "FILE_BYTES", 1000)
    refused(validate(path, plugins=plugins), "the file has 0 MiB, a bundle may have")


def test_more_rows_than_may_be(parts: Any, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROWS", 12)
    parts.rows.append(parts.done())
    refused(judge(parts), "more than 12 rows")


def test_a_line_without_an_end(parts: Any, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINE_BYTES", 1000)
    parts.raw["rows.jsonl"] = b'{"a": "' + b"x" * 5000
    refused(judge(parts), "rows.jsonl has a line of more than 1,000 bytes")


def test_lines_that_are_no_rows(parts: Any, judge: Judge) -> None:
    parts.raw["rows.jsonl"] = b"{}\n[]\nnull\n\n{\n" + b"x\n" * 500
    report = judge(parts)
    refused(report, "rows.jsonl, line 1: 'key' is missing", "stopped after 100 lines that are no")
    assert len(report.reasons) < 40


@pytest.mark.parametrize("levels", [30, 100_000])
def test_deep_json(parts: Any, judge: Judge, levels: int) -> None:
    deep = "[" * levels + "]" * levels
    row = json.dumps(parts.done()).replace('"declared": {', f'"declared": {{"x": {deep}, ')
    rows = [json.dumps(one) for one in parts.rows if one is not parts.done()]
    parts.raw["rows.jsonl"] = "\n".join([*rows, row]).encode()
    refused(judge(parts), "nested too deep" if levels == 30 else "recursion limit exceeded")


@pytest.mark.parametrize("name", ["bundle.json", "plan.json"])
def test_deep_json_in_a_manifest_or_plan(parts: Any, tmp_path: Path, name: str) -> None:
    for levels in (30, 100_000):
        deep = b"[" * levels + b"]" * levels
        members = parts.members()
        members[name] = members[name].replace(b'"protocol": {', b'"protocol": {"x": ' + deep + b",")
        (tmp_path / NAME).write_bytes(write_archive(members))
        with pytest.raises(BundleError, match=r"nested deeper than 16|recursion limit exceeded"):
            open_bundle(tmp_path / NAME)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (struct.pack("<Q", 2**62) + b"{}", "claims a header of 4,611,686,018,427,387,904 bytes"),
        (b"", "claims a header of 0 bytes"),
        (struct.pack("<Q", 2) + b"{]", "predictions.safetensors cannot be read"),
    ],
)
def test_predictions_that_are_no_safetensors(
    parts: Any, judge: Judge, data: bytes, reason: str
) -> None:
    parts.raw["predictions.safetensors"] = data
    refused(judge(parts), reason)


def test_a_huge_header_of_predictions(
    parts: Any, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HEADER_BYTES", 100)
    refused(judge(parts), "100 are allowed")


def test_predictions_of_another_type_or_shape(parts: Any, judge: Judge) -> None:
    from safetensors.numpy import save

    key = parts.done()["key"]
    matrix = np.zeros((2, 15), np.uint8)  # as where an image may show several classes
    for wrong in (np.zeros(30, np.float32), matrix + 2, np.zeros(30, np.int64)):
        parts.raw["predictions.safetensors"] = save({**parts.predictions, key: wrong})
        refused(judge(parts), "is no list of class numbers")
    parts.raw["predictions.safetensors"] = save({**parts.predictions, key: matrix})
    refused(judge(parts), "its predictions are of shape (2, 15)")


def test_rows_of_an_old_schema_are_read(parts: Any, judge: Judge, tmp_path: Path) -> None:
    for row in parts.rows:
        row["schema_version"] = 1
        found = parts.predictions[row["key"]]
        row["result"]["predictions"] = found.tolist()
        del row["result"]["predictions_digest"]
    kept = dict(parts.predictions)
    parts.raw["predictions.safetensors"] = packed({})
    parts.manifest["row_schema"] = 1
    report = judge(parts)
    assert report.reasons == [] and report.facts["recomputed"] == 12
    with open_bundle(tmp_path / NAME) as bundle:
        assert {row.schema_version for row in bundle.rows()} == {2}
    with open_bundle(tmp_path / NAME) as bundle:
        key = parts.rows[0]["key"]
        assert np.array_equal(bundle.predictions(key), kept[key])


def test_newer_schemas_are_one_clear_error(parts: Any, judge: Judge, tmp_path: Path) -> None:
    parts.rows[3]["schema_version"] = 4
    parts.rows[3]["new_field"] = 1
    refused(judge(parts), "a row has schema 4, this distbench reads up to 3: made by a newer")
    parts.manifest["schema_version"] = 2
    parts.manifest["new_field"] = 1
    refused(judge(parts), "bundle.json of toy.distbench.zip has schema 2", "upgrade")
    with pytest.raises(NewerSchemaError, match="pip install -U distbench"):
        open_bundle(tmp_path / NAME)


def test_many_reasons_of_one_kind_are_counted(parts: Any, judge: Judge) -> None:
    rows = [json.dumps(row) for row in parts.rows]
    parts.raw["rows.jsonl"] = "\n".join([*rows, *rows, *rows, *rows]).encode()
    report = judge(parts)
    assert sum("stands twice" in reason for reason in report.reasons) == limits.REASONS
    assert "16 more of this kind: cells that stand twice" in report.reasons


def test_what_is_shown_steers_no_terminal() -> None:
    assert shown("a\x1b]0;b\nc\u202e") == r"a\u001b]0;b\u000ac\u202e"
    assert shown("x" * 200) == "x" * 100 + "..."


def test_nothing_is_written_where_a_bundle_is_read(made: Path, plugins: tuple[Path, ...]) -> None:
    before = sorted(made.rglob("*"))
    validate(made / NAME, plugins=plugins)
    assert sorted(made.rglob("*")) == before
    assert zipfile.is_zipfile(made / NAME)
