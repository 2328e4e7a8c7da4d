"""The scripts of examples/ do what they say, with students of a few steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mini_home")]
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def output(script: str, *arguments: str) -> str:
    """What a script prints."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def accuracies(text: str) -> dict[str, float]:
    """Accuracy in percent by the method that stands on its line."""
    rows = [line.split() for line in text.splitlines() if " % " in f"{line} "]
    return {
        next(word for word in row if "/" in word or word == "finetune"): float(
            row[row.index("%") - 1]
        )
        for row in rows
    }


def test_a_metric() -> None:
    text = output("metric.py", "4")
    lines = dict(line.split(":") for line in text.splitlines() if ":" in line)
    assert float(lines["knows the classes"]) > 10 * float(lines["knows nothing"])
    assert lines["best source"].strip()
    assert {m.partition(":")[0] for m in accuracies(text)} == {
        "pseudo_labels/weighted/class_spread",
        "pseudo_labels/weighted/logme",
        "finetune",
    }


def test_a_distiller() -> None:
    methods = accuracies(output("distiller.py", "4"))
    assert "neighbour_votes/weighted/logme" in methods
    assert all(0 <= accuracy <= 100 for accuracy in methods.values())


def test_own_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(24):
            pixels = rng.integers(0, 90, (32, 32, 3), dtype=np.uint8)
            pixels[8:24, 8:24, channel] += 120
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    text = output("own_images.py", str(tmp_path / "images"), "--steps", "6")
    assert "finetune" in accuracies(text)
    shipped = Path(text.rsplit("to ship: ", 1)[1].strip())
    assert shipped.name == "model.safetensors"
    assert shipped.with_name("load.py").is_file()


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_every_example_is_tried_and_short(script: Path) -> None:
    assert script.name in Path(__file__).read_text(encoding="utf-8")
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 100
