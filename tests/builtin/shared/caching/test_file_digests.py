"""A file is read again when its bytes may have changed, and not otherwise."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from distbench.storage.verified import verify_data
from distbench_builtin.shared.caching import file_digests as module
from distbench_builtin.shared.caching.file_digests import file_digest, file_digests


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that its digest is remembered of."""
    monkeypatch.setattr(module, "_SETTLED", 0)
    monkeypatch.setattr(module, "_known", {})
    monkeypatch.setenv("DISTBENCH_VERIFY_DATA", "")
    path = tmp_path / "weights.bin"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    time.sleep(0.02)  # the clock of the file system is coarse
    file_digest(path)
    return path


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def in_place(path: Path) -> None:
    path.write_bytes(b"two")


def copied_over(path: Path) -> None:
    other = path.with_name("other.bin")
    other.write_bytes(b"two")
    os.utime(other, (1, 1))
    shutil.copy2(other, path)


def removed_and_written(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"two")


@pytest.mark.parametrize("change", [in_place, copied_over, removed_and_written])
def test_the_same_size_and_time_do_not_hide_other_bytes(
    file: Path, change: Callable[[Path], None]
) -> None:
    """As of an archive with fixed times, unpacked over an older one."""
    change(file)
    os.utime(file, (1, 1))
    assert file_digest(file) == sha(file)
    module._known.clear()
    assert file_digests(file.parent, [file]) == [sha(file)]


def test_what_did_not_change_is_read_again_only_to_verify(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    digest = module._settled_digest
    monkeypatch.setattr(module, "_settled_digest", lambda f: read.append(f) or digest(f))
    for remembered in (True, False):
        if not remembered:
            module._known.clear()
        file_digest(file)
    assert read == []
    verify_data()
    file_digest(file)
    file_digest(file)
    module._known.clear()
    file_digests(file.parent, [file])
    assert read == [str(file)]
