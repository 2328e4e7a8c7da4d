from __future__ import annotations

import os
from pathlib import Path

import pytest

from distbench import write_atomic


def test_a_file_is_whole_or_not_there() -> None:
    write_atomic(Path("a/b"), "first")
    write_atomic(Path("a/b"), b"second")
    assert Path("a/b").read_text() == "second"
    assert [path.name for path in Path("a").iterdir()] == ["b"]


def test_a_folder_in_its_place_is_named() -> None:
    Path("a/b").mkdir(parents=True)
    with pytest.raises(IsADirectoryError, match="a folder lies where a file belongs") as caught:
        write_atomic(Path("a/b"), "text")
    assert caught.value.filename == str(Path("a/b").absolute())
    assert [path.name for path in Path("a").iterdir()] == ["b"]


def test_a_link_stays_and_what_it_leads_to_is_written() -> None:
    Path("link").symlink_to("target")
    write_atomic(Path("link"), "text")
    assert Path("link").is_symlink()
    assert Path("target").read_text() == "text"


def test_a_pipe_is_not_replaced() -> None:
    os.mkfifo("pipe")
    with pytest.raises(FileExistsError, match="a pipe or a device lies there"):
        write_atomic(Path("pipe"), "text")
    assert Path("pipe").is_fifo()


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    old, new, other = (
        tmp_path / name for name in (".tmp-row.json-old", ".tmp-row.json-new", ".tmp-else-old")
    )
    for draft in (old, new, other):
        draft.touch()
    for draft in (old, other):
        os.utime(draft, (0, 0))
    write_atomic(tmp_path / "row.json", "{}")
    assert not old.exists(), "nobody writes to it any more"
    assert new.exists() and other.exists(), "somebody may, and another file's is not ours"
    write_atomic(tmp_path / ("x" * 250), "a name as long as may be")
