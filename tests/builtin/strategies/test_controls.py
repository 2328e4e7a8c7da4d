"""The controls: averaging, mixing, smaller zoos, and one source by name."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from distbench import Declined, SourceInfo, Strategy, UsageError
from distbench.plugins.registry import registry


def info(name, domain):
    return SourceInfo(
        name=name,
        architecture="toy",
        num_classes=2,
        feature_dim=3,
        input_size=8,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        fingerprint=name,
        domain=domain,
    )


SOURCES = [
    info("birds-a", "birds"),
    info("birds-b", "birds"),
    info("dogs-a", "dogs"),
    info("dogs-b", "dogs"),
    info("odd", "unknown"),
    info("strange", "unknown"),
]
SCORES = [5.0, 1.0, 4.0, 3.0, 2.0, 0.0]


def weigh(spec, scores=SCORES, sources=SOURCES):
    strategy = registry().make("strategy", spec)
    assert isinstance(strategy, Strategy)
    return strategy.weigh(np.array(scores), sources)


def test_nearest_domain_averages_the_architectures_of_the_best_one():
    assert weigh("nearest_domain").tolist() == [0.5, 0.5, 0, 0, 0, 0]
    assert weigh("nearest_domain", [0, 1, 9, 2, 3, 4.0]).tolist() == [0, 0, 0.5, 0.5, 0, 0]


def test_a_source_of_unknown_domain_is_a_domain_of_its_own():
    assert weigh("nearest_domain", [0, 1, 2, 3, 9, 8.0]).tolist() == [0, 0, 0, 0, 1, 0]
    chosen = weigh("one_per_domain:of=equal")
    assert chosen.tolist() == [0.25, 0, 0.25, 0, 0.25, 0.25]


def test_one_per_domain_normalises_over_what_it_keeps():
    # Kept are birds-a, dogs-a, odd and strange with 5, 4, 2, 0.
    np.testing.assert_allclose(
        weigh("one_per_domain:of=weighted:1"), np.array([4, 0, 3, 0, 2, 1]) / 10
    )
    np.testing.assert_allclose(
        weigh("one_per_domain:of=weighted:2"), np.array([16, 0, 9, 0, 4, 1]) / 30
    )


def test_a_subset_is_drawn_by_names_and_grows():
    kept = [
        {SOURCES[i].name for i in np.flatnonzero(weigh(f"subset:{count}:of=equal"))}
        for count in range(1, 8)
    ]
    assert [len(names) for names in kept] == [1, 2, 3, 4, 5, 6, 6]
    assert all(small <= large for small, large in pairwise(kept))
    backwards = weigh("subset:3:of=equal", SCORES[::-1], SOURCES[::-1])
    assert {SOURCES[5 - i].name for i in np.flatnonzero(backwards)} == kept[2]
    draws = {tuple(np.flatnonzero(weigh(f"subset:2:of=equal,draw={d}"))) for d in range(9)}
    assert len(draws) > 2


def test_only_takes_the_source_that_is_named():
    assert weigh("only:dogs-b").tolist() == [0, 0, 0, 1, 0, 0]
    with pytest.raises(Declined, match="cats is no eligible source of this task"):
        weigh("only:cats")
    with pytest.raises(UsageError, match=r"only needs source=\.\.\."):
        registry().make("strategy", "only")


def test_members_have_the_same_weight_each_once():
    assert weigh("members:odd+birds-b").tolist() == [0, 0.5, 0, 0, 0.5, 0]
    assert weigh("members:odd+odd+birds-b").tolist() == [0, 0.5, 0, 0, 0.5, 0]
    with pytest.raises(Declined, match="cats is no eligible source of this task"):
        weigh("members:odd+cats")
    with pytest.raises(UsageError, match="sources"):
        registry().make("strategy", "members:odd")


@pytest.mark.parametrize(
    "spec", ["nearest_domain", "one_per_domain", "subset", "only:x", "members:x+y"]
)
def test_they_are_controls(spec):
    assert registry().make("strategy", spec).role == "control"


@pytest.mark.parametrize("spec", ["nearest_domain", "one_per_domain", "subset"])
def test_scores_must_be_finite(spec):
    with pytest.raises(ValueError, match="scores must be finite, got nan at position 1"):
        weigh(spec, [1, np.nan, 2, 3, 4, 5])
