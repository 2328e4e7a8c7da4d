from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from distbench.cli import app

TOYS = Path(__file__).parents[1] / "toys.py"


def photographs(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for part, name in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")):
        folder = root / part / name
        folder.mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


def test_images_that_are_skipped_are_counted(tmp_path: Path) -> None:
    folder = photographs(tmp_path / "photographs")
    (folder / "train" / "a" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    arguments = ["rank", "--task", f"folder:path={folder}", "--zoo", "toy_zoo", "--metric", "knn"]
    done = CliRunner().invoke(app, [*arguments, "--plugin", str(TOYS), "--skip-corrupt"])
    assert done.exit_code == 0, done.output
    assert "1 images of the probe cannot be read and are skipped" in done.stderr
