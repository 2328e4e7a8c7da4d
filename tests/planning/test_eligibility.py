from __future__ import annotations

from types import SimpleNamespace

from distbench.planning.eligibility import doubtful_names

KNOWN = {"imagenet-1k", "imagenet", "cifar10", "inaturalist-2017"}


def notes(*trained_on: str) -> list[str]:
    source = SimpleNamespace(name="a", trained_on=trained_on)
    tasks = [SimpleNamespace(seen_by=("my-birds",))]
    return list(doubtful_names([source], tasks, KNOWN))


def test_a_slip_of_a_known_name_is_asked_about() -> None:
    assert notes("imagnet") == [
        "source a is trained on 'imagnet', which leaves it out of no task; did you mean 'imagenet'?"
    ]
    assert len(notes("my-bird", "ImageNet_1kk")) == 2


def test_known_and_foreign_names_are_not() -> None:
    assert notes("ImageNet_1K", "My birds", "laion-2b", "unknown", "web") == []
