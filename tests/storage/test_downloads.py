"""Fetching: resumed, checked, from mirrors; and going without a network."""

from __future__ import annotations

import hashlib
import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distbench import DataError, HubFiles, Manual, UrlFile
from distbench.errors import MachineError
from distbench.storage.network.downloads import free_space, readable
from distbench.workflows.fetch import Need, fetch

CONTENT = bytes(range(256)) * 40
SHA = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, in part where asked; /wrong serves something else, the rest is not there."""

    asked: list[tuple[str, str | None]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Range"]))
        if self.path not in ("/whole", "/wrong"):
            self.send_error(404)
            return
        body = CONTENT if self.path == "/whole" else CONTENT[::-1]
        start = int((self.headers["Range"] or "bytes=0-")[6:-1])
        if start >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.end_headers()
        self.wfile.write(body[start:])

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Server.asked.clear()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()
    made.server_close()
    thread.join()


def file(server: str, tmp_path: Path, *paths: str, **more: Any) -> UrlFile:
    urls = tuple(f"{server}{path}" for path in paths)
    return UrlFile("some data", urls, tmp_path / "deep" / "data.bin", len(CONTENT), SHA, **more)


def test_a_file_is_fetched_and_checked(server: str, tmp_path: Path) -> None:
    told: list[int] = []
    download = file(server, tmp_path, "/whole")
    assert not download.present()
    assert download.missing_bytes() == len(CONTENT)
    download.fetch(told.append)
    assert download.path.read_bytes() == CONTENT
    assert sum(told) == len(CONTENT)
    assert download.present()


def test_what_was_cut_off_goes_on(server: str, tmp_path: Path) -> None:
    download = file(server, tmp_path, "/whole")
    part = tmp_path / "deep" / "data.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:1000])
    assert download.missing_bytes() == len(CONTENT) - 1000
    download.fetch(lambda count: None)
    assert Server.asked == [("/whole", "bytes=1000-")]
    assert download.path.read_bytes() == CONTENT
    assert not part.exists()


def test_what_came_whole_but_was_not_moved_is_taken(server: str, tmp_path: Path) -> None:
    download = file(server, tmp_path, "/whole")
    part = tmp_path / "deep" / "data.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    download.fetch(lambda count: None)
    assert download.path.read_bytes() == CONTENT


def test_mirrors_are_tried_in_order_and_nothing_wrong_is_kept(server: str, tmp_path: Path) -> None:
    download = file(server, tmp_path, "/absent", "/wrong", "/whole")
    download.fetch(lambda count: None)
    assert [path for path, _ in Server.asked] == ["/absent", "/wrong", "/whole"]
    assert download.path.read_bytes() == CONTENT
    bad = file(server, tmp_path / "two", "/absent", "/wrong")
    with pytest.raises(DataError, match=r"cannot get some data: .*404.*; .*sha256 .* instead of"):
        bad.fetch(lambda count: None)
    assert list((tmp_path / "two").rglob("*.bin*")) == []


def test_only_the_user_may_fetch_by_hand(tmp_path: Path) -> None:
    place = tmp_path / "x"
    manual = Manual("the birds", "ask there, unpack here", place.exists, 9)
    assert manual.missing_bytes() == 9
    with pytest.raises(DataError, match="the birds has to be fetched by hand: ask there"):
        manual.fetch(lambda count: None)
    place.touch()
    assert manual.present()


def test_fetching_tells_what_could_not_be_had_and_goes_on(server: str, tmp_path: Path) -> None:
    good, bad = file(server, tmp_path, "/whole"), file(server, tmp_path / "b", "/absent")
    failed = fetch([Need("a", bad, 5), Need("b", good, 5)])
    assert [need.of for need in failed] == ["a"]
    assert "404" in str(failed[0].problem)
    assert good.present()


def test_without_room_nothing_is_fetched(tmp_path: Path) -> None:
    huge = UrlFile("a huge file", "http://127.0.0.1:9/x", tmp_path / "x", 10**18)
    with pytest.raises(MachineError, match=r"1000000000\.0 GB are needed below .* are free"):
        fetch([Need("a", huge, huge.missing_bytes())])
    assert free_space(1, tmp_path) is None
    assert readable(1_234_567) == "1 MB"


def hub_cache(root: Path, repository: str, files: dict[str, str], kind: str = "datasets") -> Path:
    """A cache as the Hub's library makes it, by hand."""
    sha = "1" * 40
    top = root / f"{kind}--{repository.replace('/', '--')}"
    (top / "refs").mkdir(parents=True)
    (top / "refs" / "main").write_text(sha)
    for name, text in files.items():
        path = top / "snapshots" / sha / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return top / "snapshots" / sha


def test_files_of_the_hub_in_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    made = hub_cache(tmp_path, "org/pets", {"data/train-0.parquet": "x", "README.md": "y"})
    whole = HubFiles("pets", "org/pets", patterns=("data/*", "README.md"))
    assert whole.folder() == made
    assert whole.present()
    assert not HubFiles("pets", "org/pets", patterns=("images/*",)).present()
    assert HubFiles("cats", "org/cats").folder() is None
    monkeypatch.setenv("DISTBENCH_OFFLINE", "1")
    with pytest.raises(DataError, match="cannot get cats: distbench is offline"):
        HubFiles("cats", "org/cats").fetch(lambda count: None)


def test_a_cache_that_lost_a_file_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    made = hub_cache(tmp_path, "org/pets", {"data/a": "x", "data/b": "y"})
    files = HubFiles("pets", "org/pets", patterns=("data/*",))

    class Entry:
        size = 1

        def __init__(self, name: str) -> None:
            self.rfilename = name

    monkeypatch.setattr(files, "_listed", [Entry("data/a"), Entry("data/b")])
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *a, **k: str(made))
    files.fetch(lambda count: None)
    assert files.present()
    (made / "data" / "b").unlink()
    assert not files.present()


OFFLINE = """
import socket, sys
from distbench.storage.network.offline import go_offline, OfflineError
go_offline()
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
    lambda: socket.getaddrinfo("example.org", 80),
):
    try:
        attempt()
    except OfflineError as error:
        print(error)
import urllib.request
from huggingface_hub import constants
try:
    urllib.request.urlopen("http://example.org")
except OSError as error:
    print(error)
print(constants.HF_HUB_OFFLINE)
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
server.close()
print("this machine is reached")
"""


def test_offline_refuses_every_other_machine() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "offline: 192.0.2.1 is not contacted",
        "offline: example.org is not contacted",
        "<urlopen error offline: example.org is not contacted>",
        "True",
        "this machine is reached",
    ]


@pytest.mark.slow
def test_a_run_offline_contacts_nothing(tmp_path: Path) -> None:
    toys = Path(__file__).parents[1] / "toys.py"
    command = [sys.executable, "-m", "distbench", "run", "--offline", "--plugin", str(toys)]
    command += ["--task", "toy_task", "--zoo", "toy_zoo", "--student", "timm:mobilenetv3_small_100"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3
    assert "the pretrained weights of timm" in done.stderr
    assert "cannot be had" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_fetch_command(server: str, tmp_path: Path) -> None:
    plugin = tmp_path / "plug.py"
    plugin.write_text(
        "from distbench import Task, UrlFile, Manual\n"
        "from pathlib import Path\n"
        "class Far(Task):\n"
        "    '''Far.'''\n"
        "    def downloads(self):\n"
        f"        far = UrlFile('far data', '{server}/whole', Path('{tmp_path}/far'), 10240)\n"
        "        return [far, far]\n"
        "    def index(self): ...\n"
        "    def read(self, part, positions): ...\n"
    )
    command = [sys.executable, "-m", "distbench", "fetch", "--plugin", str(plugin)]
    command += ["--task", "far", "--student", "mini"]
    dry = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True)
    assert "far data  10 kB      to fetch" in dry.stdout
    assert "\n10 kB to fetch." in dry.stdout
    assert not (tmp_path / "far").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "fetching far data\n"
    assert (tmp_path / "far").read_bytes() == CONTENT
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Nothing to fetch." in again.stdout
    none = subprocess.run([*command, "--only", "nope"], capture_output=True, text=True)
    assert none.returncode == 2
    assert "--only nope matches none of far, student" in none.stderr


def test_overlaps_go_over_several_steps(tmp_path: Path) -> None:
    from distbench.plugins.registry import registry

    plugin = tmp_path / "plug.py"
    plugin.write_text(
        "from distbench import hookimpl\n"
        "@hookimpl\n"
        "def distbench_overlaps():\n"
        "    return {'Huge': ['large-x'], 'large-X': ['Small-x'], 'small-x': ['huge']}\n"
    )
    names = registry((plugin,))
    assert names.held_by("HUGE") == {"huge", "large-x", "small-x"}
    assert names.held_by("other") == {"other"}


def test_sockets_are_as_before() -> None:
    assert socket.getaddrinfo("localhost", 80)
