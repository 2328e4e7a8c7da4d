"""The control that takes the largest source."""

from __future__ import annotations

import pytest

from distbench import Declined, Probe, SourceInfo
from distbench.plugins.registry import registry
from distbench_builtin.metrics.source_size import SourceSize


def score(by="parameters", **facts):
    info = SourceInfo(
        name="a",
        architecture="net",
        num_classes=3,
        feature_dim=2,
        input_size=8,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        fingerprint="f",
        **facts,
    )
    return SourceSize(by=by).score(Probe([0, 1], source=info))


def test_is_the_logarithm_of_the_size():
    assert score(parameters=1000) == pytest.approx(3)
    assert score("macs", parameters=7, macs=10**9) == pytest.approx(9)
    assert score("depth", parameters=7, depth=50) == 50


def test_an_unknown_size_is_declined():
    with pytest.raises(Declined, match="the number of parameters of this source is not known"):
        score(macs=10)
    with pytest.raises(Declined, match="number of multiply-accumulates of this source"):
        score("macs", parameters=10)
    with pytest.raises(Declined, match="the depth of this source is not known"):
        score("depth", parameters=10)
    with pytest.raises(Declined, match="is not known"):
        score(parameters=0)
    with pytest.raises(Declined, match="needs facts about the source"):
        SourceSize().score(Probe([0, 1]))


def test_is_a_control():
    metric = registry().make("metric", "source_size:by=macs")
    assert metric.role == "control"
    assert metric.needed() == {"source_info"}
