"""Images of 16 bits of which fewer hold anything: from cameras, scanners and x-rays."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distbench import DataError
from distbench_builtin.shared.images.deep_pixels import Values

DESCRIPTION = (
    "how many bits of 16-bit images hold something, e.g. 12 for values up to 4095; images that "
    "use them all (16) need no word"
)
_FULL = 2**14
"""Where nearly all values are below this, data do not use 16 bits."""
_HOT = 0.001
"""Share of the pixels of an image that may be brighter than data are: defects of sensors."""

_looking = threading.Lock()


class Brightness(NamedTuple):
    """How bright an image is.

    Attributes:
        peak: The largest value but for a thousandth of the pixels; where that is black, of all.
        largest: The largest of all.
    """

    peak: int
    largest: int


BLACK = Brightness(0, 0)


def brightness(values: Values) -> Brightness:
    """Of the values of an image, (h, w) or (h, w, c); alpha does not count."""
    colours = values if values.ndim == 2 else values[..., : 3 if values.shape[-1] > 2 else 1]
    if not colours.size:
        return BLACK
    largest = int(colours.max())
    place = max(min(int((1 - _HOT) * (colours.size - 1)), colours.size - 2), 0)
    return Brightness(int(np.partition(colours, place, axis=None)[place]) or largest, largest)


class Depth:
    """How the 16-bit images of one task are brought to 8 bits: all of them in the same way.

    Args:
        bits: How many hold something, if it was said.
        sample: How bright some images of the task are, one after the other; those with 8 bits do
            not matter.
        where: What holds the images, for messages.
    """

    def __init__(
        self, bits: int | None, sample: Callable[[], Iterable[Brightness]], where: str
    ) -> None:
        self._bits = bits
        self._sample = sample
        self._where = where
        self._peak: int | None = None

    def check(self) -> None:
        """Looks at the sample alone, so that a plan refuses what a run would refuse later.

        Raises:
            DataError: Nothing was said of bits, and images of the sample are as dim as those that
                `eight_bits` refuses.
        """
        if self._bits is None and 0 < (most := self._brightest()) < _FULL:
            raise DataError(
                f"the 16-bit images of {self._where} seem to use fewer bits: a sample of them "
                f"holds no value above {most} (but for a thousandth of the pixels). {_say(most)}"
            )

    def eight_bits(self, values: Values, name: str) -> NDArray[np.uint8]:
        """The upper 8 of the bits that are used; single brighter pixels become the brightest.

        Args:
            values: Of an image, (h, w) or (h, w, c).
            name: What the image is called in messages.

        Raises:
            DataError: Its values do not fit the bits that were said; or none were said, and it
                and others of its task are so dim that most of what they hold would be lost.
        """
        bits = self._used(brightness(values), name)
        return upper_bits(values, bits)

    def _used(self, own: Brightness, name: str) -> int:
        if self._bits is not None:
            if own.peak >> self._bits:
                raise DataError(
                    f"image {name!r} of {self._where} holds the value {own.largest}, and more than "
                    f"a thousandth of its pixels more than bits={self._bits} can hold; say "
                    f"bits={own.peak.bit_length()} or more"
                )
            return self._bits
        if own.largest == 0 or own.peak >= _FULL or self._brightest() >= _FULL:
            return 16
        most = max(own.peak, self._brightest())
        raise DataError(
            f"the 16-bit images of {self._where} seem to use fewer bits: {name!r} holds no value "
            f"above {own.peak} (but for a thousandth of its pixels; the largest is {own.largest}), "
            f"a sample of them none above {most}. {_say(most)}"
        )

    def _brightest(self) -> int:
        """The largest peak in the sample, or one that shows that all bits are used."""
        with _looking:
            if self._peak is None:
                self._peak = 0
                for own in self._sample():
                    self._peak = max(self._peak, own.peak)
                    if self._peak >= _FULL:
                        break
            return self._peak


def _say(most: int) -> str:
    return (
        f"Say how many bits hold something with bits={max(most.bit_length(), 8)} or more; bits=16 "
        "if they are meant to be dark"
    )


def upper_bits(values: Values, bits: int) -> NDArray[np.uint8]:
    """The upper 8 of some bits; what they cannot hold becomes the brightest."""
    return np.asarray(np.minimum(values, 2**bits - 1) >> (bits - 8), dtype=np.uint8)


def with_bits(fingerprint: str, bits: int | None) -> str:
    """A fingerprint of images as they are read: the same files give other pixels under other bits.

    Args:
        fingerprint: Of the files.
        bits: As they were said; where they were not, the fingerprint stays what it is.
    """
    if bits is None:
        return fingerprint
    return hashlib.sha256(f"{fingerprint} bits={bits}".encode()).hexdigest()


def note_of_bits(bits: int | None) -> list[str]:
    """What is said where the bits were."""
    if bits is None:
        return []
    return [
        f"16-bit images are read as {bits}-bit ones (bits={bits}), single brighter pixels as the "
        "brightest"
    ]
