"""How long `rank` takes on a fresh folder of 300 small photographs with ten source models.

Everything is made anew each time: images are decoded, sources opened, the probe is embedded. The
sources are architectures of timm with random weights, which cost as much as trained ones.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES, PER_CLASS, SIDE, INPUT = 10, 30, 96, 160
SOURCES = (
    *("mobilenetv2_100", "mobilenetv2_050", "mobilenetv3_small_050", "mobilenetv3_small_100"),
    *("mobilenetv3_large_100", "efficientnet_lite0", "lcnet_050", "lcnet_100"),
    *("regnetx_002", "resnet10t"),
)


def photographs(root: Path) -> Path:
    """Blots, some of them of the class's grey, as JPEG."""
    rng = np.random.default_rng(0)
    for label in range(CLASSES):
        folder = root / f"class-{label}"
        folder.mkdir(parents=True)
        for number in range(PER_CLASS):
            blots = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            blots[label % 8] = 255 - 20 * label
            Image.fromarray(blots).resize((SIDE, SIDE)).save(folder / f"{number}.jpg")
    return root


def zoo(root: Path) -> Path:
    """The sources in a folder, as `local` reads them."""
    import timm
    from safetensors.torch import save_file

    root.mkdir()
    lines = ['name = "untrained"\nversion = 1\n']
    for name in SOURCES:
        save_file(
            timm.create_model(name, num_classes=100).state_dict(), root / f"{name}.safetensors"
        )
        lines.append(
            f'[[models]]\nname = "{name}"\nformat = "timm"\nfile = "{name}.safetensors"\n'
            f'architecture = "{name}"\nnum_classes = 100\ninput_size = {INPUT}\n'
            "mean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n"
        )
    (root / "zoo.toml").write_text("\n".join(lines), encoding="utf-8")
    return root


def test_ranking_a_fresh_folder(
    benchmark: Callable[..., Any], tmp_path: Path, monkeypatch: Any
) -> None:
    asked = [f"folder:path={photographs(tmp_path / 'photographs')}", "--zoo"]
    asked.append(f"local:path={zoo(tmp_path / 'zoo')}")
    command = [sys.executable, "-m", "distbench", "rank", "--task", *asked]
    homes = iter(range(10))

    def fresh() -> None:
        monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / f"home-{next(homes)}"))

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: subprocess.run(command, check=True, capture_output=True), setup=fresh, rounds=3
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    for name, spent in (
        ("user seconds", after.ru_utime - before.ru_utime),
        ("system seconds", after.ru_stime - before.ru_stime),
    ):
        benchmark.extra_info[name] = round(spent / 3, 2)  # type: ignore[attr-defined]
