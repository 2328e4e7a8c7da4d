"""mAP: how many of the images with the highest probability of a class show it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench import Declined, Measure
from distbench_builtin.shared.numerics.one_against_rest import over_classes


class MeanAveragePrecision(Measure):
    """Average precision of each class against all others, mean over the classes.

    Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010, without their
    interpolation: ``sum over n of (R_n - R_{n-1}) P_n`` with recall and precision of the n images
    of highest probability. Chance is the share of the class. Classes without a test image, and
    those that all images show, do not count.
    """

    needs: ClassVar = frozenset({"probabilities"})
    kinds: ClassVar = frozenset({"single", "several"})

    @property
    def title(self) -> str:
        """In words."""
        return "mean average precision"

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The mean average precision."""
        from sklearn.metrics import average_precision_score

        precisions = over_classes(labels, np.asarray(probabilities), average_precision_score)
        if not precisions:
            raise Declined("no class has both images that show it and images that do not")
        return float(np.mean(precisions))
