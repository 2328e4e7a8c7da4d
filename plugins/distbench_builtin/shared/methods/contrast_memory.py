"""The contrast of CRD: an image's embedding is told from those of many others, remembered."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

_LITTLE = 1e-7
_DENSE = 16
"""Images for each negative up to which a product with all of them is faster."""


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
        draws = _Draws(images, others, count)
        total = mine.new_zeros((), dtype=torch.float32)
        for i, (anchor, memory) in enumerate(zip(anchors, reversed(self._memories), strict=True)):
            with torch.autocast(mine.device.type, enabled=False):
                own, rest = draws.products(anchor, memory)
                own, rest = (own / self._temperature).exp(), (rest / self._temperature).exp()
            if len(self._sizes) == i:
                drawn = own.detach().sum() + (draws.often * rest.detach()).sum()
                self._sizes.append(float(drawn) / (1 + self._negatives) / len(images) * count)
            size, noise = self._sizes[i], self._negatives / count
            total = total + _noise_contrast(own / size, rest / size, draws.often, noise)
        for anchor, memory in zip(anchors, self._memories, strict=True):
            memory[images] = F.normalize((memory[images] + anchor.detach()) / 2)
        return total


class _Draws:
    """Images of a batch and their negatives, of which one may be drawn several times.

    Where images are not many times the negatives, each image of the batch is multiplied with all
    that is remembered, and `often` (b, n) says how often each was drawn: it is the same sum, and a
    product of matrices is faster by far than one row taken after the other.

    Args:
        images: int64 (b,).
        others: int64 (b, m), the negatives of each.
        count: How many images there are, n.
    """

    def __init__(self, images: torch.Tensor, others: torch.Tensor, count: int) -> None:
        self._images, self._others = images, others
        self._all = count <= _DENSE * others.shape[1]
        if self._all:
            ones = torch.ones_like(others, dtype=torch.float32)
            zeros = ones.new_zeros(len(images), count)
            self.often = zeros.scatter_add(1, others, ones)
        else:
            self.often = torch.ones((), device=images.device)

    def products(
        self, anchor: torch.Tensor, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of an embedding (b, w) with what is remembered of its image, (b, 1), and of others."""
        own = (anchor * memory[self._images]).sum(1, keepdim=True)
        if self._all:
            return own, anchor @ memory.clone().T  # (b, n); what is remembered moves on
        return own, torch.einsum("bmw,bw->bm", memory[self._others], anchor)


def _noise_contrast(
    own: torch.Tensor, rest: torch.Tensor, often: torch.Tensor, noise: float
) -> torch.Tensor:
    """Loss of telling h of the image itself (b, 1) from h of others, drawn so often, by noise."""
    known = (own / (own + noise + _LITTLE)).log()
    rejected = often * (noise / (rest + noise + _LITTLE)).log()
    return -(known.sum(1) + rejected.sum(1)).mean()
