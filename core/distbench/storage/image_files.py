"""Which files are images: suffixes, formats, and HEIF where the package that reads it is there."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

HEIF_SUFFIXES = frozenset({".heic", ".heif"})
"""Images as iPhones keep them, which Pillow reads with the package pillow-heif."""
_READS_HEIF = find_spec("pillow_heif") is not None

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
) | (HEIF_SUFFIXES if _READS_HEIF else frozenset())
"""What is taken for an image, in lower case."""

IMAGE_FORMATS = (
    *("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM"),
    *(("HEIF",) if _READS_HEIF else ()),
)
"""What is tried, whatever a file is called: a suffix may lie. None of them starts a program."""


@cache
def learn_heif() -> None:
    """Has Pillow read HEIF files too, where the package for it is installed.

    Example::

        >>> learn_heif()
    """
    if _READS_HEIF:
        from pillow_heif import register_heif_opener

        register_heif_opener()
