from __future__ import annotations

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
    assert caught.value.filename == "a/b"
    assert [path.name for path in Path("a").iterdir()] == ["b"]
