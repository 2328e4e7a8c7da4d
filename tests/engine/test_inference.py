"""What a method says of inference is done to validation and test, counted, and told in the row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench import run

PLUGIN = """
import numpy as np
from distbench import Baseline, CosineHead, Inference, Phase, Stream

class Own(Baseline):
    "Fine-tuning, and whatever an inference is asked to be."
    how: str = "none"
    cosine: bool = False

    def build_head(self, num_features, num_classes):
        import torch
        if self.how in ("bare", "deaf"):
            head = torch.nn.Sequential(torch.nn.Linear(num_features, num_classes))
            if self.how == "deaf":
                head.register_buffer("offset", torch.zeros(num_classes))
            return head
        return CosineHead(num_features, num_classes) if self.cosine else None

    def phases(self, context):
        from torch.nn.functional import cross_entropy
        def loss(student, batch):
            return cross_entropy(student(batch["x"].views["weak"]), batch["x"].labels)
        stream = Stream(context.labelled, 8, labels=context.labels)
        return [Phase(context.protocol.steps, {"x": stream}, loss, lr=0.3)]

    def inference(self, context, student):
        return getattr(self, self.how)(context, student)

    def none(self, context, student): return None
    def last(self, context, student): return Inference(adjust=np.array([0, 0, 1e3]))
    def mirrored(self, context, student): return Inference(views=["plain", "flip"])
    def seven(self, context, student): return Inference(views=["plain", "flip", "crops"])
    def dark(self, context, student): return Inference(views=[lambda images: 0 * images])
    def looks(self, context, student):
        assert student.features(context.labelled).shape == (9, 6)
        assert student.logits(context.unlabelled[:5]).shape == (5, 3)
    def zero(self, context, student):
        return Inference(head={"weight": np.zeros((3, 6)), "bias": np.array([0, 1, 0])})

    def bare(self, context, student): return Inference(adjust=np.zeros(3))
    def deaf(self, context, student): return Inference(adjust=np.ones(3))
    def peeks(self, context, student): return student.features(context.validation)
    def number(self, context, student): return 3
    def short(self, context, student): return Inference(adjust=np.zeros(2))
    def endless(self, context, student): return Inference(adjust=np.full(3, np.inf))
    def unknown(self, context, student): return Inference(views=["plane"])
    def median(self, context, student): return Inference(views=["flip"], mean="median")
    def strange(self, context, student): return Inference(head={"wait": np.zeros(3)})
    def small(self, context, student): return Inference(views=[lambda images: images[..., :4]])
    def drawn(self, context, student):
        import torch
        return Inference(views=[lambda images: images + torch.rand_like(images)])
    def together(self, context, student): return Inference(views=[lambda x: x - x.mean()])
"""


@pytest.fixture
def options(tmp_path: Path, toy_options: dict[str, Any]) -> dict[str, Any]:
    (tmp_path / "own.py").write_text(PLUGIN)
    files = (*toy_options["plugin"], tmp_path / "own.py")
    own = {"task": "toy_task", "distiller": "none", "plugin": files, "validation": 0.2}
    return {**toy_options, **own, "steps": 50}


@pytest.mark.slow
def test_it_is_done_to_validation_and_test_alike(options: dict[str, Any]) -> None:
    hows = ("none", "last", "zero", "dark")
    plain, last, zero, dark = run(**options, baseline=[f"own:how={how}" for how in hows]).rows
    for row in (plain, last, zero, dark):
        assert row.result is not None, row.reason
        assert row.result.parts.validation == 12
    # Always the third class, and always the second one: a third of the test images are of each.
    for row in (last, zero):
        assert row.result and row.result.accuracy == pytest.approx(1 / 3)
        assert {p.validation_accuracy for p in row.result.curve} == {1 / 3}
        assert row.result.validation_accuracy == 1 / 3
    # All images look alike, so all are of one class.
    assert dark.result and dark.result.accuracy == pytest.approx(1 / 3)
    assert plain.result and plain.result.accuracy > 0.5
    assert "inference" not in plain.result.declared
    assert last.result and last.result.declared["inference"] == {"adjust": True}
    assert zero.result and zero.result.declared["inference"] == {"head": ["bias", "weight"]}
    assert dark.result.declared["inference"] == {"views": ["own"], "mean": "softmax"}
    digests = {row.result.student_digest for row in (plain, last, zero, dark) if row.result}
    assert len(digests) == 3, "what is adjusted is in the weights, views are not"


@pytest.mark.slow
def test_views_and_heads_count_in_the_costs(options: dict[str, Any]) -> None:
    given = ("none", "mirrored", "seven", "looks", "none,cosine=true")
    rows = run(**options, baseline=[f"own:how={how}" for how in given]).rows
    costs = [row.cost for row in rows if row.cost]
    plain, mirrored, seven, looks, cosine = costs
    assert mirrored.student_macs == 2 * plain.student_macs
    assert seven.student_macs == 7 * plain.student_macs
    assert plain.latency_ms and seven.latency_ms and seven.latency_ms > 2 * plain.latency_ms
    assert mirrored.training_macs == seven.training_macs == plain.training_macs
    assert plain.images_forward and looks.images_forward == plain.images_forward + 9 + 5
    assert looks.training_macs == (plain.training_macs or 0) + 14 * plain.student_macs
    # A linear layer has 3 x 6 + 3 weights, a cosine head 3 x 6 and a scale.
    assert cosine.parameters == plain.parameters - 2
    assert cosine.student_macs == plain.student_macs
    declared = [row.result.declared for row in rows if row.result]
    assert declared[4]["head"] == "CosineHead" and "head" not in declared[0]
    assert declared[3]["inference"] == {"images": 14}


@pytest.mark.slow
def test_no_image_is_mirrored_where_that_makes_another_one(options: dict[str, Any]) -> None:
    (row,) = run(**options, baseline="own:how=mirrored", flip=False).rows
    assert row.result and "inference" not in row.result.declared


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("peeks", "it asks for validation images"),
        ("number", "gave 3 and no distbench.Inference"),
        ("short", "adjust is of shape (2,); it is to be (3,)"),
        ("endless", "adjust is not finite"),
        ("unknown", "no view 'plane'; there are crops, plain, flip"),
        ("median", "mean is 'median'"),
        ("strange", "the head has no 'wait'; it has weight, bias"),
        ("small", "a view gives what is of shape (2, 3, 16, 4) for images (2, 3, 16, 16)"),
        ("drawn", "a view of an image depends on its batch, or is drawn"),
        ("together", "a view of an image depends on its batch, or is drawn"),
        ("nothing", "AttributeError"),
        ("bare", "adjust is added to the bias of a linear head, or to the buffer `offset` (c,) of"),
        ("deaf", "adjust changes the head's `offset`, and not its logits by as much"),
    ],
)
def test_what_is_no_inference_fails_by_the_name_of_its_plugin(
    options: dict[str, Any], how: str, message: str
) -> None:
    (row,) = run(**options, baseline=f"own:how={how}").rows
    assert row.status == "failed"
    assert f"plugin 'own': inference: {message}" in str(row.reason)


@pytest.mark.slow
def test_a_head_of_ones_own_is_trained_and_judged(options: dict[str, Any]) -> None:
    one, again = (run(**options, baseline="own:cosine=true").rows[0] for _ in range(2))
    assert one.result and one.result.accuracy > 0.5
    assert one.result == again.result


def test_what_is_drawn_for_it_moves_no_training(options: dict[str, Any]) -> None:
    assert np.array_equal(*[
        run(**options, baseline=f"own:how={how}").rows[0].result.student_digest  # type: ignore[union-attr]
        for how in ("none", "looks")
    ])  # fmt: skip
