"""What a network costs, counted while it runs on tensors without values."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

from distbench import DistbenchError

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

COUNTED = 1
"""Raised whenever the same network would be counted differently; part of what is remembered by."""


class Cost(TypedDict):
    """What an architecture costs.

    Attributes:
        feature_dim: Pooled features.
        parameters: Trainable numbers, the classifier's included.
        macs: Multiply-accumulates of one image.
        depth: Layers with weights on the longest path.
    """

    feature_dim: int
    parameters: int
    macs: int
    depth: int


def macs_and_depth(model: torch.nn.Module, image_size: int) -> tuple[int, int]:
    """Multiply-accumulates and depth of a network.

    Args:
        model: Perhaps on the device ``meta``; it ends in evaluation mode.
        image_size: Side of the images.

    Returns:
        Multiply-accumulates of an image, and layers with weights on the longest path.
    """
    import torch

    from distbench import count_macs

    macs = count_macs(model, image_size)
    device = next(model.parameters()).device
    images = torch.zeros(1, 3, image_size, image_size, device=device)
    model.eval()
    with torch.no_grad(), _path_counter(images) as path:
        model(images)
    return macs, path.longest


def measured(
    what: str,
    make: Callable[[], torch.nn.Module],
    features: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor],
    image_size: int,
    error: type[DistbenchError],
) -> Cost:
    """Measures a network without values; one that looks at values while it is built, with them.

    Args:
        what: The network in words, for messages.
        make: Makes it on the device that is torch's default then.
        features: Pooled features (1, d) that it gives for an image.
        image_size: Side of the images.
        error: What is raised where the side does not fit.
    """
    import torch

    def on(device: str) -> Cost:
        with torch.device(device):
            model = make().eval()
            image = torch.zeros(1, 3, image_size, image_size)
        macs, depth = macs_and_depth(model, image_size)
        with torch.no_grad():
            width = features(model, image).shape[1]
        parameters = sum(p.numel() for p in model.parameters())
        return {"feature_dim": width, "parameters": parameters, "macs": macs, "depth": depth}

    try:
        return on("meta")
    except DistbenchError:
        raise
    except Exception:  # of whatever kind: libraries differ
        _log.debug("%s cannot be measured on the meta device", what, exc_info=True)
    try:
        return on("cpu")
    except (AssertionError, RuntimeError) as problem:
        reason = str(problem).strip().splitlines()[0]
        raise error(
            f"{what} does not take images of {image_size} x {image_size} pixels: {reason}"
        ) from None


def _path_counter(images: torch.Tensor) -> Any:
    """A mode that follows the data from the images and counts the weighted layers on their way."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    aten = torch.ops.aten
    layers = (aten.convolution, aten._convolution, aten.mm, aten.addmm, aten.bmm, aten.baddbmm)

    class Path(TorchDispatchMode):  # type: ignore[no-untyped-call]
        """Depth of each tensor that depends on the images."""

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.longest = 0
            # The tensors are kept: the id of one that is gone may be given to another.
            self._depths = {id(images): (0, images)}

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
            known = [self._depths[id(t)][0] for t in given if id(t) in self._depths]
            if known:
                # A product of two that both depend on the images has no weights: attention.
                weighted = func.overloadpacket in layers and len(known) == 1
                depth = max(known) + weighted
                self.longest = max(self.longest, depth)
                for t in tree_leaves(result):
                    if isinstance(t, torch.Tensor):
                        self._depths[id(t)] = (depth, t)
            return result

    return Path()
