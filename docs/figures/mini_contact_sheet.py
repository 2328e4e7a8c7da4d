"""Draw a contact sheet of the embedded suite: one row per dataset, a few images per class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from distbench_builtin.shared.mini.drawing.catalogue import DATASETS
from distbench_builtin.shared.mini.drawing.render import images, labels

SCALE, SIDE, MARGIN, GAP = 2, 32, 104, 3
CLASSES, EACH = 8, 3


def chosen(dataset: str) -> npt.NDArray[np.uint8]:
    """Images of classes spread over a dataset, class by class."""
    n_classes = DATASETS[dataset].n_classes
    # Rounds hold every class once, so this many images surely hold enough of each.
    count = n_classes * EACH
    pictures, targets = images(dataset, "train", count), labels(dataset, "train", count)
    # Datasets with fewer classes than columns leave the last columns empty.
    columns = min(CLASSES, n_classes)
    shown = [column * n_classes // columns for column in range(columns)]
    return np.concatenate([pictures[np.flatnonzero(targets == target)] for target in shown])


def main() -> None:
    """Write the sheet next to this script."""
    step = SIDE * SCALE
    width = MARGIN + CLASSES * (EACH * step + GAP)
    sheet = Image.new("RGB", (width, len(DATASETS) * (step + GAP)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, dataset in enumerate(DATASETS):
        top = row * (step + GAP)
        pen.text((4, top + step // 2 - 6), dataset, fill="black")
        for column, picture in enumerate(chosen(dataset)):
            left = MARGIN + column * step + column // EACH * GAP
            tile = Image.fromarray(picture).resize((step, step), Image.Resampling.NEAREST)
            sheet.paste(tile, (left, top))
    # An adaptive palette keeps the noisy pictures small without visible harm.
    small = sheet.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(Path(__file__).with_name("mini-contact-sheet.png"), optimize=True)


if __name__ == "__main__":
    main()
