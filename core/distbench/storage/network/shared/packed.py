"""Files as one object: a tar without compression, whose first member has the digest of each."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping

from pydantic_core import from_json

Files = Mapping[str, bytes]
"""What files hold, by their names; a name may have folders, with ``/`` between them."""

_MANIFEST = "manifest.json"
_NAME = re.compile(r"(?!\.{1,2}(?:/|$))[^/\\\0:]+(?:/(?!\.{1,2}(?:/|$))[^/\\\0:]+)*")
"""Not absolute, and with no way up."""


def packed(files: Files) -> bytes:
    """One object for some files; equal ones give equal bytes.

    Raises:
        ValueError: One has a name that `unpacked` would refuse.
    """
    manifest = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    _check_names(manifest)
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in ((_MANIFEST, json.dumps(manifest).encode()), *sorted(files.items())):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
    return held.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files in an object.

    It may come from anywhere: nothing is written, and no more memory is taken than its size.

    Raises:
        ValueError: It is no such object, was altered or cut off, or a name in it leads elsewhere.
    """
    held: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                if member.type != tarfile.REGTYPE or member.issparse():
                    raise ValueError("something in it is no ordinary file")
                content = tar.extractfile(member)
                held[member.name] = b"" if content is None else content.read()
    except (tarfile.TarError, EOFError, OSError, OverflowError, RecursionError) as error:
        raise ValueError(f"it is no tar: {error}") from None
    manifest = from_json(held.pop(_MANIFEST, b""))
    if not isinstance(manifest, dict) or manifest.keys() != held.keys():
        raise ValueError("it does not hold the files that it lists")
    _check_names(manifest)
    for name, held_data in held.items():
        if hashlib.sha256(held_data).hexdigest() != manifest[name]:
            raise ValueError(f"{name} was altered")
    return held


def _check_names(names: Mapping[str, object]) -> None:
    for name in names:
        if name == _MANIFEST or not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a file")
