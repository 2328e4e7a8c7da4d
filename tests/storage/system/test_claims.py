"""Who works in a folder, where locks of files are not heard of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from distbench.storage import verified
from distbench.storage.artifact_cache import artifacts, verification
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.system import claims

FAR = {"place": "another machine", "pid": 1}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT", 0.05)
    monkeypatch.setattr(claims, "_touching", claims._Touching())
    monkeypatch.setattr(claims, "LEFT", 0.5)
    monkeypatch.setattr(artifacts, "_LOOK", 0.05)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on file systems whose locks are known to one machine, or that have none."""

    class Nothing:
        def __init__(self, path: Path) -> None:
            pass

        def acquire(self, timeout: float) -> Nothing:
            return self

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(artifacts, "FileLock", Nothing)


def test_a_folder_is_claimed_by_one(tmp_path: Path) -> None:
    with claims.claimed(tmp_path / "a") as first:
        assert first and claims.alive(tmp_path / "a")
        with claims.claimed(tmp_path / "a") as second:
            assert not second
        assert claims.alive(tmp_path / "a")
    assert not claims.alive(tmp_path / "a")
    assert list((tmp_path / "a").iterdir()) == []


def test_the_claim_of_a_process_that_is_gone_is_taken_over_at_once(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from distbench.storage.system import claims\n"
        "own = claims.claimed(Path(sys.argv[1]))\nown.__enter__()\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert (tmp_path / claims.NAME).exists()
    assert not claims.alive(tmp_path)
    with claims.claimed(tmp_path) as ours:
        assert ours


@pytest.mark.usefixtures("quick")
def test_the_claim_of_another_machine_counts_while_it_is_touched(tmp_path: Path) -> None:
    file = tmp_path / claims.NAME
    file.write_text(json.dumps(FAR))
    os.utime(file, (1e9, 1e9))  # by a clock that is 25 years late: the file system's is asked
    assert not claims.alive(tmp_path)
    os.utime(file)
    assert claims.alive(tmp_path)
    with claims.claimed(tmp_path) as ours:
        assert not ours
    time.sleep(0.6)
    with claims.claimed(tmp_path) as ours:
        assert ours
        before = claims.touched(tmp_path)
        time.sleep(0.3)
        assert claims.touched(tmp_path) != before


def test_a_claim_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / claims.NAME).write_text("{")
    assert not claims.alive(tmp_path)


def test_one_thread_touches_for_all_and_ends(tmp_path: Path, quick: None) -> None:
    with claims.claimed(tmp_path / "a"):
        thread = claims._touching._thread
        with claims.claimed(tmp_path / "b"):
            assert claims._touching._thread is thread
    assert thread is not None
    thread.join(timeout=20)
    assert not thread.is_alive()
    with claims.claimed(tmp_path / "c"):
        assert claims._touching._thread not in (None, thread)


@pytest.mark.usefixtures("quick", "no_locks")
def test_two_who_do_not_hear_of_each_other_both_end_well(tmp_path: Path) -> None:
    """Nobody deletes another's draft; the first that is ready stays, the other is thrown away."""
    cache, both = ArtifactCache(tmp_path), threading.Barrier(2)
    ended: list[str] = []

    def make(folder: Path) -> None:
        (folder / "x.bin").write_bytes(b"x" * 5000)
        both.wait(timeout=20)

    def build() -> None:
        ended.append(str(cache.build("kind", "ab12", make)))

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert ended == [str(cache.folder("kind", "ab12"))] * 2
    assert cache.get("kind", "ab12") is not None
    assert not list(cache.root.rglob(".tmp-*"))


@pytest.mark.usefixtures("quick", "no_locks")
def test_unfinished_work_is_gone_on_with_by_one_at_a_time(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path)
    with pytest.raises(RuntimeError), cache.resumable("kind", "ab12") as first:
        assert first is not None
        (first.unfinished / "half").write_text("half")
        with pytest.raises(RuntimeError), cache.resumable("kind", "ab12") as other:
            assert other is not None
            assert other.unfinished != first.unfinished
            raise RuntimeError
        assert not other.unfinished.exists()
        raise RuntimeError
    with cache.resumable("kind", "ab12") as again:
        assert again is not None
        assert (again.unfinished / "half").read_text() == "half"
        (again.draft / "x").write_text("whole")
    assert not cache.unfinished("kind", "ab12").exists()
    assert cache.get("kind", "ab12") is not None


@pytest.mark.usefixtures("quick")
def test_waiting_ends_when_the_holder_shows_no_life(tmp_path: Path) -> None:
    """And not by the clock: what is touched is waited for, however long it takes."""
    cache = ArtifactCache(tmp_path)
    folder = cache.folder("kind", "ab12")
    folder.parent.mkdir(parents=True)
    held = artifacts.FileLock(folder.parent / ".ab12.lock")
    draft = folder.parent / ".tmp-ab12-far"
    draft.mkdir()
    (draft / claims.NAME).write_text(json.dumps(FAR))
    ended: list[float] = []

    def build() -> None:
        cache.build("kind", "ab12", lambda folder: (folder / "x").touch())
        ended.append(time.monotonic())

    with held.acquire():
        thread = threading.Thread(target=build)
        thread.start()
        for _ in range(8):  # twice as long as a claim without a touch counts
            time.sleep(0.15)
            os.utime(draft / claims.NAME)
        last = time.monotonic()
        assert not ended
        thread.join(timeout=20)
        assert ended and ended[0] - last > 0.4
    assert cache.get("kind", "ab12") is not None


@pytest.mark.usefixtures("quick")
def test_drafts_of_those_who_are_gone_are_cleared_away(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path)
    parent = cache.folder("kind", "ab12").parent
    for name, touch in (("near", time.time()), ("far", 1e9)):
        draft = parent / f".tmp-ab12-{name}"
        draft.mkdir(parents=True)
        (draft / claims.NAME).write_text(json.dumps(FAR))
        os.utime(draft / claims.NAME, (touch, touch))
    cache.build("kind", "ab12", lambda folder: (folder / "x").touch())
    assert [path.name for path in parent.glob(".tmp-*")] == [".tmp-ab12-near"]


@pytest.fixture
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DISTBENCH_SCRATCH", str(tmp_path / "node"))
    yield tmp_path / "node" / "artifacts"


def test_what_is_large_lies_on_the_node(tmp_path: Path, own_scratch: Path) -> None:
    cache = ArtifactCache(tmp_path / "store")
    for kind, place in (("images", own_scratch), ("scores", tmp_path / "store")):
        folder = cache.build(kind, "ab12", lambda folder: (folder / "x").touch())
        assert folder.is_relative_to(place)
    assert cache.unfinished("images", "ab12").is_relative_to(own_scratch)


def test_each_mount_remembers_what_it_has_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inodes and times differ between machines: one must not have the other read all again."""
    cache = ArtifactCache(tmp_path)
    folder = cache.build("images", "ab12", lambda folder: (folder / "x").write_text("x" * 9000))
    read: list[str] = []
    digest = verification.file_digest
    monkeypatch.setattr(verification, "file_digest", lambda p: read.append(p.name) or digest(p))
    stamp = verification.stamp
    for node in ("b", "a", "b", "a", "b"):
        monkeypatch.setattr(verified.platform, "node", lambda node=node: node)
        shift = 1 if node == "b" else 0
        monkeypatch.setattr(
            verification, "stamp", lambda path, n=shift: [*stamp(path)[:3], stamp(path)[3] + n]
        )
        assert cache.get("images", "ab12") == folder
    assert len(read) == 2  # once each
