"""Fetching from servers that cut, lie, send elsewhere, are slow or silent; and being killed."""

from __future__ import annotations

import hashlib
import http.server
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from distbench import DataError, HubFiles, UrlFile
from distbench.errors import MachineError
from distbench.storage.network import http_transfer
from distbench.workflows.fetch import Need, fetch, needs_of

CONTENT = bytes(range(256)) * 40
SIZE = len(CONTENT)
SHA = "sha256:" + hashlib.sha256(CONTENT).hexdigest()

Behaviour = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    """Does what the test says; keeps what it was asked."""

    behaviours: dict[str, Behaviour] = {}
    asked: list[tuple[str, str | None, str | None]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Range"], self.headers["If-Range"]))
        self.close_connection = True
        self.behaviours[self.path](self)

    @property
    def start(self) -> int:
        return int((self.headers["Range"] or "bytes=0-")[6:-1])

    def head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *arguments: Any) -> None:
        """Clients that go away are what is tested."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Starts to serve behaviours by path; gives the server's address."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    server = Server(("127.0.0.1", 0), Handler)
    Handler.asked.clear()
    Handler.behaviours = {}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"

    def add(**behaviours: Behaviour) -> str:
        Handler.behaviours |= {f"/{name}": one for name, one in behaviours.items()}
        return address

    yield add
    server.shutdown()
    server.server_close()
    thread.join()


def ranged(content: bytes = CONTENT, limit: int | None = None, **more: object) -> Behaviour:
    """Serves ranges, at most `limit` bytes an answer although the rest is announced."""

    def behave(handler: Handler) -> None:
        start = handler.start
        if start >= len(content):
            handler.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
            return
        where = f"bytes {start}-{len(content) - 1}/{len(content)}"
        facts = {"Content_Range": where} if start else {}
        length = len(content) - start
        handler.head(206 if start else 200, Content_Length=length, **facts, **more)
        handler.wfile.write(content[start:][:limit])

    return behave


def raw(text: bytes) -> Behaviour:
    return lambda handler: handler.wfile.write(text) and None


def redirect(code: int, to: str) -> Behaviour:
    return lambda handler: handler.head(code, Location=to, Content_Length=0)


def download(address: str, folder: Path, **more: Any) -> UrlFile:
    facts = {"size": SIZE, "digest": SHA} | more
    return UrlFile("some data", address, folder / "data.bin", **facts)


def part_of(one: UrlFile) -> Path:
    return one.path.with_name(one.path.name + ".part")


def get(one: UrlFile) -> list[int]:
    """Fetches and looks at what came; the sizes of the pieces that were heard of."""
    pieces: list[int] = []
    one.fetch(pieces.append)
    assert one.path.read_bytes() == CONTENT
    assert sorted(p.name for p in one.path.parent.iterdir() if "data.bin" in p.name) == ["data.bin"]
    return pieces


def test_what_is_cut_goes_on_at_once(serve: Callable[..., str], tmp_path: Path) -> None:
    url = serve(cut=ranged(limit=4000)) + "/cut"
    assert sum(get(download(url, tmp_path))) == SIZE
    assert [r for _, r, _ in Handler.asked] == [None, "bytes=4000-", "bytes=8000-"]


@pytest.mark.parametrize("known", [True, False], ids=["size known", "size unknown"])
def test_what_stays_cut_is_kept_and_gone_on_with(
    serve: Callable[..., str], tmp_path: Path, known: bool
) -> None:
    answers = iter([ranged(limit=4000), ranged(limit=0), ranged()])
    url = serve(x=lambda handler: next(answers)(handler)) + "/x"
    one = download(url, tmp_path, size=SIZE if known else None)
    with pytest.raises(DataError, match=r"was cut off after 4000 of 10240 bytes; fetch again to"):
        one.fetch(lambda count: None)
    assert not one.present()
    assert part_of(one).read_bytes() == CONTENT[:4000]
    assert sum(get(one)) == SIZE - 4000
    assert Handler.asked[-1][1] == "bytes=4000-"


def test_a_cut_file_is_no_file_though_nobody_knows_size_or_digest(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    url = serve(x=ranged(limit=100)) + "/x"
    one = download(url, tmp_path, size=None, digest=None)
    with pytest.raises(DataError, match="cut off"):
        one.fetch(lambda count: None)
    assert not one.present()


def test_a_server_without_ranges_begins_anew(serve: Callable[..., str], tmp_path: Path) -> None:
    def whole(handler: Handler) -> None:
        handler.head(200, Content_Length=SIZE)
        handler.wfile.write(CONTENT)

    one = download(serve(x=whole) + "/x", tmp_path)
    part_of(one).write_bytes(CONTENT[:5000])
    assert sum(get(one)) == SIZE - 5000


@pytest.mark.parametrize(
    "text",
    [
        b"hello\r\n\r\n",
        b"",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-9/10\r\n\r\nabc",
        b"HTTP/1.1 500 \x1b[2J\r\n\r\n",
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_nonsense_is_refused_in_one_line(
    serve: Callable[..., str], tmp_path: Path, text: bytes, known: bool
) -> None:
    one = download(serve(x=raw(text)) + "/x", tmp_path, **({} if known else {"digest": None}))
    with pytest.raises(DataError, match="cannot get some data: http://127") as error:
        one.fetch(lambda count: None)
    assert str(error.value).isprintable()
    assert not one.present()


def test_no_byte_more_than_was_asked_for(serve: Callable[..., str], tmp_path: Path) -> None:
    sent: list[int] = []

    def endless(handler: Handler) -> None:
        handler.head(200)
        for _ in range(2000):
            handler.wfile.write(b"x" * 2**16)
            sent.append(1)

    url = serve(endless=endless, long=ranged(CONTENT + b"x")) + "/"
    with pytest.raises(DataError, match="it sends more than its 10240 bytes"):
        download(url + "endless", tmp_path).fetch(lambda count: None)
    assert len(sent) < 1000
    one = download(url + "long", tmp_path)
    with pytest.raises(DataError, match="it has 10241 bytes instead of 10240"):
        one.fetch(lambda count: None)
    assert not part_of(one).exists()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirections_are_followed_and_gone_on_with(
    serve: Callable[..., str], tmp_path: Path, code: int
) -> None:
    url = serve(a=redirect(code, "/b"), b=redirect(code, "/c"), c=ranged()) + "/a"
    one = download(url, tmp_path)
    part_of(one).write_bytes(CONTENT[:3])
    get(one)
    assert [(p, r) for p, r, _ in Handler.asked] == [(f"/{x}", "bytes=3-") for x in "abc"]


@pytest.mark.parametrize("to", ["/a", "file:///etc/hostname", "gopher://x/", "http://", ""])
def test_redirections_that_lead_nowhere_are_refused(
    serve: Callable[..., str], tmp_path: Path, to: str
) -> None:
    one = download(serve(a=redirect(302, to)) + "/a", tmp_path)
    with pytest.raises(DataError, match="cannot get some data"):
        one.fetch(lambda count: None)
    assert not one.present()


def test_what_was_there_of_something_else_is_replaced(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    url = serve(x=ranged()) + "/x"
    for before in (b"other", CONTENT[::-1], CONTENT + b"more", CONTENT[::-1][:-1]):
        one = download(url, tmp_path / before[:2].hex() / str(len(before)))
        one.path.parent.mkdir(parents=True)
        part_of(one).write_bytes(before)
        get(one)


def test_a_wrong_piece_is_asked_for_anew(serve: Callable[..., str], tmp_path: Path) -> None:
    def elsewhere(handler: Handler) -> None:
        if not handler.start:
            return ranged()(handler)
        handler.head(206, Content_Length=SIZE - 7, Content_Range=f"bytes 7-{SIZE - 1}/{SIZE}")
        handler.wfile.write(CONTENT[7:])
        return None

    one = download(serve(x=elsewhere) + "/x", tmp_path)
    part_of(one).write_bytes(CONTENT[:500])
    get(one)
    assert [r for _, r, _ in Handler.asked] == ["bytes=500-", None]


def test_without_a_digest_only_the_same_version_is_gone_on_with(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    first = b"an older version, longer than that" * 100
    url = serve(x=ranged(first, limit=50, ETag='"1"')) + "/x"
    one = download(url, tmp_path, size=None, digest=None)
    with pytest.raises(DataError, match="cut off"):
        for _ in range(2):
            one.fetch(lambda count: None)
    assert part_of(one).stat().st_size > 0

    def newer(handler: Handler) -> None:
        assert handler.headers["If-Range"] == '"1"'
        handler.head(200, Content_Length=SIZE, ETag='"2"')
        handler.wfile.write(CONTENT)

    serve(x=newer)
    get(one)


def test_without_digest_and_version_it_begins_anew(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    one = download(serve(x=ranged()) + "/x", tmp_path, size=None, digest=None)
    part_of(one).write_bytes(b"who knows of what")
    get(one)
    assert Handler.asked == [("/x", None, None)]


def test_slow_bytes_come_as_they_are_sent(serve: Callable[..., str], tmp_path: Path) -> None:
    def slow(handler: Handler) -> None:
        handler.head(200, Content_Length=SIZE)
        for start in range(0, SIZE, 1024):
            handler.wfile.write(CONTENT[start : start + 1024])
            handler.wfile.flush()
            time.sleep(0.005)

    assert len(get(download(serve(x=slow) + "/x", tmp_path))) > 3


def test_a_silent_server_is_given_up(
    serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()

    def silent(handler: Handler) -> None:
        handler.head(200, Content_Length=SIZE)
        done.wait(5)

    monkeypatch.setattr(http_transfer, "TIMEOUT", 0.1)
    url = serve(silent=silent, mute=lambda handler: done.wait(5) and None) + "/"
    for name in ("silent", "mute"):
        with pytest.raises(DataError, match=r"nothing came for 0\.1 s"):
            download(url + name, tmp_path).fetch(lambda count: None)
    done.set()


@pytest.mark.parametrize(
    "address",
    ["http://me:pass@word@127.0.0.1:1/x", "nonsense", "http://[::1", "http://\u2603 /", "x://y/z"],
)
def test_an_address_that_is_none_is_refused_without_its_password(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(DataError, match="cannot get some data: ") as error:
        download(address, tmp_path).fetch(lambda count: None)
    assert "pass@" not in str(error.value)


def test_a_full_disk_is_named_and_no_mirror_is_asked(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    url = serve(x=ranged(), y=ranged())
    one = UrlFile("some data", (f"{url}/x", f"{url}/y"), tmp_path / "data.bin", None, SHA)
    part_of(one).symlink_to("/dev/full")
    with pytest.raises(MachineError, match=r"No space left on device \(.*data\.bin\.part\)"):
        fetch([Need("a", one, SIZE)])
    assert len(Handler.asked) == 1


def test_what_was_whole_but_not_moved_is_not_taken_for_present(tmp_path: Path) -> None:
    """As after a kill between the last byte and the move: no server is needed then."""

    class Far:
        name = "far"

        def downloads(self) -> list[UrlFile]:
            return [one]

    one = download("http://127.0.0.1:9/x", tmp_path)
    part_of(one).write_bytes(CONTENT)
    (need,) = needs_of({"far": Far()})
    assert not need.present
    assert need.size == 0


def test_two_at_once_write_one_file(serve: Callable[..., str], tmp_path: Path) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.05)
        ranged()(handler)

    one = download(serve(x=slow) + "/x", tmp_path)
    threads = [threading.Thread(target=one.fetch, args=(lambda count: None,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.path.read_bytes() == CONTENT
    assert len(Handler.asked) == 1


def test_one_that_fails_in_any_way_keeps_nobody_from_the_others(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    class Odd(UrlFile):
        def fetch(self, progress: Callable[[int], None]) -> None:
            raise ZeroDivisionError("of a library, hf_abcdefgh12345")

    good = download(serve(x=ranged()) + "/x", tmp_path)
    odd = Odd("odd data", "x", tmp_path / "odd")
    failed = fetch([Need("a", odd, 5), Need("b", good, SIZE)])
    assert [need.problem for need in failed] == ["ZeroDivisionError: of a library, ***"]
    assert good.present()


def test_what_is_not_there_after_fetching_is_said(tmp_path: Path) -> None:
    class Idle(UrlFile):
        def fetch(self, progress: Callable[[int], None]) -> None:
            """It gets nothing and says nothing."""

    (failed,) = fetch([Need("a", Idle("idle data", "x", tmp_path / "x"), 5)])
    assert failed.problem == "idle data is not whole after all was fetched"


def test_a_repository_without_such_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    empty = HubFiles("pets", "org/pets", patterns=("data/*",), _listed=[])
    with pytest.raises(DataError, match=r"cannot get pets: .*org/pets: it has no file such as da"):
        empty.fetch(lambda count: None)


FETCH = """
import sys
from pathlib import Path
from distbench import UrlFile
url, path, size, digest = sys.argv[1:]
one = UrlFile("some data", url, Path(path), int(size), digest)
print("begun", flush=True)
one.fetch(lambda count: print(count, flush=True))
"""


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on(serve: Callable[..., str], tmp_path: Path) -> None:
    """kill -9 several times, wherever it is."""

    def dripping(handler: Handler) -> None:
        start = handler.start
        facts = {"Content_Range": f"bytes {start}-{SIZE - 1}/{SIZE}"} if start else {}
        handler.head(206 if start else 200, Content_Length=SIZE - start, **facts)
        for at in range(start, SIZE, 512):
            handler.wfile.write(CONTENT[at : at + 512])
            handler.wfile.flush()
            time.sleep(0.02)

    one = download(serve(x=dripping) + "/x", tmp_path)
    command = [sys.executable, "-c", FETCH, str(one.url), str(one.path), str(SIZE), SHA]
    held = 0
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for _ in range(4):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert not one.present()
        assert part_of(one).stat().st_size > held
        held = part_of(one).stat().st_size
        assert CONTENT.startswith(part_of(one).read_bytes())
    get(one)
    assert Handler.asked[-1][1] == f"bytes={held}-"
