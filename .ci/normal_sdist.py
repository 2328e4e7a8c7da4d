"""Writes an sdist anew with no trace of when, where and by whom it was built.

setuptools keeps times, owners and order of the files as they lie on the machine. Here every member
has the time SOURCE_DATE_EPOCH, no owner, and a place by its name.
"""

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path


def normal(sdist: bytes, epoch: int) -> bytes:
    """The archive with the same files."""
    written = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(sdist)) as old,
        gzip.GzipFile("", "wb", fileobj=written, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            data = old.extractfile(member) if member.isfile() else None
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, epoch
            plain.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(plain, data)
    return written.getvalue()


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_bytes(normal(path.read_bytes(), int(os.environ["SOURCE_DATE_EPOCH"])))
