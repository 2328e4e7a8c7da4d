"""What machines without a common folder share: put once, taken by all, and trusted by no name."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from distbench.errors import StoreError, UsageError
from distbench.planning.plan_copies import plan_here, share_plan
from distbench.plugins.shipped_files import plugin_here, share, ship
from distbench.plugins.source_code import plugin_file_digest
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.hashing import digest
from distbench.storage.network.shared import bucket as buckets
from distbench.storage.network.shared.packed import packed, unpacked
from distbench.storage.network.shared.store import SharedStore, shared_store

FILES = {"a.json": b"{}", "b/c.bin": b"\0" * 9000}
KEY = "ab12" * 16


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for a bucket, named as the shared store."""
    pytest.importorskip("obstore", reason="obstore is not installed")
    monkeypatch.setenv("DISTBENCH_STORE", f"file://{tmp_path / 'bucket'}")
    return tmp_path / "bucket"


def test_equal_files_give_equal_objects() -> None:
    data = packed(FILES)
    assert unpacked(data) == FILES
    assert packed(dict(reversed(FILES.items()))) == data
    with pytest.raises(ValueError, match="no name for a file"):
        packed({"../x": b""})


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as file:
        for member, data in members:
            member.size = len(data) if member.isreg() else 0
            file.addfile(member, io.BytesIO(data))
    return held.getvalue()


def named(name: str, data: bytes = b"x") -> bytes:
    """An object that lists its one file rightly, whatever its name."""
    as_it_should_be = packed({"y": data})
    with tarfile.open(fileobj=io.BytesIO(as_it_should_be)) as file:
        manifest = file.extractfile("manifest.json")
        assert manifest is not None
        text = manifest.read().replace(b'"y"', f'"{name}"'.encode())
    return tar((tarfile.TarInfo("manifest.json"), text), (tarfile.TarInfo(name), data))


def link() -> tarfile.TarInfo:
    member = tarfile.TarInfo("y")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    "data",
    [
        *(named(name) for name in ("../x", "/x", "a/../../x", "a//b", ".", "C:x", "manifest.json")),
        tar((tarfile.TarInfo("manifest.json"), b'{"y": "0"}'), (link(), b"")),
        tar((tarfile.TarInfo("y"), b"x")),  # nothing is listed
        packed(FILES).replace(b"{}", b"[]"),  # altered
        packed(FILES)[:6000],  # cut off
        packed(FILES)[:512],
        b"",
        b"<html>no such page</html>",
    ],
)
def test_what_is_not_as_it_was_put_is_no_object(data: bytes) -> None:
    with pytest.raises(ValueError):
        unpacked(data)


def test_a_sparse_member_does_not_fill_the_memory() -> None:
    """A header alone may claim terabytes of zeros."""
    member = tarfile.TarInfo("y")
    member.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,1",
        "GNU.sparse.size": str(2**44),
    }
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as file:
        member.size = 1
        file.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(ValueError, match="no ordinary file"):
        unpacked(held.getvalue())


@pytest.mark.parametrize(
    "address",
    ["bucket", "/mnt/x", "http://host/x", "s3://", "s3:///x", "file://host/x", "s3://b/../c"],
)
def test_an_address_of_no_store_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTBENCH_STORE", address)
    with pytest.raises(UsageError, match="is no address of a store; name one, such as s3://BUCKET"):
        shared_store()


def test_an_address_with_credentials_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for address in ("s3://AKIA:secret@bucket/x", "az://container/x?sig=secret"):
        monkeypatch.setenv("DISTBENCH_STORE", address)
        with pytest.raises(UsageError, match="leave credentials to the cloud's own var") as refused:
            shared_store()
        assert "secret" not in str(refused.value)


def test_what_is_missing_for_a_store_is_named(
    bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.write_text("a file")
    with pytest.raises(UsageError, match=r"DISTBENCH_STORE=file://\S+bucket cannot be used: "):
        shared_store()
    monkeypatch.setenv("DISTBENCH_STORE_PATIENCE", "soon")
    with pytest.raises(UsageError, match="DISTBENCH_STORE_PATIENCE=soon is no number of seconds"):
        shared_store()
    monkeypatch.setenv("DISTBENCH_STORE_PATIENCE", "7")
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(UsageError, match=r"pip install 'distbench\[objects\]'"):
        shared_store()


def opened() -> SharedStore:
    store = shared_store()
    assert store is not None
    return store


RACE = """
import sys, time
from distbench.storage.network.shared.store import shared_store
store, mine = shared_store(), sys.argv[1].encode()
print("ready", flush=True)
sys.stdin.readline()
for number in range(200):
    others = store.offer("rows", f"{number:064}", {"x": mine})
    assert others is None or others["x"] != mine
    print(int(others is None), flush=True)
"""


def test_of_two_processes_one_is_first(bucket: Path) -> None:
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        for name in ("a", "b")
    ]
    for process in racing:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    wins = [list(map(int, process.communicate(timeout=60)[0].split())) for process in racing]
    assert [process.returncode for process in racing] == [0, 0]
    assert [a + b for a, b in zip(*wins, strict=True)] == [1] * 200


def test_many_keys_cost_a_request_a_page_and_few_of_many_one_each() -> None:
    asked: list[str] = []

    class Counted:
        address = "s3://bucket"
        names = [f"rows/{n:064x}"[:7] + f"/{n:064x}.tar" for n in range(2500)]

        def pages(self, folder: str) -> Iterator[list[str]]:
            for start in range(0, len(self.names), 1000):
                asked.append("page")
                yield self.names[start : start + 1000]

        def has(self, name: str) -> bool:
            asked.append("one")
            return name in self.names

    store = SharedStore(Counted())  # type: ignore[arg-type]
    keys = [f"{n:064x}" for n in range(2000, 3000)]
    assert store.present("rows", keys) == set(keys[:500])
    assert asked == ["page"] * 3
    asked.clear()
    assert store.present("rows", keys[499:502]) == {keys[499]}
    assert asked == ["page", "one", "one", "one"]


def filled(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "x.txt").write_text(text) and None


def test_a_light_artifact_is_made_once_for_all_and_a_heavy_one_by_each(
    bucket: Path, tmp_path: Path
) -> None:
    one, two = (ArtifactCache(tmp_path / name) for name in ("one", "two"))
    for kind in ("scores", "images"):
        one.build(kind, KEY, filled("first"))
        two.build(kind, KEY, filled("second"))
    assert (two.folder("scores", KEY) / "x.txt").read_text() == "first"
    assert (two.folder("images", KEY) / "x.txt").read_text() == "second"
    assert [path.name for path in bucket.iterdir()] == ["artifacts"]
    third = ArtifactCache(tmp_path / "three")
    assert third.get("scores", KEY) == third.folder("scores", KEY)
    assert third.get("images", KEY) is None


@pytest.mark.parametrize(
    "object_there",
    [b"damaged", named("../../../../escaped")],
)
def test_an_altered_artifact_is_made_anew_and_mended_there(
    object_there: bytes, bucket: Path, tmp_path: Path
) -> None:
    ArtifactCache(tmp_path / "one").build("scores", KEY, filled("right"))
    (place,) = bucket.rglob("*.tar")
    place.write_bytes(object_there)
    two = ArtifactCache(tmp_path / "two")
    assert two.get("scores", KEY) is None
    two.build("scores", KEY, filled("made anew"))
    assert unpacked(place.read_bytes()) == {"x.txt": b"made anew"}
    assert not list(tmp_path.rglob("escaped"))


def test_what_was_made_while_no_store_was_there_is_put_there_later(
    bucket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ArtifactCache(tmp_path / "one")
    monkeypatch.setenv("DISTBENCH_STORE", "s3://bucket")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("DISTBENCH_STORE_PATIENCE", "0.1")
    with pytest.raises(StoreError, match="the store s3://bucket cannot be used") as told:
        cache.build("scores", KEY, filled("first"))
    assert "connection refused" in str(told.value)
    assert not any(word in str(told.value) for word in ("AKIAEXAMPLE", "secret", "\n"))
    monkeypatch.delenv("DISTBENCH_STORE")
    cache.build("scores", KEY, filled("first"))
    monkeypatch.setenv("DISTBENCH_STORE", f"file://{bucket}")
    cache.build("scores", KEY, filled("again"))
    (place,) = bucket.rglob("*.tar")
    assert unpacked(place.read_bytes()) == {"x.txt": b"first"}


def test_a_connection_that_breaks_within_an_answer_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that dies while it says that there is no such object says nothing of the kind."""
    pytest.importorskip("obstore", reason="obstore is not installed")
    asked: list[str] = []

    class Breaking(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            breaks = len(asked) == 1
            self.send_response(404 if breaks else 200)
            self.send_header("Content-Length", "5")
            self.send_header("Last-Modified", "Wed, 21 Oct 2026 07:28:00 GMT")
            self.end_headers()
            self.wfile.write(b"he" if breaks else b"hello")

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Breaking)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    monkeypatch.setattr(buckets, "_PAUSE", 0.01)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    try:
        assert buckets.Bucket("s3://bucket", patience=30).get("rows/x") == b"hello"
        assert asked == ["/bucket/rows/x"] * 2
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def test_plans_and_plugins_go_to_machines_that_lack_them(bucket: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    plugin = tmp_path / "mine" / "one.py"
    plugin.write_text("import two\n")
    (tmp_path / "mine" / "two.py").write_text("x = 1\n")
    files = {str(plugin): plugin_file_digest(plugin)}
    ship(files, tmp_path / "driver")
    share(files, tmp_path / "driver")
    plan = tmp_path / "driver" / "plans" / f"{digest('{}')}.json"
    plan.parent.mkdir()
    plan.write_text("{}")
    share_plan(plan)
    for gone in ("mine", "driver"):
        (tmp_path / gone).rename(tmp_path / f"{gone}-of-another-machine")
    assert plan_here(plan).read_text() == "{}"
    there = plugin_here(str(plugin), files[str(plugin)], tmp_path / "node")
    assert there.read_text() == "import two\n" and (there.parent / "two.py").is_file()
    # What has another digest than it is asked by is not taken.
    (place,) = bucket.glob("plans/*/*.tar")
    place.write_bytes(packed({"plan.json": b"[]"}))
    plan.unlink()
    assert not plan_here(plan).exists()
    (place,) = bucket.glob("plugins/*/*.tar")
    place.write_bytes(packed({"name": b"evil.py", "files/evil.py": b"import os\n"}))
    with pytest.raises(UsageError, match="was edited after the run was planned"):
        plugin_here(str(plugin), files[str(plugin)], tmp_path / "another")
