"""The names of a run's images: which was in which part, for each seed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import distbench


def test_every_image_has_its_part(toy_options: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "蜘蛛"
    for part, count in (("train", 6), ("val", 1), ("test", 2)):
        for label in ("a", "=b"):
            (folder / part / label).mkdir(parents=True)
            for number in range(count):
                draw = np.random.default_rng([ord(label[-1]), ord(part[1]), number])
                pixels = draw.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / label / f"{number}.png")
    (folder / "train" / "a" / "1.png").write_bytes(b"broken")
    made = distbench.run(
        **{
            **toy_options,
            "task": (f"folder:path={folder}",),
            "distiller": "none",
            "baseline": "finetune",
            "seeds": 2,
            "labelled": "2-per-class",
            "skip_corrupt": True,
        }
    )
    with (made.folder / "images.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (6 + 1 + 2)
    assert {row["task"] for row in rows} == {made.plan.tasks[0].id}
    parts = {row["image"]: (row["seed_0"], row["seed_1"]) for row in rows}
    assert parts["train/a/1.png"] == ("left out", "left out")
    assert parts["val/a/0.png"] == ("validation", "validation")
    assert parts["test/=b/1.png"] == ("test", "test")
    for seed in ("seed_0", "seed_1"):
        found = [row[seed] for row in rows]
        assert (found.count("labelled"), found.count("unlabelled")) == (4, 7)
    assert {row["label"] for row in rows} == {"a", "'=b"}  # no formula of a spreadsheet
