"""What a component leaves changed in torch or numpy is set back, and the component is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import distbench
from distbench import Metric, run
from distbench.engine.global_state import unchanged
from distbench.errors import PluginError

held: list[Any] = []


def enter(context: Any) -> None:
    """As one does who forgets to leave it."""
    held.append(context)
    context.__enter__()


def autocast() -> None:
    enter(torch.autocast("cpu", dtype=torch.bfloat16))


CHANGES: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "torch's autocast": (autocast, lambda: torch.is_autocast_enabled("cpu")),
    "torch's grad mode": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "torch's inference mode": (
        lambda: enter(torch.inference_mode()),
        torch.is_inference_mode_enabled,
    ),
    "torch's default dtype": (
        lambda: torch.set_default_dtype(torch.float64),
        torch.get_default_dtype,
    ),
    "torch's default device": (lambda: enter(torch.device("meta")), torch.get_default_device),
    "torch's number of threads": (
        lambda: torch.set_num_threads(torch.get_num_threads() + 1),
        torch.get_num_threads,
    ),
    "torch's use of oneDNN": (
        lambda: torch._C._set_mkldnn_enabled(False),
        torch._C._get_mkldnn_enabled,
    ),
    "torch's use of cuDNN": (
        lambda: setattr(torch.backends.cudnn, "enabled", False),
        lambda: torch.backends.cudnn.enabled,
    ),
    "torch's deterministic algorithms": (
        lambda: torch._C._set_deterministic_algorithms(True),  # the public one takes seconds
        torch.are_deterministic_algorithms_enabled,
    ),
    "torch's precision of float32": (
        lambda: torch.set_float32_matmul_precision("medium"),
        torch.get_float32_matmul_precision,
    ),
    "torch's hooks on all modules and optimisers": (
        lambda: torch.nn.modules.module.register_module_forward_hook(lambda *_: None),
        lambda: len(torch.nn.modules.module._global_forward_hooks),
    ),
    "the rounding of denormal numbers to zero": (
        lambda: torch.set_flush_denormal(True),
        lambda: float(np.float64(5e-324) * np.float64(1)) == 0,
    ),
    "numpy's errstate": (lambda: np.seterr(divide="raise"), np.geterr),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_left_changed_is_set_back_and_named(what: str) -> None:
    change, read = CHANGES[what]
    before = read()
    named = pytest.raises(PluginError, match=f"plugin 'rude': leaves {what}.* changed")
    with named, unchanged("rude"):
        change()
        assert read() != before
    assert read() == before
    with pytest.raises(KeyError), unchanged("rude"):
        change()
        raise KeyError
    assert read() == before


def test_what_is_changed_for_a_while_or_to_the_same_is_nobodys_concern() -> None:
    with unchanged("tidy"):
        with torch.autocast("cpu"), torch.no_grad(), np.errstate(all="ignore"):
            torch.zeros(2, 2) @ torch.zeros(2, 2)
        torch.set_float32_matmul_precision("highest")
        torch.manual_seed(1)


class Forgets(Metric):
    """Switches autocast on, and forgets it."""

    def score(self, probe: distbench.Probe) -> float:
        autocast()
        return 1.0


class Product(Metric):
    """A product that autocast would round."""

    def score(self, probe: distbench.Probe) -> float:
        features = torch.from_numpy(np.array(probe.features))
        return float((features @ features.T).sum())


def test_a_metric_that_forgets_autocast_fails_and_the_next_one_is_right() -> None:
    rng = np.random.default_rng(0)
    features = {name: rng.normal(size=(12, 4)).astype(np.float32) for name in "ab"}
    labels = np.arange(12) % 3
    alone = distbench.rank(metric=[Product()], features=features, labels=labels)
    both = distbench.rank(metric=[Forgets(), Product()], features=features, labels=labels)
    assert "leaves torch's autocast" in str(both.rankings[0].failed)
    assert both.rankings[1].scores == alone.rankings[0].scores
    with pytest.raises(PluginError, match="leaves torch's autocast"):
        distbench.score(Forgets(), features=features["a"], labels=labels)
    assert not torch.is_autocast_enabled("cpu")


RUDE = """
import torch
from distbench import Baseline, Phase, Stream

class Rude(Baseline):
    "Fine-tunes, and leaves autocast on."
    def phases(self, context):
        torch.autocast("cpu", dtype=torch.bfloat16).__enter__()
        def loss(student, batch):
            views = batch["x"].views["weak"]
            return torch.nn.functional.cross_entropy(student(views), batch["x"].labels)
        stream = Stream(context.labelled, 8, labels=context.labels)
        return [Phase(steps=context.protocol.steps, streams={"x": stream}, lr=0.01, loss=loss)]
"""


@pytest.mark.slow
def test_a_method_that_leaves_torch_changed_fails_and_the_next_one_is_right(
    tmp_path: Path, toy_options: dict[str, Any]
) -> None:
    (tmp_path / "rude.py").write_text(RUDE)
    options = {**toy_options, "task": "toy_task", "distiller": "none"}
    options["plugin"] = (*toy_options["plugin"], tmp_path / "rude.py")
    first, second = run(**options, baseline=("rude", "finetune")).rows
    assert first.status == "failed"
    assert "plugin 'rude': leaves torch's autocast" in str(first.reason)
    assert second.status == "done"
    assert not torch.is_autocast_enabled("cpu")
