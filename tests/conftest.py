from __future__ import annotations

import io
import os
import signal
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import numpy as np
    from fake_hub import FakeHub
    from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parent))  # for what tests of several folders share
os.environ.setdefault("OMP_NUM_THREADS", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's & started pytest so
    signal.signal(signal.SIGINT, signal.default_int_handler)

TOYS = Path(__file__).with_name("toys.py")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has a home and a working folder of its own, and no third-party plugins."""
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISTBENCH_PLUGINS", "")
    offline = ("DISTBENCH_OFFLINE", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
    for name in ("DISTBENCH_STRICT_PLUGINS", "DISTBENCH_STORE", *offline):
        monkeypatch.delenv(name, raising=False)  # what a command set before, too
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real images and weights, and others' results; what needs them skips where they are absent."""
    found = Path(__file__).resolve().parents[2] / "shared"
    if not found.is_dir():
        pytest.skip("needs the folder ../shared with real images and weights")
    return found


@pytest.fixture
def mini_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for all tests of this session, in which the sources of `mini` see a task once."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a folder of its own in the session's
        base = base.parent
    home = base / "home-of-mini"
    monkeypatch.setenv("DISTBENCH_HOME", str(home))
    return home


@pytest.fixture
def toy_options() -> dict[str, object]:
    """A run of a second: tiny tasks, a tiny zoo and student from `toys.py`."""
    return {
        "plugin": (TOYS,),
        "task": ("toy_task", "toy_task:hue=0.5"),
        "zoo": "toy_zoo",
        "student": "toy_student",
        "image_size": 16,
        "steps": 4,
        "batch": 8,
        "labelled": "3-per-class",
        "executor": "serial",
        "name": "toy",
        "save_student": False,
    }


def _deep_png(values: NDArray[np.int64], exif: bytes = b"") -> bytes:
    """A PNG of 16 bits: (h, w, c) with grey, grey and alpha, colours, or colours and alpha."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width, channels = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    more = chunk(b"eXIf", exif) if exif else b""
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + more + body + chunk(b"IEND", b"")


def _deep_tiff(values: NDArray[np.int64], order: str = "<", packed: bool = False) -> bytes:
    """A TIFF of 16 bits and three or four channels."""
    height, width, channels = values.shape
    data = values.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if packed else data
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    tags = 10 + (channels == 4)
    start = 8 + 2 + 12 * tags + 4
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, channels, start)]
    entries += [(259, 3, 1, 8 if packed else 1), (262, 3, 1, 2), (273, 4, 1, start + len(bits))]
    entries += [(277, 3, 1, channels), (278, 4, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1)]
    entries += [(338, 3, 1, 2)] if channels == 4 else []
    out = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, tags)
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        out += struct.pack(f"{order}HHI", tag, kind, count)
        out += struct.pack(f"{order}HH" if short else f"{order}I", value, *([0] if short else []))
    return out + struct.pack(f"{order}I", 0) + bits + data


@pytest.fixture(scope="session")
def deep_png() -> Callable[..., bytes]:
    """Writes a PNG with 16 bits a channel, of kinds that Pillow reads but does not write."""
    return _deep_png


@pytest.fixture(scope="session")
def deep_tiff() -> Callable[..., bytes]:
    """Writes a TIFF of the same."""
    return _deep_tiff


def _white_is_zero(values: NDArray[np.generic]) -> bytes:
    """A TIFF of grey whose smallest value is white: tag 262 holds 0 and not 1."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF")
    data = bytearray(file.getvalue())
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    (entry,) = (
        at
        for at in range(start + 2, start + 2 + 12 * count, 12)
        if struct.unpack_from("<H", data, at) == (262,)
    )
    struct.pack_into("<H", data, entry + 8, 0)
    return bytes(data)


def _bmp(rgba: NDArray[np.uint8]) -> bytes:
    """A BMP of four bytes a pixel (bit fields), the last of which is called alpha."""
    height, width, _ = rgba.shape
    size = rgba.size
    head = struct.pack("<2sIHHI", b"BM", 122 + size, 0, 0, 122)
    head += struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, size, 0, 0, 0, 0)
    head += struct.pack("<4I", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    return head + bytes(122 - len(head)) + rgba[::-1].tobytes()


@pytest.fixture(scope="session")
def white_is_zero() -> Callable[..., bytes]:
    """Writes a TIFF of grey that is a negative."""
    return _white_is_zero


@pytest.fixture(scope="session")
def bmp() -> Callable[..., bytes]:
    """Writes a BMP with alpha."""
    return _bmp


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub on this machine, to which the real client is led, with a token that may write."""
    from fake_hub import WRITER, FakeHub
    from huggingface_hub import constants

    served = FakeHub()
    monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
    template = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    patient = SimpleNamespace(sleep=lambda seconds: None, time=time.time)
    monkeypatch.setattr("huggingface_hub.utils._http.time", patient)
    monkeypatch.setattr("huggingface_hub.file_download.time", patient)
    yield served
    served.close()
