"""A test part for a folder that has none."""

from __future__ import annotations

import hashlib
import math

from distbench_builtin.tasks._tree import ImageFile

Classes = dict[str, list[ImageFile]]


def draw(images: Classes, share: float, depth: int) -> tuple[Classes, Classes]:
    """Takes a share of each class for testing; which images, hashes of their names decide.

    So the split is the same on every machine and in every run, whatever its seed, and adding an
    image moves few others.

    Args:
        images: By class.
        share: Of each class; at least one image where the class has two, and never all.
        depth: Folders above the class, which do not matter to the hash.

    Returns:
        What stays and what is taken, both by class and in the order given.
    """
    stays: Classes = {}
    taken: Classes = {}
    for name, found in images.items():
        count = min(max(1, math.floor(len(found) * share + 0.5)), len(found) - 1)
        drawn = set(sorted(found, key=lambda image: _lot(image, depth))[:count])
        stays[name] = [image for image in found if image not in drawn]
        if drawn:
            taken[name] = [image for image in found if image in drawn]
    return stays, taken


def _lot(image: ImageFile, depth: int) -> bytes:
    return hashlib.sha256(image.name.split("/", depth)[-1].encode()).digest()
