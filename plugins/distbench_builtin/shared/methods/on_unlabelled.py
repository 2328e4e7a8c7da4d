"""Methods each step of which has unlabelled images beside the labelled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING


class OnUnlabelled:
    """Of a method with the field `ratio`: unlabelled images for each labelled one."""

    if TYPE_CHECKING:
        ratio: int

    def step_images(self, batch: int) -> float:
        """Those with labels and those without."""
        return batch * (1 + self.ratio)
