"""One file over HTTP, whatever the server does: resumed where it was cut, no byte too many."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException, InvalidURL
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from distbench.errors import DataError
from distbench.storage.system.disk import naming_file

TIMEOUT = 30.0
"""Seconds without a byte after which a server is given up."""

_CHUNK = 2**18
_CUTS = 5
"""Cuts in a row, each after little, after which a server is given up."""
_LITTLE = 2**20


class _CutOff(Exception):  # noqa: N818 - not an error: the transfer goes on
    """The connection ended before the file did."""


class _Changed(Exception):  # noqa: N818 - not an error: the transfer begins anew
    """What is there already is no beginning of what the server has."""


class Transfer:
    """Brings a file, or the rest of it, from an address into a part file.

    A part is gone on with only where its content will be checked, or where the server says that the
    file is still the same (its ``ETag`` or date, kept beside the part).

    Args:
        address: Where it lies.
        part: The file that takes it; what it holds already is gone on with.
        size: Bytes of the whole, if known.
        checked: Whether somebody compares the content with a digest.
        progress: Is called with the number of bytes of each new piece.
    """

    def __init__(
        self,
        address: str,
        part: Path,
        *,
        size: int | None,
        checked: bool,
        progress: Callable[[int], None],
    ) -> None:
        self._address = address
        self._part = part
        self._size = size
        self._checked = checked
        self._progress = progress
        self._validator = part.with_name(part.name + ".validator")
        self._furthest = self._held()

    def run(self) -> None:
        """Brings all of it; what the server got wrong is thrown away, what was cut off stays.

        Raises:
            DataError: The server does not give it, or something else.
            OSError: The disk does not take it; names the part.
        """
        cuts, anew = 0, False
        while True:
            before = self._furthest
            try:
                with naming_file(self._part):
                    self._request()
            except _Changed:
                self.discard()
                if anew:
                    raise DataError("it gives another piece than was asked for") from None
                anew = True
            except _CutOff as cut:
                cuts = 0 if self._furthest - before >= _LITTLE else cuts + 1
                if self._furthest == before or cuts == _CUTS:
                    raise DataError(f"{cut}; fetch again to go on") from None
            else:
                self._validator.unlink(missing_ok=True)
                return

    def discard(self) -> None:
        """Forgets what came."""
        self._part.unlink(missing_ok=True)
        self._validator.unlink(missing_ok=True)

    def _held(self) -> int:
        return self._part.stat().st_size if self._part.is_file() else 0

    def _request(self) -> None:
        version = self._known_version()
        held = self._held()
        if (held and not (self._checked or version)) or held > (self._size or held):
            self.discard()
            held = 0
        if held and held == self._size and self._checked:
            return
        if (answer := self._answer(held, version)) is not None:
            with answer:
                self._receive(answer, held)

    def _answer(self, held: int, version: str) -> Any:
        """What the server says to a request for the rest; None where there is no more."""
        headers = {"User-Agent": "distbench"}
        if held:
            headers["Range"] = f"bytes={held}-"
            headers |= {} if self._checked else {"If-Range": version}
        try:
            return urlopen(Request(self._address, headers=headers), timeout=TIMEOUT)
        except HTTPError as error:
            with error:
                if held and error.code == 416:
                    return self._nothing_more(held, error)
                raise DataError(failure(error)) from None
        except (ValueError, InvalidURL):
            raise DataError("it is no address that can be opened") from None
        except (OSError, HTTPException) as error:
            raise DataError(failure(error)) from None

    def _known_version(self) -> str:
        try:
            return self._validator.read_text(encoding="latin-1")
        except OSError:
            return ""

    def _nothing_more(self, held: int, error: HTTPError) -> None:
        """The server has no byte after those that are here: they are all, or of another file."""
        total = (error.headers.get("Content-Range") or "").rpartition("/")[2].strip()
        if held != (int(total) if total.isdigit() else self._size):
            raise _Changed

    def _receive(self, answer: Any, held: int) -> None:
        start = self._start(answer, held) if answer.status == 206 else 0
        if start not in (0, held):
            raise _Changed
        coming = _length(answer)
        total = self._size if coming is None else start + coming
        if self._size is not None and total != self._size:
            raise DataError(f"it has {total} bytes instead of {self._size}")
        if not start and not self._checked:
            self._remember_version(answer)
        at = start
        with self._part.open("ab" if start else "wb") as file:
            while chunk := _piece(answer):
                at += len(chunk)
                if total is not None and at > total:
                    self.discard()
                    raise DataError(f"it sends more than its {total} bytes")
                file.write(chunk)
                file.flush()
                self._progress(max(0, at - self._furthest))
                self._furthest = max(self._furthest, at)
        if total is not None and at < total:
            raise _CutOff(f"it was cut off after {at} of {total} bytes")

    def _start(self, answer: Any, held: int) -> int | None:
        """Where the piece begins that a server sends; None where nobody can tell."""
        unit, _, rest = (answer.headers.get("Content-Range") or "").partition(" ")
        first = rest.partition("-")[0].strip()
        if unit == "bytes" and first.isdigit():
            return int(first)
        return held if self._checked else None

    def _remember_version(self, answer: Any) -> None:
        tag = answer.headers.get("ETag") or ""
        version = answer.headers.get("Last-Modified") if tag.startswith("W/") else tag
        version = version or answer.headers.get("Last-Modified") or ""
        self._validator.write_text(version, encoding="latin-1", errors="ignore")


def _length(answer: Any) -> int | None:
    """How many bytes a server says that it sends."""
    text = answer.headers.get("Content-Length") or ""
    whole = not answer.headers.get("Transfer-Encoding")
    return int(text) if whole and text.isdigit() else None


def _piece(answer: Any) -> bytes:
    """The next bytes as they come."""
    try:
        return bytes(answer.read1(_CHUNK))
    except (OSError, HTTPException) as error:
        raise _CutOff(f"it was cut off: {failure(error)}") from None


def failure(error: Exception) -> str:
    """What kept a server from giving something, in a few words."""
    reason = error if isinstance(error, HTTPError) else getattr(error, "reason", None) or error
    if isinstance(reason, TimeoutError):
        return f"nothing came for {TIMEOUT:g} s"
    if isinstance(reason, HTTPException) and not isinstance(reason, OSError):
        return f"it gives no answer of HTTP ({type(reason).__name__})"
    if isinstance(reason, OSError) and reason.strerror and not isinstance(reason, HTTPError):
        return reason.strerror
    lines = str(reason).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
