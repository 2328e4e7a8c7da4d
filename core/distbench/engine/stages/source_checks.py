"""Whether a source gives what its facts promise: tried on its first images, before any number."""

from __future__ import annotations

import torch

from distbench.errors import WeightsError
from distbench.interfaces.zoo import Forward, SourceInfo

Outputs = tuple[torch.Tensor, torch.Tensor]

TOLERANCE = {"fp32": 1e-2, "tf32": 2e-2, "fp16": 5e-2, "bf16": 1e-1}
"""How much two passes may differ, as a share of the largest number, by precision."""
_MANY = 8
"""Images from which on what all of them have in common is no chance."""
_LOW = 0.05


def checked_outputs(info: SourceInfo, forward: Forward, images: torch.Tensor) -> Outputs:
    """Features and logits of a batch, in the declared shapes.

    They are copies: a source may write its next outputs into the same memory, as one that runs a
    recorded graph does, while these are still to be compared or stored.

    Args:
        info: Facts about the source.
        forward: The source, opened.
        images: Normalised images (b, 3, s, s).

    Raises:
        WeightsError: It gives something else.
    """
    outputs = forward(images)
    kinds = [type(o).__name__ for o in outputs] if isinstance(outputs, (tuple, list)) else []
    if len(kinds) != 2 or not all(isinstance(output, torch.Tensor) for output in outputs):
        shown = f"{type(outputs).__name__} of {', '.join(kinds)}" if kinds else type(outputs)
        raise WeightsError(
            f"source {info.name!r} gives {shown}; two tensors are wanted, features and logits"
        )
    features, logits = outputs
    for what, tensor, fact, width in (
        ("features", features, "feature_dim", info.feature_dim),
        ("logits", logits, "num_classes", info.num_classes),
    ):
        if tuple(tensor.shape) != (len(images), width):
            raise WeightsError(
                f"source {info.name!r} gives {what} of shape {tuple(tensor.shape)} for "
                f"{len(images)} images; its {fact} = {width} means ({len(images)}, {width}): "
                "correct one of the two"
            )
        if not tensor.is_floating_point():
            raise WeightsError(
                f"source {info.name!r} gives {what} of {tensor.dtype}; give floating-point numbers "
                "from before they are rounded or ranked"
            )
    return features.clone(), logits.clone()


@torch.inference_mode()
def check_source(
    info: SourceInfo,
    forward: Forward,
    images: torch.Tensor,
    outputs: Outputs,
    precision: str = "fp32",
) -> None:
    """Refuses a source whose numbers would be wrong without anybody's noticing.

    Three images are run again, one of them twice: alone and with another one they must give what
    they gave in their batch. Features must depend on the image, and logits must not be
    probabilities already.

    Args:
        info: Facts about the source.
        forward: The source, opened.
        images: A batch, normalised (b, 3, s, s).
        outputs: What it gave on it.
        precision: What it is computed in, as of `effective`.

    Raises:
        WeightsError: Outputs depend on the rest of a batch or not on the image, or are
            probabilities.
    """
    for some in (images[:1], images[:2]):
        again = checked_outputs(info, forward, some)
        for what, whole, part in zip(("features", "logits"), outputs, again, strict=True):
            if not close(whole[: len(some)], part, TOLERANCE[precision]):
                raise WeightsError(
                    f"source {info.name!r}: the {what} of an image depend on the others of its "
                    f"batch, or differ from pass to pass ({len(some)} alone, {len(images)} "
                    "together); save it in evaluation mode (eval()), with the batch as first axis "
                    "of its outputs, and not quantised dynamically, by each batch's own range"
                )
    _check_features(info, images, outputs[0])
    _check_logits(info, outputs[1].float())


def close(whole: torch.Tensor, part: torch.Tensor, share: float) -> bool:
    """Whether two outputs differ by no more than a share of the largest number of the first.

    Numbers that are not finite may be so in both.
    """
    one, other = whole.float().cpu(), part.float().cpu()
    if not (one.isfinite().all() and other.isfinite().all()):
        return bool(one.isfinite().all() == other.isfinite().all())
    largest = one.abs().max().clamp_min(1e-12) if one.numel() else torch.tensor(1.0)
    return bool(((one - other).abs() <= share * largest).all())


def _check_features(info: SourceInfo, images: torch.Tensor, features: torch.Tensor) -> None:
    """Refuses a network that gives different images the same features, as one of zeros does."""
    if len(images) >= _MANY and _all_alike(features) and not _all_alike(images):
        raise WeightsError(
            f"source {info.name!r} gives all of {len(images)} images the same features; its "
            "weights, or its mean and std, are not those that it was trained with"
        )


def _all_alike(rows: torch.Tensor) -> bool:
    return bool((rows == rows[:1]).all())


def _check_logits(info: SourceInfo, logits: torch.Tensor) -> None:
    """Refuses probabilities: a second softmax or sigmoid would flatten them.

    Rows that sum to 1 are those of a softmax, many that sum to the same those of one in percent.
    Numbers that lie in 0..1 and fill it are those of a sigmoid, or of a softmax of which a class
    was cut off; logits of a weak network may lie there too, but keep away from its ends.
    """
    if not logits.numel() or info.activation == "none" or not (logits >= 0).all():
        return
    many, whole = len(logits) >= _MANY, logits.sum(1)  # (b,)
    total = float(whole[0]) if many else 1.0
    sums = ((whole - total).abs() < 1e-2 * total).all() and info.num_classes > 1
    fills = many and logits.min() < _LOW and 1 - _LOW < logits.max() <= 1
    if sums or fills:
        raise WeightsError(
            f"source {info.name!r} gives probabilities where logits are meant; take its last "
            'softmax or sigmoid away, or declare activation = "none" to use its features alone'
        )
