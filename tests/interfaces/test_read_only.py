"""What is handed to a component cannot change what the next one, or the caller, sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench import PluginError, rank, run, score
from distbench.interfaces.metric import Metric
from distbench.interfaces.probe import Probe

PLUGIN = """
import numpy as np
import torch
from distbench import Baseline, Metric, Phase, Strategy, Stream

class Centred(Metric):
    "Centres in place."
    def score(self, probe):
        x = probe.features
        x -= x.mean(axis=0)
        return float(x.std())

class Relabel(Metric):
    "Sorts labels in place."
    def score(self, probe):
        probe.labels.ids.sort()
        return 1.0

class OneHot(Metric):
    "Writes into what is shared."
    def score(self, probe):
        probe.labels.onehot[:] = 0
        return 1.0

class Own(Metric):
    "Writes into an array that it made read-only itself."
    def score(self, probe):
        own = np.broadcast_to(np.zeros(1), 3)
        own[:] = 1
        return 1.0

class Shared(Metric):
    "Writes into what it shares."
    def score(self, probe):
        probe.shared(means)[0] += 1
        return 1.0

def means(probe):
    return probe.features.mean(axis=0), [probe.features.std(axis=0)]

class Tensors(Metric):
    "Centres a tensor in place, which numpy does not notice."
    def score(self, probe):
        torch.from_numpy(probe.features).sub_(1)
        return 1.0

class Sorting(Strategy):
    "Sorts scores in place."
    def weigh(self, scores, sources, context):
        scores.sort()
        return scores / scores.sum()

class Emptying(Strategy):
    "Empties the list of sources."
    def weigh(self, scores, sources, context):
        weights = np.full(len(sources), 1 / len(sources))
        sources.clear()
        return weights

class Labeller(Baseline):
    "Writes guesses into the labels."
    what: str = "labels"
    def phases(self, context):
        getattr(context, self.what)[:] = 0
        return []
"""


@pytest.fixture
def options(tmp_path: Path, toy_options: dict[str, Any]) -> dict[str, Any]:
    (tmp_path / "writers.py").write_text(PLUGIN)
    return {
        **toy_options,
        "task": "toy_task",
        "plugin": (*toy_options["plugin"], tmp_path / "writers.py"),
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@pytest.mark.parametrize("name", ["centred", "relabel", "one_hot", "shared"])
def test_a_metric_that_writes_is_named_and_the_others_go_on(
    options: dict[str, Any], name: str
) -> None:
    names = ("task", "zoo", "plugin")
    given = {key: options[key] for key in names} | {"labelled": "3-per-class"}
    alone = rank(metric="knn", **given).scores
    with pytest.raises(
        PluginError, match=f"plugin '{name}': it writes into a read-only array; .* copy"
    ):
        rank(metric=name, **given)
    both = rank(metric=[name, "knn"], **given)
    assert str(both[name].failed).startswith(f"plugin '{name}': it writes into a read-only array")
    assert both["knn"].scores == alone


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_a_metric_that_writes_through_a_tensor_ends_the_comparison(options: dict[str, Any]) -> None:
    given = {key: options[key] for key in ("task", "zoo", "plugin")}
    with pytest.raises(
        PluginError, match=r"plugin 'tensors': it writes into a read-only array; .* copy"
    ):
        rank(metric=["tensors", "knn"], labelled="3-per-class", **given)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["centred", "relabel", "own"])
def test_a_metric_that_writes_fails_its_cell_by_name(options: dict[str, Any], name: str) -> None:
    result = run(**options, metric=name, distiller="pseudo_labels", baseline="none")
    assert [row.status for row in result.rows] == ["failed"]
    assert f"plugin {name!r}: it writes into a read-only array" in str(result.rows[0].reason)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["labels", "labelled", "unlabelled", "validation"])
def test_a_method_that_writes_is_named(options: dict[str, Any], what: str) -> None:
    result = run(**options, distiller="none", baseline=f"labeller:what={what}")
    assert "plugin 'labeller': it writes into a read-only array" in str(result.rows[0].reason)


def test_a_strategy_that_writes_is_named(options: dict[str, Any]) -> None:
    methods = {"distiller": "pseudo_labels", "baseline": "none"}
    (row,) = run(**options, **methods, strategy="sorting").rows
    assert "plugin 'sorting': it writes into a read-only array" in str(row.reason)
    (row,) = run(**options, **methods, strategy="emptying").rows
    assert row.status == "done"
    assert row.result is not None
    assert len(row.result.sources.weights) == 3


class InPlace(Metric):
    """Changes all that it can reach."""

    tensors: bool = False

    def score(self, probe: Probe) -> float:
        x = probe.features
        if self.tensors:
            torch.from_numpy(x).zero_()
        else:
            x[:] = 0
        return 1.0


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@pytest.mark.parametrize("tensors", [False, True])
def test_the_arrays_of_a_caller_stay(tensors: bool) -> None:
    features = np.random.default_rng(0).normal(size=(20, 3))
    labels = np.arange(20) % 2
    before = features.copy(), labels.copy()
    metric = InPlace(tensors=tensors)
    if tensors:
        score(metric, features=features, labels=labels)
    else:
        with pytest.raises(PluginError, match="'in_place': it writes into a read-only array"):
            score(metric, features=features, labels=labels)
    assert np.array_equal(features, before[0])
    assert np.array_equal(labels, before[1])
    assert features.flags.writeable
    assert labels.flags.writeable


def test_everything_on_a_probe_is_read_only() -> None:
    rng = np.random.default_rng(0)
    probe = Probe(
        np.arange(8) % 2,
        features=rng.normal(size=(8, 3)),
        logits=rng.normal(size=(8, 1)),
        reference=rng.normal(size=(8, 2)),
    )
    labels = probe.labels
    for array in (
        *(probe.features, probe.logits, probe.reference, probe.probabilities),
        *(labels.ids, labels.counts, labels.order, labels.starts, labels.onehot),
        *probe.arrays(),
        probe.shared(_mean),
    ):
        assert not array.flags.writeable


def _mean(probe: Probe) -> Any:
    return probe.features.mean(axis=0)


class Through(Metric):
    """Writes through a tensor into one of the arrays that it can reach."""

    name_of: str = "onehot"

    def score(self, probe: Probe) -> float:
        labels = probe.labels
        reached = {
            "probabilities": lambda: probe.probabilities,
            "shared": lambda: probe.shared(_mean),
            "membership": lambda: labels._membership.data,
        }
        array = reached.get(self.name_of, lambda: getattr(labels, self.name_of))()
        torch.from_numpy(array).add_(1)
        return 1.0


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@pytest.mark.parametrize(
    "name",
    ["ids", "counts", "order", "starts", "onehot", "membership", "probabilities", "shared"],
)
def test_what_is_derived_is_not_written_through_a_tensor(name: str) -> None:
    rng = np.random.default_rng(0)
    given = {s: rng.normal(size=(12, 3)) for s in "ab"}
    more = {"features": given, "logits": given, "labels": np.arange(12) % 2}
    words = "plugin 'through': it writes into a read-only array"
    for metrics in ([Through(name_of=name)], [Through(name_of=name), "logme"]):
        with pytest.raises(PluginError, match=words):  # of later sources, and of later metrics
            rank(metric=metrics, **more)


@pytest.mark.parametrize("name", ["seed", "labels", "features", "new"])
def test_a_probe_is_not_changed(name: str) -> None:
    probe = Probe(np.arange(8) % 2, features=np.ones((8, 3)))
    with pytest.raises(AttributeError):
        setattr(probe, name, 5)
    with pytest.raises(AttributeError, match="ids cannot be set: other metrics are handed"):
        probe.labels.ids = np.zeros(8)
