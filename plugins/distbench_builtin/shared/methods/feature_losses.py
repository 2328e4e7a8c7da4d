"""Ways to match features and layers: b images, k channels, h and w cells, d features.

====================  =====================================================================
`hint_loss`           FitNets: a layer itself, relative to its size
`attention_loss`      attention transfer: where a layer is active
`relational_loss`     RKD: distances and angles between the images of a batch
====================  =====================================================================
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

_NEAR = 1e-6
"""Squared distance, as a share of the mean one, below which two images are the same."""


def hint_loss(mine: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Squared error of a map (b, k, h, w) divided by the mean square of what it is to be.

    Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015; the division, which gives
    sources of any scale one, is ours. Both maps are pooled to the smaller one's cells.
    """
    mine, theirs = _alike(mine.float(), theirs.float())
    return F.mse_loss(mine, theirs) / theirs.square().mean().clamp_min(1e-12)


def attention_loss(mine: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Squared distance of normalised attention maps, the mean over the images.

    Zagoruyko and Komodakis, "Paying More Attention to Attention", ICLR 2017: the mean over the
    channels of squared activations, as a vector of unit length. Their code has the mean over the
    cells where this has the sum. Both maps are pooled to the smaller one's cells.

    Args:
        mine: (b, k, h, w).
        theirs: (b, k', h', w').
    """
    maps = _alike(*(x.float().square().mean(1, keepdim=True) for x in (mine, theirs)))
    one, other = (F.normalize(x.flatten(1)) for x in maps)  # (b, h w)
    return (one - other).square().sum(1).mean()


def _alike(one: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both maps with the smaller number of cells in height and width."""
    cells = (min(one.shape[2], other.shape[2]), min(one.shape[3], other.shape[3]))
    return F.adaptive_avg_pool2d(one, cells), F.adaptive_avg_pool2d(other, cells)


def relational_loss(mine: torch.Tensor, theirs: torch.Tensor, angle: float) -> torch.Tensor:
    """Huber loss of all distances, plus `angle` times that of all angles, between images.

    Park et al., "Relational Knowledge Distillation", CVPR 2019: distances are divided by their mean
    over pairs that are apart; angles are cosines at one image between two others. As in the
    authors' code the means are over all pairs and triples, those of equal images counted as 0.

    Args:
        mine: Features (b, d).
        theirs: (b, d'); the widths may differ.
        angle: Weight of the angles; published 2.
    """
    # In half precision differences of inner products would be round-off.
    with torch.autocast(mine.device.type, enabled=False):
        (distances, angles), (wanted, cosines) = (_relations(x.float()) for x in (mine, theirs))
    loss = F.smooth_l1_loss(distances, wanted)
    return loss + angle * F.smooth_l1_loss(angles, cosines) if angle else loss


def _relations(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Distances (b, b) with a mean of 1, and cosines (b, b, b) at the first of three images."""
    x = x - x.mean(0)
    gram = x @ x.T  # (b, d) @ (d, b) -> (b, b)
    own = gram.diagonal()
    squares = own[:, None] + own[None, :] - 2 * gram
    apart = squares > _NEAR * squares.mean()
    apart = apart & ~torch.eye(len(x), dtype=torch.bool, device=x.device)
    # The root of 0 has no slope: equal images get 1 under it, and 0 afterwards.
    lengths = torch.where(apart, squares, 1.0).sqrt()
    distances = torch.where(apart, lengths, 0.0)
    # <x_j - x_i, x_k - x_i> = G_jk - G_ij - G_ik + G_ii, (b, b, b)
    inner = gram[None] - gram[:, :, None] - gram[:, None, :] + own[:, None, None]
    both = apart[:, :, None] & apart[:, None, :]
    cosines = torch.where(both, inner / (lengths[:, :, None] * lengths[:, None, :]), 0.0)
    return distances * (apart.sum() / distances.sum().clamp_min(1e-12)), cosines
