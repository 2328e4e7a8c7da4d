"""A linear classifier on all weighted sources at once; the student learns what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from distbench import Distiller, MethodContext, Need
from distbench_builtin.shared.methods.joint_classifier import probabilities, settle
from distbench_builtin.shared.methods.on_unlabelled import OnUnlabelled
from distbench_builtin.shared.methods.parameters import (
    head_rate,
    joint_rate,
    label_share,
    unlabelled_ratio,
    unlabelled_view,
    weight_penalty,
)
from distbench_builtin.shared.methods.with_labels import phase_with_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from distbench import Phase

_SHARPNESS = (1.0, 0.5, 2.0, 4.0, 0.0)
_PENALTIES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_CERTAINTY = (1.0, 2.0, 0.5, 4.0, 0.25)
"""What is tried where it is to be chosen; the first of equally good ones is taken."""
_PENALTY = 1e-3
"""Where no labelled image can be left out."""
_FOLDS = 5


class JointLinear(OnUnlabelled, Distiller):
    """Fits one linear classifier to the features of all weighted sources; learns what it says.

    Our own: `label_propagation` with another teacher. The sources' features, standardised over the
    pool and weighted by alpha_s^sharpness, stand beside one another, of unit length; multinomial
    logistic regression is fitted to them on the labelled images alone. The student learns

        lam * CE(labels) + (1 - lam) * mean over unlabelled images of CE(p^certainty / sum, q)

    with p the classifier's probabilities and q the student's prediction on a view, as
    `label_propagation` has it. The two differ in the teacher: there the labels spread over a graph
    of labelled and unlabelled images, here the unlabelled ones say no more than how features are
    scaled. What `label_propagation` gains over this is owed to its graph, and what this gains over
    `task_oriented` is owed to asking the sources together.

    It is ranked and no control, since nothing is withheld from it: it uses metric and strategy
    and all images as the others do, and leaving it out of the ranks would flatter our own method.

    What is ``chosen`` is chosen for each task by cross-validation in five parts on labelled images:
    sharpness and penalty that are most often right on what is left out, certainty under which
    these labels are likeliest. Of more than 1000 labelled images 1000 are looked at. With one
    image a class there is nothing to leave out, and sharpness 1, penalty 0.001 and certainty 1 are
    taken. Needs features only; sources are run once, on plain images.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})

    penalty: Annotated[float, Field(gt=0)] | Literal["chosen"] = Field(
        "chosen", description="on the classifier's squared weights"
    )
    sharpness: Annotated[float, Field(ge=0)] | Literal["chosen"] = Field(
        "chosen", description="power of the weights in the features"
    )
    certainty: Annotated[float, Field(gt=0)] | Literal["chosen"] = Field(
        "chosen", description="power of what is learnt; above 1 sharper"
    )
    lam: float = label_share()
    view: Literal["weak", "strong"] = unlabelled_view()
    lr: float = joint_rate()
    head_lr: float = head_rate()
    ratio: int = unlabelled_ratio()
    weight_decay: float = weight_penalty()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and unlabelled ones with the classifier's answers."""
        return [phase_with_labels(self, context, self.targets(context))]

    def targets(self, context: MethodContext) -> NDArray[np.float32]:
        """Class probabilities (n, C) of the pool's images; 0 for all others."""
        pool = np.union1d(context.unlabelled, context.labelled)
        labels = context.labels[context.labelled]
        features = [source.embedding.features for source in context.sources]
        weights = [source.weight for source in context.sources]
        sharpness, penalty, certainty = self.settled(context, pool)
        said = probabilities(
            features,
            [weight**sharpness for weight in weights],
            pool,
            context.labelled,
            labels,
            context.num_classes,
            penalty,
        )
        said[np.searchsorted(pool, context.labelled)] = np.eye(context.num_classes)[labels]
        said **= certainty
        targets = np.zeros((len(context.labels), context.num_classes), dtype=np.float32)
        targets[pool] = said / said.sum(1, keepdims=True)  # (p, C)
        return targets

    def settled(
        self, context: MethodContext, pool: NDArray[np.int64]
    ) -> tuple[float, float, float]:
        """Sharpness, penalty and certainty, where they are to be chosen by cross-validation."""
        powers = _SHARPNESS if self.sharpness == "chosen" else (self.sharpness,)
        penalties = _PENALTIES if self.penalty == "chosen" else (self.penalty,)
        surely = _CERTAINTY if self.certainty == "chosen" else (self.certainty,)
        if len(powers) == len(penalties) == len(surely) == 1:
            return powers[0], penalties[0], surely[0]
        found = settle(
            [source.embedding.features for source in context.sources],
            [source.weight for source in context.sources],
            pool,
            context.labelled,
            context.labels[context.labelled],
            context.num_classes,
            sharpness=powers,
            penalties=penalties,
            folds=_FOLDS,
            seed=context.seed_for("choice"),
        )
        if found.choice is None:
            usual = _PENALTY if self.penalty == "chosen" else self.penalty
            return powers[0], usual, surely[0]
        return found.sharpness, found.penalty, max(surely, key=found.choice.likelihood)
