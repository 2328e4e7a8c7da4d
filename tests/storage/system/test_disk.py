"""A disk that is full or forbids: which file or folder it was is always said."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.atomic import write_atomic
from distbench.storage.system import disk
from distbench.storage.system.disk import disk_trouble, is_of_disk, naming_file

FULL = (errno.ENOSPC, "No space left on device")


def test_errors_of_disks_are_told_from_those_of_networks() -> None:
    for error in (OSError(*FULL), PermissionError(13, "no", "x"), FileNotFoundError(2, "no", "x")):
        assert is_of_disk(error)
    away = HTTPError("http://x", 404, "Not Found", None, None)
    for error in (URLError("x"), TimeoutError(), ConnectionResetError(104, "reset"), away):
        assert not is_of_disk(error)
    away.close()


def test_a_file_that_is_named_is_said() -> None:
    assert disk_trouble(OSError(*FULL, "/a/b")) == "No space left on device (/a/b)"
    assert disk_trouble(OSError("odd")) == "odd"


def test_what_lies_in_the_home_can_lie_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path))
    assert disk_trouble(PermissionError(13, "Permission denied", str(tmp_path / "cells"))) == (
        f"Permission denied ({tmp_path / 'cells'}); that is $DISTBENCH_HOME, another folder can be "
        "named by it"
    )


def test_without_a_name_the_folders_without_room_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    full = {tmp_path / "tmp"}
    monkeypatch.setattr(disk, "_free", lambda folder: 10 if folder in full else 10**9)
    assert disk_trouble(OSError(*FULL)) == (
        f"No space left on device ({tmp_path / 'tmp'}, the folder for temporary files; name "
        "another with TMPDIR)"
    )
    full.add(tmp_path / "home")
    assert f"({tmp_path / 'home'}, $DISTBENCH_HOME; " in disk_trouble(OSError(*FULL))
    assert disk_trouble(OSError(errno.EIO, "Input/output error")) == "Input/output error"
    full.clear()
    assert disk_trouble(OSError(*FULL)) == "No space left on device"


def test_what_is_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(*FULL)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        write_atomic(tmp_path / "deep" / "file", "text")
    assert error.value.filename == str(tmp_path / "deep" / "file")
    assert list((tmp_path / "deep").iterdir()) == []


def test_an_artifact_that_finds_no_room_is_named(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        with Path("/dev/full").open("wb") as file:
            file.write(b"x")
            file.flush()

    with pytest.raises(OSError, match="No space") as error:
        ArtifactCache(tmp_path).build("images", "k" * 64, make)
    assert str(error.value.filename).startswith(str(tmp_path / "images"))


def test_names_that_are_given_stay() -> None:
    with pytest.raises(OSError, match="b") as error, naming_file(Path("/a")):
        raise OSError(*FULL, "/b")
    assert error.value.filename == "/b"
    with pytest.raises(TimeoutError), naming_file(Path("/a")):
        raise TimeoutError
