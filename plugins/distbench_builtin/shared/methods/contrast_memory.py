"""The contrast of CRD: an image's embedding is told from those of many others, remembered."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

_LITTLE = 1e-7


class ContrastMemory:
    """Embeddings of all images by student and teacher, and the loss that is taken from them.

    Tian, Krishnan and Isola, "Contrastive Representation Distillation", ICLR 2020, in the form of
    the authors' code: noise-contrastive estimation with h = exp(cosine / temperature) / Z, Z the
    mean over the first batch times the number of images; the student's embedding against what is
    remembered of the teacher's, and the other way round. Memories move halfway in each step. An
    image is never among its own negatives, which there happens by chance.

    Args:
        images: How many there are, n, 2 at least.
        width: Of the embeddings.
        negatives: Drawn for each image of a batch, with replacement.
        temperature: Divides cosines.
    """

    def __init__(self, images: int, width: int, negatives: int, temperature: float) -> None:
        self._negatives, self._temperature = negatives, temperature
        bound = 1 / math.sqrt(width / 3)
        self._memories = [(2 * torch.rand(images, width) - 1) * bound for _ in range(2)]
        self._sizes: list[float] = []

    def loss(self, mine: torch.Tensor, theirs: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """The loss of both directions, the mean over the batch; what is remembered moves on.

        Args:
            mine: (b, width), the student's embeddings.
            theirs: (b, width), the teacher's.
            images: int64 (b,), which images they are, 0 .. n - 1.
        """
        anchors = [F.normalize(x.float()) for x in (mine, theirs)]
        self._memories = [memory.to(mine.device) for memory in self._memories]
        count = len(self._memories[0])
        others = torch.randint(count - 1, (len(images), self._negatives)).to(images.device)
        others = others + (others >= images[:, None])  # (b, m), all but the image itself
        rows = torch.cat([images[:, None], others], 1)  # (b, 1 + m)
        total = mine.new_zeros((), dtype=torch.float32)
        for i, (anchor, memory) in enumerate(zip(anchors, reversed(self._memories), strict=True)):
            with torch.autocast(mine.device.type, enabled=False):
                h = (torch.einsum("bmw,bw->bm", memory[rows], anchor) / self._temperature).exp()
            if len(self._sizes) == i:
                self._sizes.append(float(h.detach().mean()) * count)
            total = total + _noise_contrast(h / self._sizes[i], count)
        for anchor, memory in zip(anchors, self._memories, strict=True):
            memory[images] = F.normalize((memory[images] + anchor.detach()) / 2)
        return total


def _noise_contrast(h: torch.Tensor, count: int) -> torch.Tensor:
    """Loss of telling the first column of h (b, 1 + m) from m drawn evenly from `count` images."""
    noise = (h.shape[1] - 1) / count
    own = (h[:, 0] / (h[:, 0] + noise + _LITTLE)).log()
    rest = (noise / (h[:, 1:] + noise + _LITTLE)).log()
    return -(own + rest.sum(1)).mean()
