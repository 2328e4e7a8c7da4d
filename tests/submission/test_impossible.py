"""Claims that no training can have given, made from an honest bundle by changing one field."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distbench.plugins.registry import registry
from distbench.storage.predictions import whole_images
from distbench.storage.row_schemas import read_row
from distbench.submission.bundle import open_bundle
from distbench.submission.row_claims import impossible
from distbench.submission.validate import validate
from distbench.submission.validation_report import ValidationReport

Judge = Callable[[Any], ValidationReport]
NAME = "toy.distbench.zip"


def changed(row: dict[str, Any], where: str, value: Any) -> None:
    """Changes a field of a row, e.g. ``"result.curve.0.loss"``."""
    table: Any = row
    *path, last = where.split(".")
    for key in path:
        table = table[int(key) if isinstance(table, list) else key]
    table[last] = value


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("result.accuracy", 0.99, "accuracy 0.99 is no whole number of 30 test images"),
        ("result.balanced_accuracy", 0.0, "balanced accuracy 0 cannot go with accuracy"),
        ("result.balanced_accuracy", 1.0, "balanced accuracy 1 cannot go with accuracy"),
        ("result.balanced_accuracy", -0.1, "balanced_accuracy is -0.1"),
        ("result.curve.0.validation_accuracy", 7.0, "validation accuracy of its curve is 7"),
        ("result.curve.0.loss", -5.0, "the loss of its curve is -5 at step 1"),
        ("result.curve.0.loss", float("nan"), "the loss of its curve is nan at step 1"),
        ("result.curve.1.step", 1, "its curve goes from step 1 to 1 of 4"),
        ("result.curve.1.step", 5, "its curve goes from step 1 to 5 of 4"),
        ("result.curve.0.step", 0, "its curve goes from step 0 to 0 of 4"),
        ("result.parts.labelled", 10**9, "1,000,000,000 labelled images"),
        ("result.parts.labelled", 10, "10 labelled images, the protocol allows 9"),
        ("result.parts.labelled", -1, "its parts have impossible sizes"),
        ("result.parts.unlabelled", 10**6, "images to train on and validate with, the task has"),
        ("result.parts.test", 60, "60 test images, the task has 30"),
        ("result.declared.phases.0.steps", -60, "its phases take -60 steps; each takes one or"),
        ("result.declared.phases.0.steps", 0, "its phases take 0 steps; each takes one or more"),
        ("result.declared.phases.0.steps", 65, "its phases take 65 steps, its cost says 4"),
        ("result.declared.phases.0.steps", "4", "a phase that it declares has no steps or no"),
        ("result.declared.phases.0.images_per_step", {}, "each takes one or more"),
        ("result.declared.phases", [], "its phases take 0 steps, its cost says 4"),
        ("result.declared.phases", None, "it does not declare its phases"),
        ("result.declared.images_per_step", 1, "its 4 steps 4"),
        ("result.declared.images_per_step", True, "it does not declare its phases and the images"),
        ("cost.training_macs", 1, "training took 1 MACs"),
        ("cost.training_macs", 10**15, "training took 1,000,000,000,000,000 MACs"),
        ("cost.training_macs", -1, "training_macs is -1"),
        ("cost.teacher_training_macs", -1, "teacher_training_macs is -1"),
        ("cost.train_seconds", 0.0, "4 steps of training took 0 seconds"),
        ("cost.student_macs", 10**400, "it counts something that no machine can count"),
        ("result.parts.test", 10**400, "it counts something that no machine can count"),
        ("result.declared.images_per_step", 10**400, "it does not declare its phases"),
        ("result.validation_accuracy", 0.98765, "validation accuracy 0.98765 is no whole number"),
        ("result.curve.1.validation_accuracy", 0.98765, "accuracy 0.98765 is no whole number"),
        ("result.parts.validation", 0, "it has a validation accuracy and no validation images"),
        ("result.parts.labelled", 8, "its labelled, unlabelled, validation and test images are 8,"),
        ("result.student_digest", "0" * 63, "the digest of its student is no SHA-256"),
        ("result.student_digest", "G" * 64, "the digest of its student is no SHA-256"),
        ("result.declared.initialisation", "random", "initialisation random, not pretrained"),
        ("result.sources.eligible", ["a"], "it learns from no source and names 'a'"),
        ("result.sources.excluded", {"a": "no"}, "it learns from no source and names 'a'"),
        ("result.sources.weights", {"a": 1.0}, "it learns from no source and names 'a'"),
        ("cost.teacher_macs", 5, "it learns from no source, its teacher_macs is 5"),
        ("cost.teacher_pass_macs", 5, "it learns from no source, its teacher_pass_macs is 5"),
        ("cost.teacher_training_macs", 5, "no source, its teacher_training_macs is 5"),
        ("cost.images_forward", 0, "no image went through the student in 4 steps"),
        ("cost.images_backward", 10**6, "1,000,000 images came back of"),
        ("cost.images_forward", 10**6, "training took"),
        ("cost.total_seconds", 0.0, "the cell took 0 seconds, training alone"),
    ],
)
def test_a_number_that_cannot_be(
    parts: Any, judge: Judge, where: str, value: Any, reason: str
) -> None:
    changed(parts.done(), where, value)
    reasons = judge(parts).reasons
    assert any(reason in one for one in reasons), reasons


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s["excluded"].update({s["eligible"][0]: "no"}), "both eligible and excluded"),
        (lambda s: s["eligible"].remove(max(s["weights"], key=s["weights"].get)), "not eligible"),
        (lambda s: s.update(weights={}), "it learns from sources and gives none of them a weight"),
        (lambda s: s.update(weights=dict.fromkeys(s["weights"], 0.0)), "none of them a weight"),
    ],
)
def test_sources_that_contradict_themselves(
    parts: Any, judge: Judge, change: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    row = next(row for row in parts.rows if "distiller" in row["method"]["components"])
    change(row["result"]["sources"])
    reasons = judge(parts).reasons
    assert any(reason in one for one in reasons), reasons


def test_a_plugin_may_go_back_twice_and_its_beginning_is_its_own(parts: Any, judge: Judge) -> None:
    """As a method that looks ahead does; the operations must fit what was counted all the same."""
    row, _ = read_row(json.dumps(parts.done()))
    assert row.cost and row.cost.images_forward and row.result
    times = {"images_forward": 1, "images_backward": 2, "training_macs": 5 * row.cost.student_macs}
    cost = row.cost.model_copy(update=times)
    forged = row.model_copy(update={"cost": cost})
    own = [claim.reason for claim in impossible(forged)]
    assert any("2 images came back of 1 that went forward" in reason for reason in own)
    components = {"baseline": {**row.method.components["baseline"], "source": "0" * 64}}
    method = row.method.model_copy(update={"components": components})
    theirs = [claim.reason for claim in impossible(forged.model_copy(update={"method": method}))]
    assert not any("came back" in reason for reason in theirs)


def inferring(parts: Any, views: Any, images: Any, student: int, training: int) -> list[str]:
    """What is said against a row with an inference; costs are multiples of those of one view."""
    table = parts.done()
    cost = table["cost"]
    table["result"]["declared"]["inference"] = {"views": views, "images": images}
    single = cost["student_macs"]
    shown = images if isinstance(images, int) else 0
    cost["images_forward"] += shown
    cost["training_macs"] += training * shown * single
    cost["student_macs"] = student * single
    return [claim.reason for claim in impossible(read_row(json.dumps(table))[0])]


def test_views_and_images_of_inference_count_in_the_costs(parts: Any) -> None:
    assert inferring(parts, ["plain", "flip"], 9, student=2, training=1) == []
    reasons = inferring(parts, ["plain", "flip"], 9, student=1, training=1)
    assert any(reason.startswith("training took") for reason in reasons)
    reasons = inferring(parts, ["plain"], 9, student=1, training=0)
    assert any("images forward and" in reason for reason in reasons)
    reasons = inferring(parts, ["plain"] * 1001, 0, student=1, training=0)
    assert any("are no whole number of passes of 1001 views" in reason for reason in reasons)


@pytest.mark.parametrize(
    "odd", [3, None, [], {"views": "plain"}, {"views": []}, {"images": True}, {"images": 10**400}]
)
def test_an_inference_that_says_nothing_excuses_nothing(parts: Any, odd: Any) -> None:
    table = parts.done()
    table["result"]["declared"]["inference"] = odd
    assert not list(impossible(read_row(json.dumps(table))[0]))
    table["cost"]["training_macs"] += table["cost"]["student_macs"]
    assert list(impossible(read_row(json.dumps(table))[0]))


@pytest.mark.parametrize("images", [1, 3, 60, 997, 10**6])
def test_every_share_of_whole_images_is_one_and_nothing_between(images: int) -> None:
    for right in {0, 1, images // 3, images // 2, images}:
        assert whole_images(right / images, images)
        assert not whole_images((right + 0.4) / images, images)
    assert not whole_images(float("nan"), images)
    assert not whole_images(0.5, 10**400)


def test_phases_that_give_back_what_others_take_too_much(parts: Any, judge: Judge) -> None:
    declared = parts.done()["result"]["declared"]
    (phase,) = declared["phases"]
    declared["phases"] = [{**phase, "steps": 64}, {**phase, "steps": -60}]
    reasons = judge(parts).reasons
    assert any("its phases take 64, -60 steps; each takes one or more" in one for one in reasons)


@pytest.mark.parametrize(
    ("accuracy", "balanced", "allowed"),
    [
        (1.0, 1.0, True),
        (0.0, 0.0, True),
        (1.0, 0.0, False),
        (1.0, 0.99, False),
        (0.0, 0.01, False),
        (0.5, 1.0, False),
        (0.5, 0.0, False),
        (29 / 30, 2 / 3, True),  # one class of one image, which is missed
        (28 / 30, 0.999, False),
        (1 / 30, 1 / 3, True),  # one class of one image, which is the only one that is right
    ],
)
def test_what_balanced_accuracies_go_with_an_accuracy(
    parts: Any, accuracy: float, balanced: float, allowed: bool
) -> None:
    table = parts.done()
    table["result"] |= {"accuracy": accuracy, "balanced_accuracy": balanced}
    row, _ = read_row(json.dumps(table))
    assert [claim.kind for claim in impossible(row)] == ([] if allowed else ["accuracies"])


def test_every_balanced_accuracy_that_can_be_is_allowed(parts: Any) -> None:
    """All ways to spread 7 images over up to 3 classes and to be right in some of each."""
    from itertools import product

    table = parts.done()
    table["result"]["parts"]["test"] = 7
    row, _ = read_row(json.dumps(table))
    assert row.result
    for sizes in product(range(8), repeat=3):
        if sum(sizes) != 7:
            continue
        for right in product(*(range(size + 1) for size in sizes)):
            shares = [r / n for r, n in zip(right, sizes, strict=True) if n]
            values = {"accuracy": sum(right) / 7, "balanced_accuracy": sum(shares) / len(shares)}
            result = row.result.model_copy(update=values)
            assert not list(impossible(row.model_copy(update={"result": result}))), (sizes, right)


def test_a_plugins_loss_may_be_negative_and_distbenchs_own_may_not(parts: Any) -> None:
    table = parts.done()
    table["result"]["curve"][0]["loss"] = -0.5
    assert [claim.kind for claim in impossible(read_row(json.dumps(table))[0])] == ["curves"]
    table["method"]["components"]["baseline"]["source"] = "0" * 64
    assert not list(impossible(read_row(json.dumps(table))[0]))


def disguised(parts: Any, method: str, kind: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """Changes a component of a method in plan and rows."""
    for holder in (*parts.plan["methods"], *(row["method"] for row in parts.rows)):
        if holder["id"] == method:
            change(holder["components"][kind])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c["params"].update(alpha=1.0), "baseline finetune has no parameter 'alpha'"),
        (lambda c: c["params"].update(alpha="a/b"), "baseline finetune has no parameter 'alpha'"),
        (lambda c: c.update(params={"alpha": 1.0, "beta": 4.0}), "has no parameter 'alpha'"),
        (lambda c: c["params"].update(lr="fast"), "lr='fast' will not do"),
        (lambda c: c.update(source="0" * 64), "baseline finetune is distbench's own, this one has"),
        (lambda c: c.update(files={"x": "0"}), "baseline finetune takes no such files"),
    ],
)
def test_a_fake_under_the_name_of_a_built_in(
    parts: Any, judge: Judge, change: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    disguised(parts, "finetune", "baseline", change)
    reasons = judge(parts).reasons
    assert any(reason in one for one in reasons), reasons


def test_an_unknown_name_is_not_compared(parts: Any, judge: Judge) -> None:
    disguised(parts, "finetune", "baseline", lambda c: c.update(name="dkd", source="0" * 64))
    report = judge(parts)
    assert report.reasons == []
    assert any(
        note.startswith("method finetune was not compared: unknown baseline 'dkd'")
        for note in report.notes
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "refused", "newer"),
    [
        ("0.0.9", False, False),
        ("0.1.0.dev3+local.1", False, False),
        ("99.0", False, True),
        ("1.0.0rc1", False, True),
        ("newest", True, False),
        ("1..0", True, False),
        ("1.0 ", True, False),
        ("1" * 290, True, False),
    ],
)
def test_versions(parts: Any, judge: Judge, version: str, refused: bool, newer: bool) -> None:
    parts.manifest["distbench"] = version
    report = judge(parts)
    assert any("is no version of distbench" in reason for reason in report.reasons) == refused
    assert bool(report.reasons) == refused
    assert any(f"distbench {version}, which is newer" in note for note in report.notes) == newer


@pytest.mark.parametrize("value", ["000", True, 0.0])
def test_a_count_that_is_no_number(parts: Any, judge: Judge, value: object) -> None:
    parts.manifest["counts"]["declined"] = value
    reasons = judge(parts).reasons
    assert len(reasons) == 1 and "counts.declined" in reasons[0], reasons


def test_keys_that_stand_twice(parts: Any, judge: Judge, tmp_path: Path) -> None:
    from distbench.storage.predictions import packed
    from distbench.submission.archive import write_archive

    data = packed(parts.predictions)
    size = int.from_bytes(data[:8], "little")
    header, body = data[8 : 8 + size].rstrip(), data[8 + size :]
    key = parts.done()["key"]
    again = json.dumps({key: json.loads(header)[key]}).encode()[1:-1]
    header = header[:-1] + b"," + again + b"}"
    parts.raw["predictions.safetensors"] = struct.pack("<Q", len(header)) + header + body
    reasons = judge(parts).reasons
    assert any(f"the key '{key}' stands twice" in reason for reason in reasons), reasons
    del parts.raw["predictions.safetensors"]
    members = parts.members()
    members["bundle.json"] = b'{"submitter": "Eve", ' + members["bundle.json"][1:]
    (tmp_path / NAME).write_bytes(write_archive(members))
    assert validate(tmp_path / NAME).reasons == ["bundle.json: the key 'submitter' stands twice"]


DOCS = Path(__file__).resolve().parents[2] / "docs" / "results"


@pytest.mark.slow
@pytest.mark.parametrize(
    "bundle", sorted(DOCS.glob("*.distbench.zip")), ids=lambda path: str(path.name)
)
def test_honest_bundles_of_the_documents_claim_nothing_impossible(bundle: Path) -> None:
    """Their seeds may begin elsewhere than at 0, which a registry would refuse."""
    with open_bundle(bundle) as held:
        suite, version = held.manifest.suite, held.manifest.suite_version
    if suite == "mini" and version != registry().make("suite", "mini").definition().version:
        pytest.skip(f"it is of suite mini version {version}, whose settings are not installed")
    reasons = validate(bundle).reasons
    assert [reason for reason in reasons if "run from 0 without gaps" not in reason] == []
