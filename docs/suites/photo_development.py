"""Cuts Caltech-101 into thirds of its classes: ``python photo_development.py FOLDER``.

FOLDER holds ``sources/caltech101/{train,test}/CLASS/*.jpg``; ``development/caltech-{1,2,3}.csv``
are written there, tables of a folder's images as tasks of suite ``photo-development`` read them.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

THIRDS = 3


def main(folder: Path) -> None:
    """Writes the tables."""
    images = folder / "sources/caltech101"
    classes = sorted(path.name for path in (images / "train").iterdir())
    (folder / "development").mkdir(exist_ok=True)
    for third in range(THIRDS):
        first, end = (round(len(classes) * k / THIRDS) for k in (third, third + 1))
        path = folder / f"development/caltech-{third + 1}.csv"
        with path.open("w", newline="", encoding="utf-8") as opened:
            table = csv.writer(opened)
            table.writerow(("file", "label", "split"))
            for part in ("train", "test"):
                for name in classes[first:end]:
                    for image in sorted((images / part / name).iterdir()):
                        table.writerow((image.relative_to(images).as_posix(), name, part))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
