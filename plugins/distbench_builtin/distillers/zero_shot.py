"""Teach the student what models of images and texts say from the names of the classes alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from distbench import Distiller, MethodContext, Need, searched
from distbench_builtin.shared.methods.on_unlabelled import OnUnlabelled
from distbench_builtin.shared.methods.parameters import (
    head_rate,
    joint_rate,
    label_share,
    unlabelled_ratio,
    unlabelled_view,
    weight_penalty,
)
from distbench_builtin.shared.methods.prompts import class_head, templates
from distbench_builtin.shared.methods.with_labels import phase_with_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from distbench import Phase


class ZeroShotDistillation(OnUnlabelled, Distiller):
    """Learns the labels, and on unlabelled images what text-and-image models say of the classes.

    The teachers are classifiers made of the classes' names (Radford et al., "Learning Transferable
    Visual Models From Natural Language Supervision", ICML 2021); they have learnt no label of the
    task. Of several weighted sources the probabilities are mixed. The student's loss is

        lam * CE(labels) + (1 - lam) * mean over unlabelled images of CE(p, q)

    with p = softmax(logits / temperature) of the teachers and q the student's prediction on a view;
    that, and the defaults, are ours. Sources that read no texts are left out, and a task whose
    classes are numbers is declined.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features", "text"})

    templates: tuple[str, ...] = templates()
    temperature: float = searched(
        1.0, low=0.25, high=8, log=True, gt=0, description="divides the teachers' logits"
    )
    lam: float = label_share()
    view: Literal["weak", "strong"] = unlabelled_view()
    lr: float = joint_rate()
    head_lr: float = head_rate()
    ratio: int = unlabelled_ratio()
    weight_decay: float = weight_penalty()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and unlabelled ones with the teachers' probabilities."""
        return [phase_with_labels(self, context, self.targets(context))]

    def targets(self, context: MethodContext) -> NDArray[np.float32]:
        """Probabilities (n, C) of the target classes under the weighted sources.

        Raises:
            Declined: Classes have no names that can be read.
        """
        from scipy.special import softmax

        total = np.zeros((len(context.labels), context.num_classes), np.float32)
        for source in context.sources:
            read = partial(context.text_head, source.info.name)
            head = class_head(context.classes, self.templates, read)
            logits = head.logits(source.embedding.features)  # (n, C)
            total += np.float32(source.weight) * softmax(logits / self.temperature, axis=1)
        return total
