"""Random numbers that are the same bits on every machine.

NumPy promises the stream of raw PCG64 words, but neither the algorithms of ``Generator`` nor the
last bit of transcendental functions. Everything random in the suite therefore comes from raw
words, turned into floats by shifts and by multiplications with exact powers of two.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
WordArray = npt.NDArray[np.uint64]

_UNIT = 1.0 / 9007199254740992.0  # 2 ** -53
_SIXTEEN_PAIRS = np.uint64(0x00FF00FF00FF00FF)
_LOW_HALVES = np.uint64(0x0000FFFF0000FFFF)
_LOW_WORD = np.uint64(0xFFFFFFFF)


# Standard deviation of the sum of four independent uniform bytes: sqrt(4 * (256**2 - 1) / 12).
_GRAIN_SD = 147.79941361
_GRAIN_MEAN = 510.0


def digest(*key: object) -> int:
    """Hash a key to a 128-bit integer, the same in every process and on every machine."""
    text = "\x1f".join(str(part) for part in key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


class Bits:
    """A stream of random values for a batch of images.

    Args:
        images: Number of images in the batch; the first axis of everything drawn.
        *key: What the stream is for. Equal keys give equal streams.
    """

    def __init__(self, images: int, *key: object) -> None:
        self.images = images
        self._source = np.random.PCG64(digest(*key))

    def words(self, *shape: int) -> WordArray:
        """Draw raw 64-bit words of shape ``(images, *shape)``."""
        full = (self.images, *shape)
        total = 1
        for side in full:
            total *= side
        return np.asarray(self._source.random_raw(total), dtype=np.uint64).reshape(full)

    def uniform(self, low: float, high: float, *shape: int) -> FloatArray:
        """Draw floats from ``[low, high)``; without a shape, one per image as a 1x1 plane."""
        unit = (self.words(*(shape or (1, 1))) >> np.uint64(11)).astype(np.float64) * _UNIT
        return low + (high - low) * unit

    def choice(self, options: int, *shape: int) -> IntArray:
        """Draw integers from ``[0, options)``; without a shape, one per image."""
        high = self.words(*shape) >> np.uint64(32)
        return ((high * np.uint64(options)) >> np.uint64(32)).astype(np.int64)

    def coin(self, chance: float, *shape: int) -> BoolArray:
        """Draw booleans, true with the given chance; without a shape, one per image as a plane."""
        return self.uniform(0.0, 1.0, *shape) < chance

    def grain(self, *shape: int) -> FloatArray:
        """Draw bell-shaped noise of mean 0 and variance 1; the number per image must be even."""
        total = 1
        for side in shape:
            total *= side
        words = self.words(total // 2)
        # Each word holds eight bytes: add them in parallel to two sums of four bytes each.
        pairs = (words & _SIXTEEN_PAIRS) + ((words >> np.uint64(8)) & _SIXTEEN_PAIRS)
        fours = (pairs & _LOW_HALVES) + ((pairs >> np.uint64(16)) & _LOW_HALVES)
        sums = np.concatenate([fours & _LOW_WORD, fours >> np.uint64(32)], axis=1)
        noise = sums.astype(np.float64)
        noise -= _GRAIN_MEAN
        noise /= _GRAIN_SD
        return noise.reshape((self.images, *shape))
