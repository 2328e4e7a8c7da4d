"""The control that draws a number per source."""

from __future__ import annotations

import hashlib

import numpy as np

from distbench import Probe, SourceInfo
from distbench.plugins.registry import registry
from distbench_builtin.metrics.random import Random


def source(name="a", fingerprint="f"):
    return SourceInfo(
        name=name,
        architecture="net",
        num_classes=3,
        feature_dim=2,
        input_size=8,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        fingerprint=fingerprint,
    )


def score(info, seed=0, features=None, labels=(0, 1, 1)):
    return Random().score(Probe(list(labels), features=features, source=info, seed=seed))


def test_depends_on_source_and_seed_alone():
    base = score(source())
    assert base == score(source(), features=np.ones((3, 2)), labels=(1, 0, 1))
    others = {score(source(name="b")), score(source(fingerprint="g")), score(source(), seed=1)}
    assert len(others | {base}) == 4


def test_is_the_same_everywhere():
    digest = hashlib.sha256(b"random\0" + b"7\0a\0f").digest()
    assert score(source(), seed=7) == (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def test_ignores_and_keeps_the_state_of_the_global_generator():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first = score(source())
    assert (np.random.get_state()[1] == before).all()
    np.random.seed(5)
    assert score(source()) == first


def test_is_uniform():
    drawn = np.sort([score(source(name=str(i))) for i in range(2000)])
    assert drawn[0] >= 0
    assert drawn[-1] < 1
    assert np.abs(drawn - (np.arange(2000) + 0.5) / 2000).max() < 1.63 / np.sqrt(2000)


def test_without_facts_about_the_source_the_seed_decides():
    assert score(None) == score(None)
    assert score(None) != score(None, seed=1)


def test_is_a_control():
    metric = registry().make("metric", "random")
    assert metric.role == "control"
    assert metric.needed() == {"source_info"}
