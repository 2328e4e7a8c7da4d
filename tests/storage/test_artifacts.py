from __future__ import annotations

import os
from pathlib import Path

import pytest

from distbench.storage.artifact_cache import verification
from distbench.storage.artifact_cache.artifacts import ArtifactCache, seconds_of
from distbench.storage.verified import verify_data


def fill(text: str):  # type: ignore[no-untyped-def]
    def make(folder: Path) -> None:
        calls.append(text)
        (folder / "x.bin").write_text(text * 5000)

    return make


calls: list[str] = []


@pytest.fixture
def cache(tmp_path: Path) -> ArtifactCache:
    calls.clear()
    return ArtifactCache(tmp_path / "artifacts")


def test_it_is_made_once(cache: ArtifactCache) -> None:
    first = cache.build("kind", "ab12", fill("one"))
    assert cache.build("kind", "ab12", fill("two")) == first
    assert calls == ["one"]
    assert cache.get("kind", "cd34") is None


@pytest.mark.parametrize("damage", ["cut", "head", "tail", "gone", "manifest"])
def test_damage_is_found_and_mended(cache: ArtifactCache, damage: str) -> None:
    folder = cache.build("kind", "ab12", fill("one"))
    path = folder / "x.bin"
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[:100])
    elif damage == "head":
        path.write_bytes(b"?" + whole[1:])
    elif damage == "tail":
        path.write_bytes(whole[:-1] + b"?")
    elif damage == "gone":
        path.unlink()
    else:
        (folder / "manifest.json").write_text("{")
    assert cache.get("kind", "ab12") is None
    assert (cache.build("kind", "ab12", fill("one")) / "x.bin").read_bytes() == whole


def test_a_copy_is_checked_once_and_taken(cache: ArtifactCache) -> None:
    path = cache.build("kind", "ab12", fill("one")) / "x.bin"
    os.utime(path, (1, 1))
    assert cache.get("kind", "ab12") is not None
    assert cache.get("kind", "ab12") is not None


def test_a_failure_leaves_nothing(cache: ArtifactCache) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        cache.build("kind", "ab12", fail)
    assert cache.get("kind", "ab12") is None
    assert not list(cache.root.rglob("half"))


def test_how_long_it_took_is_known_and_no_part_of_it(cache: ArtifactCache) -> None:
    folder = cache.build("kind", "ab12", fill("one"))
    took = seconds_of(folder)
    assert took is not None and 0 <= took < 60
    (folder / "timed.json").unlink()
    assert seconds_of(folder) is None
    assert cache.get("kind", "ab12") == folder


def test_other_bytes_under_the_same_size_and_times_are_found(cache: ArtifactCache) -> None:
    path = cache.build("kind", "ab12", fill("one")) / "x.bin"
    os.utime(path, (1, 1))
    assert cache.get("kind", "ab12") is not None
    with path.open("r+b") as file:
        file.seek(10_000)
        file.write(b"?")
    os.utime(path, (1, 1))
    assert cache.get("kind", "ab12") is None


def test_whole_files_are_read_again_to_verify(
    cache: ArtifactCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTBENCH_VERIFY_DATA", "")
    cache.build("kind", "ab12", fill("one"))
    read: list[Path] = []
    digest = verification.file_digest
    monkeypatch.setattr(verification, "file_digest", lambda path: read.append(path) or digest(path))
    cache.get("kind", "ab12")
    assert read == []
    verify_data()
    cache.get("kind", "ab12")
    cache.get("kind", "ab12")
    assert [path.name for path in read] == ["x.bin"]


def test_what_is_unfinished_is_of_one_kind(cache: ArtifactCache) -> None:
    with pytest.raises(RuntimeError), cache.resumable("one", "ab12") as first:
        assert first is not None
        (first.unfinished / "half").write_text("half")
        raise RuntimeError
    with cache.resumable("other", "ab12") as second:
        assert second is not None
        assert list(second.unfinished.glob("half")) == []
    with cache.resumable("one", "ab12") as again:
        assert again is not None, "the other kind is whole, this one is not"
        assert (again.unfinished / "half").read_text() == "half"
