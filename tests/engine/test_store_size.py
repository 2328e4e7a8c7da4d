"""Networks that take larger images than a protocol stores get larger ones, not blown-up ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench import rank, run
from distbench.engine.method_runner import Trainer
from distbench.engine.workspace import Workspace
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan

PLUGIN = """
from distbench import Source, SourceInfo, Zoo

class Fine(Source):
    def __init__(self, side):
        self.info = SourceInfo(
            name=f"fine-{side}", architecture="fine", num_classes=2, feature_dim=2,
            input_size=side, mean=(0, 0, 0), std=(1, 1, 1), fingerprint="fine",
        )
    def verify(self): pass
    def open(self, device):
        import torch
        def forward(x):
            across = (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3))
            features = torch.stack([across, x.mean((1, 2, 3))], 1)
            return features, features * 9
        return forward

class FineZoo(Zoo):
    "Sees how much neighbouring pixels differ."
    sides: tuple[int, ...] = (48,)
    def sources(self): return [Fine(side) for side in self.sides]
"""

SUITE = """
name = "fine"
version = 1
student = "mini"
[protocol]
store_size = 16
image_size = {image_size}
steps = 2
batch = 4
[[tasks]]
id = "fine"
use = "folder:path=images"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes that differ in a texture of single pixels, 48 pixels wide."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :48]
    board = ((rows + columns) % 2 * 60 - 30)[..., None]
    for part, count in (("train", 12), ("test", 6)):
        for name in ("fine", "plain"):
            for i in range(count):
                pixels = rng.normal(120, 5, (48, 48, 3)) + rng.uniform(-20, 20)
                pixels += board if name == "fine" else 0
                file = tmp_path / "images" / part / name / f"{i}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file)
    (tmp_path / "fine_zoo.py").write_text(PLUGIN)
    for size in (16, 48, 64):
        (tmp_path / f"suite{size}.toml").write_text(SUITE.format(image_size=size))
    return tmp_path


def options(folder: Path, size: int, sides: str = "48") -> dict[str, object]:
    return {
        "suite": str(folder / f"suite{size}.toml"),
        "task": "fine",
        "zoo": f"fine_zoo:sides={sides}",
        "plugin": (folder / "fine_zoo.py",),
    }


def test_a_source_above_the_stored_size_sees_the_pixels(folder: Path) -> None:
    sharp = rank(metric="linear_probe", **options(folder, 16))
    blurred = rank(metric="linear_probe", **options(folder, 16, "16"))
    assert sharp.scores["fine-48"] == 100
    assert blurred.scores["fine-16"] < 90


@pytest.mark.slow
def test_each_network_is_given_the_size_that_it_takes(folder: Path) -> None:
    config = RunConfig.make(**options(folder, 16, "16+48+96"), baseline="none")
    work = Workspace(make_plan(config))
    (task,) = work.plan.tasks
    sizes = {side: work.images(task, side).train.shape[1:3] for side in (8, 16, 40, 96)}
    # Never above the originals, which have 48 pixels.
    assert sizes == {8: (16, 16), 16: (16, 16), 40: (40, 40), 96: (48, 48)}
    keys = {name: work._embedding_key(task, name) for name in ("fine-16", "fine-48", "fine-96")}
    assert len(set(keys.values())) == 3
    trainer = Trainer(work, task, 0)
    assert trainer.setting.images.shape[1] == 16
    assert trainer._setting_at(48, 1.0).images.shape[1] == 48


@pytest.mark.slow
@pytest.mark.parametrize("size", [16, 48, 64])
def test_a_student_above_the_stored_size_is_trained_and_judged_on_the_pixels(
    folder: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[int] = set()

    from distbench.engine import cell as module

    evaluate = module.evaluate

    def spy(model, images, labels, setting):  # type: ignore[no-untyped-def]
        seen.update((images.shape[1], setting.images.shape[1]))
        return evaluate(model, images, labels, setting)

    monkeypatch.setattr(module, "evaluate", spy)
    given = {k: v for k, v in options(folder, size).items() if k != "zoo"}
    result = run(distiller="none", baseline="finetune", executor="serial", **given)
    assert [row.status for row in result.rows] == ["done"]
    assert seen == {min(size, 48)}
