"""PARC's checkpoints: one archive with all of them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from distbench import DataError, Download, UrlFile
from distbench_builtin.shared.downloads.archive import unpack_members

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
        lacking = unpack_members(archive, {f"{name}.pth": self._file(name) for name in self.names})
        if lacking:
            names = ", ".join(member.removesuffix(".pth") for member in lacking[:3])
            raise DataError(
                f"{archive} lacks {names} ({len(lacking)} of {len(self.names)} models); delete it, "
                f"and see {_PAGE}"
            )

    def _file(self, name: str) -> Path:
        return self.folder / name.partition("_")[0] / f"{name}.pth"

    def _by_hand(self, archive: Path) -> str:
        return (
            f"Download models.zip from the page {_PAGE} by hand and put it at {archive}, then "
            f"fetch again; or unpack it so that {self._file(self.names[0])} is there"
        )
