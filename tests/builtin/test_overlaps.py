"""Which data sets hold images of which others, and what follows for sources."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from distbench import SourceInfo
from distbench.planning.eligibility import overlaps, sources_that_saw
from distbench.plugins.registry import registry
from distbench_builtin.overlaps import KNOWN, SPELLINGS, table
from distbench_builtin.shared.models.training_data import _KNOWN
from distbench_builtin.zoos.parc import DATA


def source(*trained_on: str) -> SourceInfo:
    return SourceInfo(
        name="s",
        architecture="a",
        num_classes=2,
        feature_dim=2,
        input_size=8,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        fingerprint="f",
        trained_on=trained_on,
    )


def test_every_line_has_its_reason():
    for line in KNOWN:
        assert line.holder != line.held
        assert len(line.why) > 20, line


def test_names_are_those_that_sources_and_tasks_use():
    held = {line.held for line in KNOWN} | {line.holder for line in KNOWN}
    assert {name.casefold() for name in held} == held
    learnt = {data.name for data in _KNOWN.values()} | {data.name for data in DATA.values()}
    other = {"tiny-images", "chestx", "chestx-ray8", "isic2018"}  # of no source of ours
    assert held - learnt == other
    variants = [v for others in SPELLINGS.values() for v in others]
    assert not set(variants) & set(SPELLINGS)
    assert len(variants) == len(set(variants))


@pytest.mark.parametrize(
    ("trained_on", "seen_by", "shared"),
    [
        ("imagenet-1k", "stanford_dogs", True),
        ("imagenet-1k", "stanford-dogs", True),
        ("ImageNet-1k", "Stanford_Dogs", True),
        ("imagenet", "stanford_dogs", True),
        *((s, "imagenet-1k", True) for s in ("imagenet_1k", "in1k", "ImageNet 1k", "IN-1K")),
        *((s, "imagenet_1k", True) for s in ("ilsvrc2012", "imagenet1k", "imagenet-1k", "in21k")),
        ("ilsvrc_2012", "stanford dogs", True),
        ("imagenet-21k", "stanford_dogs", True),
        ("lvd-142m", "stanford_dogs", True),
        ("stanford_dogs", "imagenet-1k", False),
        ("imagenet-1k", "cub200", False),
        ("imagenet-1k", "oxford_pets", False),
        ("inat21", "nabirds", False),
        ("cifar10", "cifar-10", True),
        ("cifar-10", "cifar10", True),
        ("cifar100", "cifar10", False),
        ("ham10000", "isic2018", True),
        ("isic2019", "ham10000", True),
        ("chestx-ray14", "chestx", True),
        ("laion-2b", "cifar10", False),
        ("unknown:x", "cifar10", False),
    ],
)
def test_who_saw_what(trained_on, seen_by, shared):
    found = overlaps([source(trained_on)], [seen_by], registry().held_by)
    assert bool(found) == shared
    if shared:
        assert found == {"s": f"saw this task: trained on {trained_on}"}


def test_who_saw_images_without_their_labels_is_kept_and_marked():
    task = SimpleNamespace(id="t", seen_by=("imagenet-1k",))
    dino = source("lvd-142m").model_copy(update={"name": "dino", "without_labels": ("lvd-142m",)})
    tuned = dino.model_copy(update={"name": "tuned", "trained_on": ("lvd-142m", "imagenet-1k")})
    supervised, other = source("imagenet-1k"), source("inat21").model_copy(update={"name": "other"})
    every = [dino, tuned, supervised, other]
    out, marked = sources_that_saw([task], every, "exclude", registry().held_by)
    assert out == {
        "t": {
            "tuned": "saw this task: trained on imagenet-1k",
            "s": "saw this task: trained on imagenet-1k",
        }
    }
    seen = "saw images of this task without labels: trained on lvd-142m"
    assert marked == {"t": {"dino": seen}}
    out, marked = sources_that_saw([task], every, "allow", registry().held_by)
    assert out == {"t": {}}
    assert set(marked["t"]) == {"dino", "tuned", "s"}
    assert marked["t"]["dino"] == seen


def test_what_was_seen_without_labels_was_seen():
    facts = source("inat21").model_dump()
    with pytest.raises(ValueError, match="without_labels names 'lvd-142m', which trained_on does"):
        SourceInfo(**{**facts, "without_labels": ("lvd-142m",)})


def test_the_hook_gives_the_table():
    assert registry().held_by("imagenet-22k") >= {"imagenet-22k", "imagenet-1k", "stanford-dogs"}
    assert "stanford_dogs" in table()["imagenet-1k"]
