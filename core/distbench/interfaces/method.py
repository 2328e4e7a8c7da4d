"""The contracts of distillers, which learn from weighted sources, and of baselines without any."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from distbench.interfaces.component import Component
from distbench.interfaces.measure import Target
from distbench.interfaces.metric import Need

if TYPE_CHECKING:
    import torch

    from distbench.interfaces.context import MethodContext, Transfer
    from distbench.interfaces.training.inference import Inference, TrainedStudent
    from distbench.interfaces.training.phase import Phase

Initialisation = Literal["pretrained", "random", "source"]
LearnsFrom = Literal["weighted", "generalist"]


class Method(Component, ABC):
    """What is trained in a cell: a distiller or a baseline.

    Attributes:
        initialisation: What is trained: the student from its pretrained or from random weights, or
            the heaviest source itself with a new classifier (for a ceiling).
        kinds: On which tasks it is defined, as `Measure.kinds` says it. One that names ``several``
            is asked for phases there too, with `Context.several` and labels (n, c).
    """

    initialisation: ClassVar[Initialisation] = "pretrained"
    kinds: ClassVar[frozenset[Target]] = frozenset({"single"})

    @abstractmethod
    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """The phases of training, run by the engine one after the other.

        Args:
            context: Labelled, unlabelled and validation images, embeddings and weights; never
                the test part.

        Raises:
            Declined: The method cannot be used here.
        """

    def step_images(self, batch: int) -> float:
        """About how many images of a step go through the student, forward and backward.

        Said before anything is trained, so that a run can tell how long it will take; what is
        counted in a row is what happened.

        Args:
            batch: Labelled images of a step.
        """
        return batch

    def build_head(self, num_features: int, num_classes: int) -> torch.nn.Module | None:
        """The student's head, from features (b, d) to logits (b, c); None for a linear layer.

        Called whenever a student is built, also for its export, so it depends on nothing but the
        widths and the method's own parameters. In evaluation mode the logits of an image depend on
        its features and the head's weights and persistent buffers alone.

        Args:
            num_features: Width d of the features.
            num_classes: Number of classes c.
        """
        return None

    def inference(self, context: MethodContext, student: TrainedStudent) -> Inference | None:
        """How logits are made at evaluation; None for those of one plain view as they are.

        Called when training is over, and at each point of the learning curve.

        Args:
            context: As for `phases`.
            student: Features and logits of train images, as far as it has been trained.

        Raises:
            Declined: The method cannot be used here.
        """
        return None


class Distiller(Method):
    """A method that learns from weighted sources.

    Attributes:
        needs: What it reads of a source: `features`, `logits` or `text`. Sources without are left
            out for it.
        learns_from: The sources that a strategy weighs, or always the suite's one generalist.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"logits"})
    learns_from: ClassVar[LearnsFrom] = "weighted"

    def transfer_set(self) -> Transfer | None:
        """Images besides the task's own that it distils on; None for the task's own alone."""
        return None


class Baseline(Method):
    """A method without sources."""
