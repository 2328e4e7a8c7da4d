"""What a row says of its student's inference, and what that means for its costs."""

from __future__ import annotations

from dataclasses import dataclass

from distbench.storage.rows import CostBlock, ResultBlock

_MOST = 10**9


@dataclass(frozen=True)
class Passes:
    """Passes through the student that are not of its training.

    Attributes:
        views: For each image that is judged.
        images: Train images that were shown to it to find its inference.
    """

    views: int = 1
    images: int = 0


def passes_of_inference(result: ResultBlock) -> Passes:
    """What a row declares; what cannot be so counts as not declared."""
    declared = result.declared.get("inference")
    if not isinstance(declared, dict):
        return Passes()
    views, images = declared.get("views"), declared.get("images")
    return Passes(
        len(views) if isinstance(views, list) and views else 1,
        images if type(images) is int and 0 <= images <= _MOST else 0,
    )


def single_macs(cost: CostBlock, result: ResultBlock) -> int:
    """Multiply-accumulates of one pass of one image."""
    return cost.student_macs // passes_of_inference(result).views
