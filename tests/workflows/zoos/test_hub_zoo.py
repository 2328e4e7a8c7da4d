"""A zoo pushed to the Hub and read back, from servers of good and of ill will."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_hub import READER, WRITER, FakeHub, told
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import DistbenchError, UsageError, WeightsError
from distbench.plugins.registry import registry

ENTRY = """
[[models]]
name = "{name}"
format = "timm"
architecture = "test_resnet"
file = "{file}"
num_classes = 7
input_size = 32
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
licence = "{licence}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A zoo of two models, one of which has no licence."""
    import timm
    import torch
    from safetensors.torch import save_file

    root = tmp_path / "my_zoo"
    root.mkdir()
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet", num_classes=7).state_dict(), root / "a.safetensors")
    (root / "b.safetensors").write_bytes((root / "a.safetensors").read_bytes())
    text = 'name = "mine"\n' + ENTRY.format(name="a", file="a.safetensors", licence="Apache-2.0")
    text += ENTRY.format(name="b", file="b.safetensors", licence="unknown")
    (root / "zoo.toml").write_text(text)
    return root


def call(*words: str) -> Any:
    done = CliRunner().invoke(app, list(words))
    assert done.exception is None or isinstance(done.exception, (SystemExit, DistbenchError))
    assert WRITER not in done.output and READER not in done.output
    return done


def fetch(name: str) -> Any:
    return call("fetch", "--zoo", f"hub:{name}", "--only", "zoo")


def sources(name: str) -> Any:
    return registry().make("zoo", f"hub:{name}").sources()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_zoo_is_pushed_and_read_back_at_its_commit(
    folder: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call("zoo", "push", "lab/zoo", "--zoo", str(folder), "--private")
    assert done.exit_code == 0, done.output
    there = hub.repositories["model", "lab/zoo"]
    first = there.refs["main"]
    files = there.commits[first]
    assert there.private
    assert set(files) == {".gitattributes", "README.md", "a.safetensors", "zoo.toml"}
    assert files["a.safetensors"] == (folder / "a.safetensors").read_bytes()
    assert sha(files["a.safetensors"]) in files["zoo.toml"].decode()
    assert str(folder) not in "".join(files[name].decode() for name in ("README.md", "zoo.toml"))
    assert "kept back: b: its licence is 'unknown'" in done.output
    assert f"commit {first}" in done.output and f"--zoo hub:lab/zoo@{first}" in done.output
    head = yaml.safe_load(files["README.md"].decode().split("---")[1])
    assert head["license"] == "apache-2.0" and "distbench-zoo" in head["tags"]

    with pytest.raises(WeightsError, match=r"distbench fetch --zoo hub:lab/zoo --only zoo"):
        sources("lab/zoo")
    got = fetch("lab/zoo")
    assert got.exit_code == 0, got.output
    assert f"zoo lab/zoo of the Hub: commit {first}" in got.output
    (source,) = sources("lab/zoo")
    source.verify()
    assert source.info.fingerprint == sha(files["a.safetensors"])
    assert source.info.recipe["revision"] == first
    assert not any(token for _, _, token in hub.elsewhere)

    again = call("zoo", "push", "lab/zoo", "--zoo", str(folder))
    text = (folder / "zoo.toml").read_text().replace('"unknown"', '"MIT"')
    (folder / "zoo.toml").write_text(text)
    more = call("zoo", "push", "lab/zoo", "--zoo", str(folder))
    second = there.refs["main"]
    assert again.exit_code == more.exit_code == 0
    assert f"nothing new, commit {first} has it all" in again.output
    assert f"commit {second} on top of {first}" in more.output
    assert len(sources("lab/zoo")) == 1  # kept as it was fetched
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(hub.requests)
    assert len(sources("lab/zoo")) == 1
    assert "Nothing to fetch" in fetch("lab/zoo").output
    assert len(hub.requests) == asked
    unread = fetch(f"lab/zoo@{second}")
    assert unread.exit_code == 3 and "distbench is offline" in unread.output
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert fetch(f"lab/zoo@{second}").exit_code == 0
    assert len(sources(f"lab/zoo@{second}")) == 2


@pytest.mark.parametrize(
    ("words", "token", "message", "code"),
    [
        (("zoo",), WRITER, "'zoo' is no repository of the Hub; write ORG/NAME", 2),
        (("a/b/c",), WRITER, "is no repository of the Hub", 2),
        (("org/zoo",), WRITER, "org is neither you nor an organisation of yours; write one of", 3),
        (("bob/zoo",), READER, "the token may only read", 3),
        (("lab/open", "--private"), WRITER, "it is there and public, and --private was", 3),
    ],
)
def test_what_cannot_be_pushed_is_told_in_a_line(
    folder: Path,
    hub: FakeHub,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    token: str,
    message: str,
    code: int,
) -> None:
    hub.add("lab/open", **{"README.md": b"other"})
    monkeypatch.setenv("HF_TOKEN", token)
    done = call("zoo", "push", *words, "--zoo", str(folder))
    assert done.exit_code == code and message in done.output
    assert all(method in ("GET", "HEAD") for method, _, _ in hub.requests)


def test_a_zoo_without_licences_is_not_pushed(folder: Path, hub: FakeHub) -> None:
    text = (folder / "zoo.toml").read_text().replace("Apache-2.0", "ask us")
    (folder / "zoo.toml").write_text(text)
    done = call("zoo", "push", "lab/zoo", "--zoo", str(folder))
    assert done.exit_code == 3 and "no model of the zoo can be pushed" in done.output
    assert ("model", "lab/zoo") not in hub.repositories


def test_a_push_that_breaks_off_leaves_no_commit(folder: Path, hub: FakeHub) -> None:
    hub.fault = lambda method, path: told(503, "down") if method == "PUT" else None
    done = call("zoo", "push", "lab/zoo", "--zoo", str(folder))
    assert done.exit_code == 3 and "the Hub is in trouble (503)" in done.output
    there = hub.repositories["model", "lab/zoo"]
    assert len(there.commits) == 1
    hub.fault = lambda method, path: None
    assert call("zoo", "push", "lab/zoo", "--zoo", str(folder)).exit_code == 0


def stranger(hub: FakeHub, file: str = "a.safetensors", **files: bytes) -> None:
    manifest = 'name = "mine"\n' + ENTRY.format(name="a", file=file, licence="MIT")
    hub.add("org/zoo", **{"zoo.toml": manifest.encode(), "a.safetensors": b"w" * 400_000, **files})


def cut(name: str, data: bytes) -> bytes:
    return data[: len(data) // 2] if len(data) > 1000 else data


def other(name: str, data: bytes) -> bytes:
    return b"v" * len(data) if len(data) > 1000 else data


@pytest.mark.parametrize(
    ("send", "message"),
    [
        (cut, "; the same command goes on where it was"),
        (other, "a.safetensors has SHA-256 "),
    ],
)
def test_what_comes_wrong_is_refused_and_comes_right_the_next_time(
    hub: FakeHub, send: Callable[[str, bytes], bytes], message: str
) -> None:
    stranger(hub)
    whole = hub.send
    hub.send = send
    done = fetch("org/zoo")
    assert done.exit_code == 3 and message in done.output, done.output
    with pytest.raises(WeightsError, match="are not on this machine"):
        sources("org/zoo")
    hub.send = whole
    done = fetch("org/zoo")
    assert done.exit_code == 0, done.output
    file = Path(sources("org/zoo")[0]._file)
    assert file.read_bytes() == b"w" * 400_000


def test_names_that_lead_elsewhere_are_refused(hub: FakeHub, tmp_path: Path) -> None:
    stranger(hub, **{"../../evil": b"x"})
    done = fetch("org/zoo")
    assert done.exit_code == 3
    assert "it names a file '../../evil', which leads elsewhere" in done.output
    hub.repositories.clear()
    for file in ("/etc/passwd", "../../../secret", "sub/../../x"):
        stranger(hub, file, **{"README.md": file.encode()})
        done = fetch("org/zoo")
        assert done.exit_code == 3
        assert f"names a file {file!r} outside of its folder" in done.output
    stranger(hub, "absent.onnx")
    done = fetch("org/zoo")
    assert done.exit_code == 3 and "it has no file such as absent.onnx" in done.output
    assert not list(tmp_path.rglob("evil"))
    stranger(hub)  # mended
    assert fetch("org/zoo").exit_code == 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (told(403, "Access is restricted", "GatedRepo"), "is gated: accept its terms there"),
        (told(429, "slow down", more={"Retry-After": "9"}), "too many requests (429)"),
        (told(401, "Repository not found", "RepoNotFound"), "is not there, or private"),
        (told(500, f"oops {WRITER}"), "the Hub is in trouble (500)"),
        ((200, {}, b"no json"), "cannot get zoo org/zoo of the Hub"),
    ],
)
def test_what_the_hub_refuses_is_one_line(hub: FakeHub, answer: Any, message: str) -> None:
    stranger(hub)
    hub.fault = lambda method, path: answer if path.startswith("/api/models") else None
    done = fetch("org/zoo")
    assert done.exit_code == 3 and message in done.output


def test_no_name_of_a_repository(hub: FakeHub) -> None:
    for name in ("zoo", "org/zoo@../x", "org/zoo@", "-/x"):
        with pytest.raises(UsageError, match="is no repository of the Hub"):
            sources(name)


def test_a_token_does_not_follow_to_another_host(hub: FakeHub) -> None:
    stranger(hub)
    assert fetch("org/zoo").exit_code == 0
    assert any(token == WRITER for _, _, token in hub.requests)
    assert hub.elsewhere and not any(token for _, _, token in hub.elsewhere)


def test_a_token_is_told_to_nobody(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "of no known form"
    hub.accounts[secret] = ("ada", "write", [])
    monkeypatch.setenv("HF_TOKEN", secret)
    stranger(hub)
    hub.fault = lambda method, path: (
        told(400, f"bad token {secret}") if path.startswith("/api/models") else None
    )
    done = fetch("org/zoo")
    assert done.exit_code == 3 and secret not in done.output
    away = {"Location": f"{hub.storage}/elsewhere", "Content-Type": "application/json"}
    hub.fault = lambda method, path: (
        (307, away, b"{}") if path.startswith("/api/models") else told(404, secret)
    )
    done = fetch("org/zoo")
    assert done.exit_code == 3 and secret not in done.output
    assert any(token == secret for _, _, token in hub.requests)
    assert not any(token for _, _, token in hub.elsewhere)


def test_what_does_not_end_is_ended(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distbench.storage.network.hub._SPARE", 1000)
    stranger(hub)
    data = b"e" * 20_000_000
    hub.fault = lambda method, path: (
        (200, {"Content-Length": str(len(data))}, data) if path.startswith("/blobs") else None
    )
    done = fetch("org/zoo")
    assert done.exit_code == 3
    assert "of a.safetensors far more comes than the 400000 bytes it has" in done.output
    hub.fault = lambda method, path: None
    assert fetch("org/zoo").exit_code == 0
