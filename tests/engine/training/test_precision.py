"""How precisely is computed: what is set for a unit, and what it means where there is no GPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

import distbench
from distbench.engine.training.precision import effective, float32_products, mixed_precision


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    backends = torch.backends
    before = (
        backends.cuda.matmul.allow_tf32,
        backends.cudnn.allow_tf32,
        backends.cudnn.deterministic,
        backends.cudnn.benchmark,
    )
    yield
    (
        backends.cuda.matmul.allow_tf32,
        backends.cudnn.allow_tf32,
        backends.cudnn.deterministic,
        backends.cudnn.benchmark,
    ) = before


def test_products_are_rounded_where_that_is_asked_for_alone() -> None:
    for precision, rounded in (("tf32", True), ("fp32", False), ("tf32", True), ("bf16", False)):
        float32_products(precision)
        assert torch.backends.cuda.matmul.allow_tf32 is rounded
        assert torch.backends.cudnn.allow_tf32 is rounded


def test_on_a_cpu_all_are_float32() -> None:
    cpu = torch.device("cpu")
    for precision in ("fp32", "tf32", "bf16", "fp16"):
        assert effective(cpu, precision) == "fp32"
        with mixed_precision(cpu, precision):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert effective(torch.device("cuda"), "tf32") == "tf32"


def test_a_protocol_says_it_and_rows_on_a_cpu_are_the_same(toy_options: dict[str, Any]) -> None:
    options = {**toy_options, "task": "toy_task", "distiller": "none", "baseline": "finetune"}
    (plain,) = distbench.run(**options).rows
    assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (True, False)
    (fast,) = distbench.run(**options, precision="tf32", deterministic=False).rows
    assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (False, True)
    assert torch.backends.cuda.matmul.allow_tf32
    assert "deterministic" not in plain.protocol
    assert (fast.protocol["deterministic"], fast.protocol["precision"]) == (False, "tf32")
    assert fast.key != plain.key
    assert fast.result == plain.result and fast.result is not None
    assert plain.cost is not None and plain.cost.data_seconds is not None
    assert 0 < plain.cost.data_seconds < plain.cost.train_seconds
