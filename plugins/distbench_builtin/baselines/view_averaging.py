"""Fine-tuning, and the mean over several views of each test image."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from distbench import Inference, MethodContext, TrainedStudent
from distbench_builtin.baselines.finetune import FineTune


class ViewAveraging(FineTune):
    """Fine-tunes as `finetune`, and averages what it says of several views of an image.

    Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", NeurIPS 2012, average the probabilities of five crops and their mirror images.
    Here the views are the image, its mirror image and five crops of 7/8 of the side, which is ours.
    Every view is one more pass: latency and operations of an image are those of all together.
    """

    flip: bool = Field(True, description="the mirror image, unless the task has flip = false")
    crops: bool = Field(True, description="centre and corners")
    mean: Literal["probabilities", "logits"] = Field("probabilities", description="of what")

    def inference(self, context: MethodContext, student: TrainedStudent) -> Inference:
        """The views."""
        views = ["plain", *(["flip"] if self.flip else []), *(["crops"] if self.crops else [])]
        return Inference(views=views, mean=self.mean)
