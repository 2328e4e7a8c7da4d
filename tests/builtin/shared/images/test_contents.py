"""Whether images of pools are equal byte for byte, wherever they lie, with little reading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from distbench import DataError
from distbench_builtin.shared.images import contents as module
from distbench_builtin.shared.images.contents import (
    Contents,
    array_contents,
    dealt,
    file_contents,
    joined_contents,
    known_contents,
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))


def files(root: Path, contents: dict[str, bytes]) -> Contents:
    root.mkdir()
    for name, data in contents.items():
        (root / name).write_bytes(data)
    return file_contents(root, list(contents))


def test_only_files_of_one_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = files(tmp_path / "a", {"1": b"x", "2": b"yy", "3": b"zzz"})
    test = files(tmp_path / "b", {"4": b"yy", "5": b"uu", "6": b"wwww"})
    read: list[str] = []
    real = module.digests_below

    def digests(root: Path, names: Sequence[str]) -> list[str]:
        read.extend(names)
        return real(root, names)

    monkeypatch.setattr(module, "digests_below", digests)
    known = known_contents({"train": train, "test": test}, {"train": 3, "test": 3})
    assert sorted(read) == ["2", "4", "5"]
    assert known["train"][1] == known["test"][0]
    assert len({*known["train"], *known["test"]}) == 5


def test_contents_of_which_nothing_is_known_are_different() -> None:
    known = known_contents({"train": None, "test": None}, {"train": 2, "test": 1})
    assert len({*known["train"], *known["test"]}) == 3


def test_arrays_and_pools_that_were_joined() -> None:
    pixels = np.array([[1, 2], [3, 4], [1, 2]], np.uint8)
    both = joined_contents([array_contents(pixels), array_contents(pixels[1:])], [3, 2])
    assert both is not None
    digests = both.digests([4, 0, 3, 1])
    assert digests[0] == digests[1] and digests[2] == digests[3] and digests[0] != digests[2]
    assert both.take([4, 1]).digests([1, 0]) == both.digests([1, 4])
    assert both.sizes([0, 4]) == [0, 0]
    assert joined_contents([both, None], [5, 1]) is None


@pytest.mark.parametrize("seed", range(5))
def test_each_pool_is_asked_for_its_own(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 6, 4).tolist()
    values = [[f"{which}-{i}" for i in range(length)] for which, length in enumerate(lengths)]
    whole = [value for own in values for value in own]
    positions = rng.integers(0, len(whole), 20).tolist()
    answers = dealt(lengths, positions, lambda which, own: [values[which][i] for i in own])
    assert answers == [whole[i] for i in positions]


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    train = files(tmp_path / "a", {"1": b"x", "2": b"y"})
    (tmp_path / "a/2").unlink()
    with pytest.raises(DataError, match=r"cannot read .*2: No such file"):
        known_contents({"train": train}, {"train": 2})
