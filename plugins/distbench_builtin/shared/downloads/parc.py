"""PARC's checkpoints: one archive with all of them."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from distbench import DataError, Download, UrlFile

URL = "https://www.dropbox.com/s/gk32wdqmf19lnmt/models.zip?dl=1"
_PAGE = "https://github.com/dbolya/parc"


@dataclass
class ParcModels(Download):
    """The authors' archive, unpacked.

    Args:
        folder: Takes a folder for each architecture.
        names: Names of the models that are needed.
    """

    folder: Path
    names: tuple[str, ...]
    what: str = "PARC's models (models.zip)"

    def destination(self) -> Path:
        """The folder of the models."""
        return self.folder

    def present(self) -> bool:
        """Whether all models that are needed are there."""
        return all(self._file(name).is_file() for name in self.names)

    def missing_bytes(self) -> int | None:
        """Not known beforehand."""
        return 0 if self.present() else None

    def fetch(self, progress: Callable[[int], None]) -> None:
        """Gets the archive and unpacks the models that are needed.

        Raises:
            DataError: It cannot be had, or lacks some; says what to do by hand.
        """
        archive = self.folder.parent / "parc-models.zip"
        if not archive.is_file():
            try:
                UrlFile(self.what, URL, archive).fetch(progress)
            except DataError as error:
                raise DataError(f"{error}. {self._by_hand(archive)}") from None
        try:
            self._unpack(archive)
        except zipfile.BadZipFile:
            archive.unlink()
            raise DataError(
                f"what came from {URL} is no zip archive; it was thrown away. "
                f"{self._by_hand(archive)}"
            ) from None
        archive.unlink()

    def _unpack(self, archive: Path) -> None:
        with zipfile.ZipFile(archive) as held:
            # Only what is asked for, by the last part of its name: nothing is written elsewhere.
            members = {PurePosixPath(name).name: name for name in held.namelist()}
            lacking = [name for name in self.names if f"{name}.pth" not in members]
            if lacking:
                raise DataError(
                    f"{archive} lacks {', '.join(lacking[:3])} ({len(lacking)} of "
                    f"{len(self.names)} models); delete it, and see {_PAGE}"
                )
            for name in self.names:
                file = self._file(name)
                if file.is_file():
                    continue
                file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_suffix(".part")
                with held.open(members[f"{name}.pth"]) as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target)
                part.replace(file)

    def _file(self, name: str) -> Path:
        return self.folder / name.partition("_")[0] / f"{name}.pth"

    def _by_hand(self, archive: Path) -> str:
        return (
            f"Download models.zip from the page {_PAGE} by hand and put it at {archive}, then "
            f"fetch again; or unpack it so that {self._file(self.names[0])} is there"
        )
