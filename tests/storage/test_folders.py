"""Folders to write to are looked at before any work, and told by the option that named them."""

from __future__ import annotations

from pathlib import Path

import pytest

from distbench.errors import UsageError
from distbench.storage.folders import check_folder
from distbench.storage.home import home


def test_a_folder_that_takes_files_or_can_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    check_folder(folder, "--output")
    check_folder(folder / "a" / "b", "--output")
    assert not [*folder.iterdir()]


def test_what_lies_there_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("file", "file/x", "dangling"):
        with pytest.raises(UsageError, match=rf"^--output \S+/{name}: .* is no folder; name anoth"):
            check_folder(tmp_path / name, "--output")


@pytest.mark.skipif(not Path("/proc/1").is_dir(), reason="needs /proc")
def test_what_cannot_be_written_to() -> None:
    with pytest.raises(UsageError, match=r"^--output /proc/1/x: nothing can be written there \("):
        check_folder(Path("/proc/1/x"), "--output")


def test_the_home_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"^DISTBENCH_HOME=\S+ is no folder; name one"):
        home()
