"""Data sets of the Hub and official archives, made by hand in their real formats, but tiny."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def picture(
    shade: int, size: tuple[int, int] = (8, 6), kind: str = "PNG", mark: object = None
) -> bytes:
    """An image of one grey; with a mark in it, it is no copy of another of the same grey."""
    buffer = io.BytesIO()
    text = PngInfo()
    text.add_text("mark", str(mark))
    more = {"comment": str(mark)} if kind == "JPEG" else {"pnginfo": text}
    image = Pillow.fromarray(np.full((size[1], size[0], 3), shade, np.uint8))
    image.save(buffer, kind, **({} if mark is None else more))
    return buffer.getvalue()


@pytest.fixture
def draw() -> Callable[..., bytes]:
    return picture


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def snapshot(hub_cache: Path) -> Callable[..., Path]:
    """Makes the folder of one commit of a data set, as the Hub's client does."""

    def make(repository: str, commit: str = COMMIT) -> Path:
        top = hub_cache / f"datasets--{repository.replace('/', '--')}"
        (top / "refs").mkdir(parents=True, exist_ok=True)
        (top / "refs" / "main").write_text(commit)
        folder = top / "snapshots" / commit
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    return make


@pytest.fixture
def write_split() -> Callable[..., None]:
    """Writes one split as parquet files with the metadata of the datasets library."""

    def write(
        folder: Path,
        split: str,
        columns: Mapping[str, Sequence[Any]],
        features: Any,
        shards: int = 1,
        rows_a_group: int = 3,
    ) -> None:
        import pyarrow.parquet as pq
        from datasets import Dataset

        table = Dataset.from_dict(dict(columns), features=features).data.table
        bounds = np.linspace(0, len(table), shards + 1).astype(int)
        folder.mkdir(parents=True, exist_ok=True)
        for i, (start, end) in enumerate(pairwise(bounds)):
            name = f"{split}-{i:05d}-of-{shards:05d}.parquet"
            pq.write_table(table.slice(start, end - start), folder / name, rows_a_group)

    return write


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is possible, not even asking for one."""

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError(f"the network was asked for: {arguments}")

    monkeypatch.setenv("DISTBENCH_OFFLINE", "1")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def isic(draw: Callable[..., bytes]) -> Callable[..., None]:
    """Writes folders of images and tables of diagnoses as ISIC gives them away."""

    def make(root: Path, counts: Mapping[str, Mapping[str, int]]) -> None:
        header = ["MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
        number = 24305
        for word, of in counts.items():
            lines = ["image," + ",".join(header)]
            for name in header:
                for _ in range(of.get(name, of.get("each", 0))):
                    number += 1
                    image = f"ISIC_{number:07d}"
                    lines.append(f"{image}," + ",".join(str(float(n == name)) for n in header))
                    folder = root / f"ISIC2018_Task3_{word}_Input"
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / f"{image}.jpg").write_bytes(draw(number % 256, kind="JPEG"))
                    (folder / "ATTRIBUTION.txt").touch()
            truth = f"ISIC2018_Task3_{word}_GroundTruth"
            (root / truth).mkdir()
            (root / truth / f"{truth}.csv").write_text("\n".join(lines) + "\n")

    return make


@pytest.fixture
def mirrored(
    snapshot: Callable[..., Path], write_split: Callable[..., None], draw: Callable[..., bytes]
) -> Callable[..., Path]:
    """Makes a mirror on the Hub: of every class some images in each split."""

    def made(
        repository: str,
        classes: Sequence[str],
        counts: dict[str, int],
        *,
        image: str = "image",
        text: bool = False,
        commit: str | None = None,
        paths: Callable[[str, str, int], str | None] = lambda split, name, i: None,
    ) -> Path:
        from datasets import ClassLabel, Features, Image, Value

        from distbench_builtin.tasks.paper import budgets, table
        from distbench_builtin.tasks.paper.mirrors import HubMirror

        mirror = next(
            m
            for entry in (*table.ENTRIES.values(), *(b.entry for b in budgets.BUDGETED.values()))
            for m in entry.mirrors
            if isinstance(m, HubMirror) and m.repository == repository
        )
        folder = snapshot(repository, commit or mirror.revision or "e" * 40)
        kind = Value("string") if text else ClassLabel(names=list(classes))
        features = Features({image: Image(), "label": kind})
        for split, count in counts.items():
            rows = [(number, i) for number in range(len(classes)) for i in range(count)]
            columns: dict[str, list[Any]] = {
                image: [
                    {
                        "bytes": draw(n % 256, mark=(split, n, i)),
                        "path": paths(split, classes[n], i),
                    }
                    for n, i in rows
                ],
                "label": [classes[n] if text else n for n, _ in rows],
            }
            write_split(folder / "data", split, columns, features, rows_a_group=50)
        return folder

    return made
