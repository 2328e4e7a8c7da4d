"""Mixtures of images and of their labels, made within a loss from the images of a batch."""

from __future__ import annotations

import torch


def mixup(
    images: torch.Tensor, targets: torch.Tensor, alpha: float = 0.2
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each image mixed with another one of the batch (Zhang et al., "mixup", ICLR 2018).

    Args:
        images: (b, 3, s, s).
        targets: (b, c) probabilities, for example ``one_hot(labels, c).float()``.
        alpha: Both parameters of the beta distribution of the share, one draw for the batch.

    Returns:
        Images and targets, of the same shapes.

    Example::

        >>> images, targets = torch.rand(8, 3, 32, 32), torch.eye(2)[torch.arange(8) % 2]
        >>> mixed, shares = mixup(images, targets)
        >>> mixed.shape == images.shape and bool(shares.sum(1).allclose(torch.ones(8)))
        True
    """
    share, other = _share(alpha), torch.randperm(len(images)).to(images.device)
    return (
        share * images + (1 - share) * images[other],
        share * targets + (1 - share) * targets[other],
    )


def cutmix(
    images: torch.Tensor, targets: torch.Tensor, alpha: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """A box of each image from another one of the batch (Yun et al., "CutMix", ICCV 2019).

    Args:
        images: (b, 3, s, s).
        targets: (b, c) probabilities.
        alpha: Both parameters of the beta distribution of the share that stays, one draw for the
            batch; the share that counts is that of the pixels.

    Returns:
        Images and targets, of the same shapes.

    Example::

        >>> images, targets = torch.rand(8, 3, 32, 32), torch.eye(2)[torch.arange(8) % 2]
        >>> mixed, shares = cutmix(images, targets)
        >>> mixed.shape == images.shape and bool(shares.sum(1).allclose(torch.ones(8)))
        True
    """
    other, side = torch.randperm(len(images)).to(images.device), images.shape[-1]
    half = (1 - _share(alpha)) ** 0.5 * side / 2
    centre = torch.rand(2) * side
    top, left = (centre - half).round().long().clamp(0, side).tolist()
    bottom, right = (centre + half).round().long().clamp(0, side).tolist()
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[other, :, top:bottom, left:right]
    share = 1 - (bottom - top) * (right - left) / side**2
    return mixed, share * targets + (1 - share) * targets[other]


def _share(alpha: float) -> float:
    if not alpha > 0:
        raise ValueError(f"alpha is {alpha}; it is above 0")
    # From torch's generator, which training seeds and keeps: a beta is a share of two gammas.
    one, other = torch._standard_gamma(torch.full((2,), alpha, dtype=torch.float64)).tolist()
    return float(one / (one + other)) if one + other else 1.0
