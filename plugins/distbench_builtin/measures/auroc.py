"""AUROC: how well probabilities tell each class from the others, whatever the threshold."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench import Declined, Measure
from distbench_builtin.shared.numerics.one_against_rest import over_classes


class AUROC(Measure):
    """Area under the ROC curve of each class against all others, mean over the classes.

    Hanley and McNeil, "The Meaning and Use of the Area under a Receiver Operating Characteristic
    (ROC) Curve", Radiology 1982: the chance that an image of the class has a higher probability of
    it than another image, ties counting half. 50 % is chance, whatever the sizes of the classes.
    The usual measure of chest X-rays. Classes without a test image, and those that all images
    show, do not count.
    """

    needs: ClassVar = frozenset({"probabilities"})
    kinds: ClassVar = frozenset({"single", "several"})

    @property
    def title(self) -> str:
        """As it is written."""
        return "AUROC"

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The mean area."""
        from sklearn.metrics import roc_auc_score

        areas = over_classes(labels, np.asarray(probabilities), roc_auc_score)
        if not areas:
            raise Declined("no class has both images that show it and images that do not")
        return float(np.mean(areas))
