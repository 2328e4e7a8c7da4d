"""Images of 16 bits of which fewer hold anything: from cameras, scanners and x-rays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from distbench import DataError

DESCRIPTION = (
    "how many bits of 16-bit images hold something, e.g. 12 for values up to 4095; images that "
    "use them all (16) need no word"
)
_FULL = 2**14
"""A largest value below this is not of data that use 16 bits."""

_looking = threading.Lock()


class Depth:
    """How the 16-bit images of one task are brought to 8 bits: all of them in the same way.

    Args:
        bits: How many hold something, if it was said.
        peaks: Largest values of some images of the task, one after the other; those of images
            with 8 bits do not matter.
        where: What holds the images, for messages.
    """

    def __init__(self, bits: int | None, peaks: Callable[[], Iterable[int]], where: str) -> None:
        self._bits = bits
        self._peaks = peaks
        self._where = where
        self._largest: int | None = None

    def shift(self, largest: int, name: str) -> int:
        """By how many bits the values of an image are too many.

        Args:
            largest: Of its values.
            name: What the image is called in messages.

        Raises:
            DataError: Its values do not fit the bits that were said; or none were said, and it
                and others of its task are so dim that most of what they hold would be lost.
        """
        if self._bits is not None:
            if largest >> self._bits:
                raise DataError(
                    f"image {name!r} of {self._where} holds the value {largest}, more than "
                    f"bits={self._bits} can hold; say bits={largest.bit_length()} or more"
                )
            return self._bits - 8
        if largest == 0 or largest >= _FULL or self._most() >= _FULL:
            return 8
        most = max(largest, self._most())
        raise DataError(
            f"the 16-bit images of {self._where} seem to use fewer bits: {name!r} holds no value "
            f"above {largest}, a sample of them none above {most}. Say how many bits hold "
            f"something with bits={max(most.bit_length(), 8)} or more; bits=16 if they are meant "
            "to be dark"
        )

    def _most(self) -> int:
        """The largest value in the sample, or one that shows that all bits are used."""
        with _looking:
            if self._largest is None:
                self._largest = 0
                for peak in self._peaks():
                    self._largest = max(self._largest, peak)
                    if self._largest >= _FULL:
                        break
            return self._largest


def note_of_bits(bits: int | None) -> list[str]:
    """What is said where the bits were."""
    return [] if bits is None else [f"16-bit images are read as {bits}-bit ones (bits={bits})"]
