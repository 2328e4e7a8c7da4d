"""Folders to write to are looked at before any work, and told by the option that named them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import UsageError
from distbench.storage.folders import check_file, check_folder
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
    for name in ("file", "file/deep/er"):
        monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / name))
        with pytest.raises(UsageError, match=rf"^DISTBENCH_HOME=\S+{name}: \S+file is no folder;"):
            home()


def test_a_file_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check_file(tmp_path / "file", "--output")
    check_file(tmp_path / "new" / "file", "--output")
    with pytest.raises(UsageError, match=r"^--output \S+ is no ordinary file; name one"):
        check_file(tmp_path, "--output")
    with pytest.raises(UsageError, match=r"^--output \S+/file/x: \S+/file is no folder; name anot"):
        check_file(tmp_path / "file" / "x", "--output")


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("plan", "nowhere.toml"), "."),
        (("tune",), "."),
        (("merge", "nowhere"), "file"),
        (("retrieve", "--task=a", "--gallery=b", "--encoder=c", "--budget=9"), "file/x"),
    ],
)
def test_commands_look_before_they_work(arguments: tuple[str, ...], place: str) -> None:
    Path("file").write_text("")
    done = CliRunner().invoke(app, [*arguments, "--output", place])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"distbench: --output {place}")
