"""The file itself: a ZIP of few members that is read in memory, within limits, and written."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from distbench.errors import RefusedError
from distbench.submission import limits
from distbench.submission.validation_report import shown

MEMBERS = tuple(limits.MEMBER_BYTES)
_NEEDED = tuple(name for name in MEMBERS if name != limits.OPTIONAL)
_HAS = f"a bundle has {', '.join(_NEEDED)} and perhaps {limits.OPTIONAL}"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_END = struct.Struct("<4s4H2LH")
_DIRECTORY_BYTES = 4096


Tensors = dict[str, NDArray[Any]]


class BundleError(RefusedError):
    """A bundle that cannot be read as one; says what is wrong with which part."""


def open_archive(path: Path) -> zipfile.ZipFile:
    """Opens a bundle's ZIP after a look at its size and directory.

    Raises:
        BundleError: It is none, or not of the form that `write_archive` gives it.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    if size > limits.FILE_BYTES:
        raise BundleError(
            f"the file has {size // limits.MIB} MiB, a bundle may have "
            f"{limits.FILE_BYTES // limits.MIB} MiB"
        )
    _look_at_end(path, size)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, struct.error) as error:
        raise BundleError(f"it is no readable ZIP file: {error}") from None
    try:
        _check_members(archive, size)
    except BaseException:
        archive.close()
        raise
    return archive


def _look_at_end(path: Path, size: int) -> None:
    """Refuses what has more entries than a bundle before a library makes objects of them."""
    with path.open("rb") as file:
        start = file.read(4)
        if size < _END.size or start != b"PK\x03\x04":
            raise BundleError("it is no ZIP file, or was cut short")
        file.seek(size - _END.size)
        sign, _, _, here, entries, directory, _, comment = _END.unpack(file.read(_END.size))
    if sign != b"PK\x05\x06" or comment:
        raise BundleError("it is no ZIP file, was cut short, or something stands behind its end")
    if (
        here != entries
        or not len(_NEEDED) <= entries <= len(MEMBERS)
        or directory > _DIRECTORY_BYTES
    ):
        raise BundleError(f"it has {entries} members; {_HAS}")


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    members = archive.infolist()
    names = sorted(info.filename for info in members)
    if names not in (sorted(_NEEDED), sorted(MEMBERS)):
        raise BundleError(f"its members are {', '.join(map(repr, names))}; {_HAS}")
    last = 0
    for info in sorted(members, key=lambda i: i.header_offset):
        if info.header_offset < last or (last == 0 and info.header_offset):
            raise BundleError(f"member {info.filename} does not lie where it should in the file")
        last = info.header_offset + 30 + len(info.filename) + info.compress_size
        if info.flag_bits & 0x1 or info.compress_type not in _METHODS:
            raise BundleError(f"member {info.filename} is encrypted or packed in an unusual way")
        allowed = limits.MEMBER_BYTES[info.filename]
        if info.file_size > allowed or last > size:
            raise BundleError(
                f"member {info.filename} claims {info.file_size:,} bytes; {allowed:,} are allowed"
            )


def chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The bytes of a member, piece by piece, never more than it claims.

    Raises:
        BundleError: They cannot be unpacked, or are not as many as claimed.
    """
    claimed, given = archive.getinfo(name).file_size, 0
    try:
        with archive.open(name) as file:
            while piece := file.read(limits.MIB):
                given += len(piece)
                if given > claimed:
                    break
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"member {name} cannot be unpacked: {error}") from None
    if given != claimed:
        raise BundleError(f"member {name} has not the {claimed:,} bytes that it claims")


def lines(archive: zipfile.ZipFile, name: str, total: hashlib._Hash) -> Iterator[bytes]:
    """The lines of a member without their ends; their bytes go to `total` as they pass.

    Raises:
        BundleError: One is too long, or the member cannot be unpacked.
    """
    rest = b""
    for piece in chunks(archive, name):
        total.update(piece)
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > limits.LINE_BYTES:
            raise BundleError(f"{name} has a line of more than {limits.LINE_BYTES:,} bytes")
    if rest:
        yield rest


def tensors_of(
    name: str,
    data: bytes,
    check_header: Callable[[bytes], None],
    is_right: Callable[[NDArray[Any]], bool],
    what: str,
) -> Tensors:
    """The tensors of a safetensors member by cell key, in the types in which they are held.

    Args:
        name: Of the member.
        data: Its bytes.
        check_header: Raises ValueError for JSON that could be read in two ways.
        is_right: Whether a tensor has the right form.
        what: What a tensor is to be, for the message.

    Raises:
        BundleError: It is damaged, or a tensor is not of the right form.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    header = int.from_bytes(data[:8], "little")
    if len(data) < 8 or header > min(len(data) - 8, limits.HEADER_BYTES):
        raise BundleError(
            f"{name} claims a header of {header:,} bytes; it has {len(data):,} in all "
            f"and {limits.HEADER_BYTES:,} are allowed"
        )
    try:
        check_header(data[8 : 8 + header])
        tensors: Tensors = load(data)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        text = str(error).partition("\n")[0]
        raise BundleError(f"{name} cannot be read: {shown(text, 500)}") from None
    for key, tensor in tensors.items():
        if not is_right(tensor):
            raise BundleError(f"{name}: {shown(key)} is no {what}")
    return tensors


def write_archive(members: Mapping[str, bytes]) -> bytes:
    """A bundle's ZIP; equal members give equal bytes with one version of zlib."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in (name for name in MEMBERS if name in members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = 3, 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, members[name], compresslevel=9)
    return held.getvalue()
