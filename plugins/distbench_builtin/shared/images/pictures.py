"""Images that show one picture, though their bytes differ: what `copies=together` asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench import CorruptImageError, usable_cores
from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.caching.list_digest import list_digest
from distbench_builtin.shared.images.decode import decode
from distbench_builtin.shared.images.folder_tree import ImageFile

SIDE = 64
"""Short side that images may be decoded at for this, in pixels."""
_BLANK = np.zeros((16, 16, 3), dtype=np.uint8)


def pictures(
    key: Mapping[str, Any], count: int, read: Callable[[int], NDArray[np.uint8]]
) -> list[str]:
    """The name of the picture that each image shows; of one that cannot be decoded its own.

    All images are decoded, once: what is found is remembered below ``$DISTBENCH_HOME``.

    Args:
        key: What says which images these are.
        count: How many.
        read: Decodes one, (h, w, 3).
    """
    from distbench import first_alike, thumbnail

    def small(position: int) -> NDArray[np.uint8]:
        try:
            return thumbnail(read(position))
        except CorruptImageError:  # it is told of when the images are read in earnest
            return _BLANK

    def find() -> dict[str, Any]:
        with ThreadPoolExecutor(usable_cores()) as pool:
            found = list(pool.map(small, range(count)))
        return {"first": first_alike(np.array(found).reshape(-1, *_BLANK.shape))}

    first = remembered("pictures", {"version": 1, **key}, find)["first"]
    return [f"picture {number}" for number in first]


def pictures_of_files(root: Path, images: Sequence[ImageFile], digests: Sequence[str]) -> list[str]:
    """The same of image files below a folder, by the digests of their content."""

    def read(position: int) -> NDArray[np.uint8]:
        image = images[position]
        return decode(root / image.place, image.name, SIDE)

    return pictures({"images": list_digest(digests).hexdigest()}, len(images), read)


def note_of_pictures(names: Sequence[str]) -> list[str]:
    """What is said of images that show the picture of another one."""
    if not (more := len(names) - len(set(names))):
        return []
    return [
        f"{more} of {len(names)} images show the same picture as another, byte for byte or saved "
        "again in another format, quality or size; they stay in one part"
    ]
