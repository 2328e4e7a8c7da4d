"""Archives that are fetched and unpacked into a folder: all of it or nothing."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from distbench import DataError, Download, UrlFile

_BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError),
    *(EOFError, ValueError, NotImplementedError, RuntimeError),  # also of zip files with passwords
)
"""What the readers of archives raise of broken ones."""


@dataclass(frozen=True)
class Piece:
    """One file of an archive that is fetched.

    Attributes:
        url: Its address; or several, tried in order. None where a person has to get it.
        digest: ``"md5:..."`` or ``"sha256:..."``, if known.
        name: What it is called; the end of its address if empty.
        folder: Where in the folder it is unpacked, or put where it is no archive.
        size: Bytes, if known exactly.
    """

    url: str | tuple[str, ...] | None
    digest: str | None = None
    name: str = ""
    folder: str = "."
    size: int | None = None

    @property
    def file(self) -> str:
        """Its name on the disk."""
        first = self.url if isinstance(self.url, str) else (self.url or ("",))[0]
        return self.name or first.rsplit("/", 1)[-1].partition("?")[0]


@dataclass
class Archive(Download):
    """Files and archives that together make one folder.

    Args:
        what: What it is, for people.
        place: The folder; it is there only once all of it is.
        pieces: What is fetched.
        by_hand: What to do where a person has to get the pieces. Put beside the folder they are
            checked and unpacked.
        size: Bytes to fetch, if the pieces do not say.
        renamed: Folders that get another name after unpacking, old and new.
    """

    what: str
    place: Path
    pieces: tuple[Piece, ...]
    by_hand: str | None = None
    size: int | None = None
    renamed: tuple[tuple[str, str], ...] = ()

    def destination(self) -> Path:
        return self.place.parent

    def present(self) -> bool:
        return self.place.is_dir()

    def missing_bytes(self) -> int | None:
        if self.by_hand is not None:
            return 0 if self._put_there() else self.size
        sizes = [file.missing_bytes() for file in self._files() if not file.present()]
        return self.size if None in sizes else sum(size or 0 for size in sizes)

    def fetch(self, progress: Callable[[int], None]) -> None:
        if self.present():  # several tasks may need the same
            return
        if self.by_hand is not None:
            files = self._by_hand()
            if not self._put_there():
                raise DataError(f"{self.what} has to be fetched by hand: {self.by_hand}")
            for file, piece in zip(files, self.pieces, strict=True):
                _check(file, piece.digest)
        else:
            for wanted in self._files():
                if not wanted.present():
                    wanted.fetch(progress)
            files = [wanted.path for wanted in self._files()]
        draft = self.place.with_name(self.place.name + ".unpacking")
        shutil.rmtree(draft, ignore_errors=True)
        for file, piece in zip(files, self.pieces, strict=True):
            inner = draft / piece.folder
            inner.mkdir(parents=True, exist_ok=True)
            try:
                _unpack(file, inner)
            except _BROKEN as error:
                raise self._useless(file, error) from None
        for old, new in self.renamed:
            (draft / old).replace(draft / new)
        draft.replace(self.place)
        if self.by_hand is None:
            shutil.rmtree(self._store(), ignore_errors=True)

    def _useless(self, file: Path, error: Exception) -> DataError:
        """The error for a file that cannot be unpacked; what came from a server is thrown away."""
        first = (str(error).splitlines() or [type(error).__name__])[0]
        reason = f"cannot unpack {file}: {first.rstrip(':.')}"
        if self.by_hand is not None:
            return DataError(f"{reason}; remove it and get it again")
        file.unlink()
        return DataError(f"{reason}; it was thrown away, fetch again")

    def _store(self) -> Path:
        return self.place.with_name(self.place.name + ".archives")

    def _files(self) -> list[UrlFile]:
        return [
            UrlFile(
                self.what, piece.url or "", self._store() / piece.file, piece.size, piece.digest
            )
            for piece in self.pieces
        ]

    def _by_hand(self) -> list[Path]:
        return [self.place.parent / piece.file for piece in self.pieces]

    def _put_there(self) -> bool:
        return bool(self.pieces) and all(file.is_file() for file in self._by_hand())


def _check(file: Path, digest: str | None) -> None:
    algorithm, _, wanted = (digest or "").partition(":")
    if wanted:
        with file.open("rb") as stream:
            actual = hashlib.file_digest(stream, algorithm).hexdigest()
        if actual != wanted:
            raise DataError(
                f"{file} has {algorithm} {actual} instead of {wanted}: it is not whole, or another "
                "version; get it again"
            )


def unpack_members(file: Path, wanted: Mapping[str, Path]) -> list[str]:
    """Unpacks some files of a zip archive, each whole or not at all.

    Args:
        file: The archive.
        wanted: From the last part of a member's name to the file that it becomes: nothing is
            written elsewhere, whatever the archive says. Files that are there stay.

    Returns:
        Those that it lacks; then nothing was unpacked.

    Raises:
        BadZipFile: It is no zip archive.
    """
    with zipfile.ZipFile(file) as held:
        members = {PurePosixPath(name).name: name for name in held.namelist()}
        lacking = [name for name in wanted if name not in members]
        for name, target in wanted.items():
            if lacking or target.is_file():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(".part")
            with held.open(members[name]) as source, part.open("wb") as written:
                shutil.copyfileobj(source, written)
            part.replace(target)
    return lacking


def _unpack(file: Path, folder: Path) -> None:
    """Unpacks an archive, nothing of it outside the folder; copies what is none.

    Archives within a zip are unpacked too, into the same folder.

    Raises:
        Exception: One of `_BROKEN`: it is broken, or holds what leads out of the folder.
    """
    if file.name.endswith(".zip"):
        with zipfile.ZipFile(file) as held:
            held.extractall(folder)
            inner = [folder / name for name in held.namelist() if _is_tar(name)]
        for nested in inner:
            if nested.is_file() and "__MACOSX" not in nested.parts:
                _unpack(nested, folder)
                nested.unlink()
    elif _is_tar(file.name):
        with tarfile.open(file) as tar:
            tar.extractall(folder, filter="data")
    elif file.name.endswith(".gz"):
        with gzip.open(file) as source, (folder / file.stem).open("wb") as target:
            shutil.copyfileobj(source, target)
    else:
        shutil.copyfile(file, folder / file.name)


def _is_tar(name: str) -> bool:
    return name.endswith((".tar", ".tar.gz", ".tgz"))
