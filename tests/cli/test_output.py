"""What commands print steers no terminal and holds no secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import distbench.cli
from distbench.cli import options
from distbench.cli.shown.output import echo, echo_failed, echo_json, table
from distbench.cli.shown.progress import ByteProgress, UnitProgress

HOSTILE = "x\x1b[2J\u202ehf_abcdefgh1234567890\x9b"


def test_text_for_people_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"{HOSTILE}\nnext")
    echo(HOSTILE, err=True, nl=False)
    captured = capsys.readouterr()
    assert captured.out == "x\\u001b[2J\\u202e***\\u009b\nnext\n"
    assert captured.err == "x\\u001b[2J\\u202e***\\u009b"


def test_json_is_printed_so_that_it_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json(json.dumps([HOSTILE], ensure_ascii=False))
    options.print_json({HOSTILE: 1})
    first, rest = capsys.readouterr().out.split("\n", 1)
    assert json.loads(first) == [HOSTILE]
    assert json.loads(rest) == {HOSTILE: 1}
    assert (first + rest).replace("\n", "").isprintable()


def test_a_name_with_a_line_end_keeps_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    text = table([["two\nlines\x07", 1.0]], ["source", "score"])
    assert text.splitlines()[-1].startswith("two lines\\u0007")


def test_progress_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    with UnitProgress() as units, ByteProgress() as sizes:
        units(HOSTILE, 1, 2)
        sizes(HOSTILE, 1, 2)
    err = capsys.readouterr().err
    assert err.replace("\n", "").isprintable()
    assert "hf_" not in err


def test_commands_print_by_nothing_else() -> None:
    """Other ways of printing would let through what `echo` holds."""
    printing = re.compile(r"\b(?:typer|click)\.(?:secho|echo)\(|\bprint\(|std(?:out|err)\.write\(")
    allowed = {"output.py", "check.py", "__init__.py"}
    for file in Path(distbench.cli.__file__).parent.rglob("*.py"):
        if file.name not in allowed:
            assert not printing.search(file.read_text(encoding="utf-8")), file.name


def test_what_ends_a_command_is_harmless_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distbench.cli.process.ending import tell
    from distbench.errors import DataError
    from distbench.storage.system import disk

    assert tell(DataError(HOSTILE)) == 3
    assert tell(ImportError("libtorch_cpu.so: failed to map segment from shared object")) == 1
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(disk, "_free", lambda folder: 0 if folder.name == "tmp" else 10**9)
    assert tell(OSError(28, "No space left on device")) == 1
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == "distbench: x\\u001b[2J\\u202e***\\u009b"
    assert second.startswith("distbench: out of memory: ImportError: libtorch_cpu.so: failed to")
    assert "the folder for temporary files; name another with TMPDIR" in third


def test_cells_that_failed_for_one_reason_share_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    def row(method: str, reason: str) -> Any:
        of = SimpleNamespace
        return of(method=of(id=method), task=of(id="cats"), seed=0, reason=reason)

    echo_failed([row("a", "no image"), row("b", "no memory"), row("c", "no image")])
    echo_failed([row(name, "no image") for name in "abcdefg"])
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "failed: a on cats, seed 0; c on cats, seed 0: no image",
        "failed: b on cats, seed 0: no memory",
    ]
    assert lines[2].endswith("e on cats, seed 0 and 2 more: no image") and len(lines) == 3
