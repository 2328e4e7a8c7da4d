"""A run whose images are kept as JPEG: other keys, a smaller store, nearly the same pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distbench import rank, run
from distbench.interfaces.suite import Protocol
from distbench.planning.keys import images_key
from distbench.storage.home import home


def test_pixels_have_the_key_that_they_always_had() -> None:
    now = images_key("f", {}, Protocol(), False)
    assert now == images_key("f", {}, Protocol(store="pixels"), False)
    assert now != images_key("f", {}, Protocol(store="jpeg"), False)
    assert "store" not in Protocol().model_dump()


@pytest.mark.slow
def test_every_stage_reads_them(tmp_path: Path) -> None:
    rows = {}
    for store, workers in (("pixels", 1), ("jpeg", 1), ("jpeg", 2)):
        result = run(
            task="mini-cub",
            distiller="pseudo_labels",
            baseline="finetune",
            steps=3,
            store=store,
            executor="serial" if workers == 1 else "local",
            name=f"{store}-{workers}",
        )
        assert result.exit_code == 0
        rows[store] = [row.result for row in result.rows]
    again = run(task="mini-cub", baseline="finetune", distiller="none", steps=3, store="jpeg")
    assert again.computed == 0, "what was kept is taken"
    folders = [*(home() / "artifacts" / "images").glob("*/*/facts.json")]
    sizes = [sum(f.stat().st_size for f in facts.parent.glob("train.*")) for facts in folders]
    assert len(sizes) == 2
    assert min(sizes) < 0.6 * max(sizes), "even of images of 32 pixels"
    scores = {
        store: rank(task="mini-cub", metric="logme", store=store).scores
        for store in ("pixels", "jpeg")
    }
    one, other = (np.array([*found.values()]) for found in scores.values())
    assert scores["pixels"].keys() == scores["jpeg"].keys()
    assert (one != other).any()
    assert np.corrcoef(one, other)[0, 1] > 0.95
