"""The depth prior around another metric, and how much of its success is the prior alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from distbench import Declined, Probe, SourceInfo
from distbench_builtin.metrics.knn import KNN
from distbench_builtin.metrics.plasticity import Plasticity

LAYERS = {"resnet50": 50, "resnet18": 18, "googlenet": 22, "alexnet": 8}


def probes(features, depths):
    labels = np.arange(len(features[0])) % 2
    found = []
    for number, (x, depth) in enumerate(zip(features, depths, strict=True)):
        info = SourceInfo(
            name=f"s{number}",
            architecture="net",
            num_classes=2,
            feature_dim=2,
            input_size=8,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            fingerprint="f",
            depth=depth,
        )
        found.append(Probe(labels, features=x, source=info))
    return found


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(20, 3)) + k * (np.arange(20) % 2)[:, None] for k in (0, 1, 3)]


def test_is_the_z_score_plus_the_depth(features):
    given = probes(features, [50, 18, 100])
    plain = np.array([KNN(k=1).score(p) for p in given])
    wanted = (plain - plain.mean()) / plain.std() + np.array([1, 0.36, 2])
    assert Plasticity(of=KNN()).score_all(given) == pytest.approx(wanted)
    halved = Plasticity(of=KNN(), layers=100).score_all(given)
    assert wanted - halved == pytest.approx([0.5, 0.18, 1])


def test_a_source_of_unknown_depth_is_declined_and_no_part_of_the_zoo(features):
    first, unknown, last = Plasticity(of=KNN()).score_all(probes(features, [50, None, 50]))
    assert isinstance(unknown, Declined)
    assert unknown.reason == "the depth of this source is not known"
    assert [first, last] == pytest.approx([0, 2])  # two scores: one below, one above their mean


def test_equal_scores_leave_the_depth_alone(features):
    same = [features[1]] * 3
    assert Plasticity().score_all(probes(same, [50, 100, 25])) == pytest.approx([1, 2, 0.5])


def test_needs_what_the_other_metric_needs_and_a_zoo():
    assert Plasticity().needed() == {"zoo", "source_info", "features"}
    with pytest.raises(Declined, match="compares the sources of a zoo"):
        Plasticity().score(Probe([0, 1]))


def test_the_prior_alone_correlates_with_published_accuracies(shared: Path):
    """PARC with the prior is published at 70.28, 1-NN with it at 68.01."""
    by_target = defaultdict(list)
    with (shared / "goldens" / "parc_oracle_controlled.csv").open() as file:
        for row in csv.DictReader(file):
            if row["Target Dataset"] == "voc2007":  # several labels an image, not evaluated there
                continue
            layers = LAYERS[row["Architecture"]]
            by_target[row["Target Dataset"]].append((layers, float(row["Oracle"])))
    found = [np.corrcoef(np.array(pairs).T)[0, 1] for pairs in by_target.values()]
    assert 100 * np.mean(found) == pytest.approx(50.92, abs=0.01)
