"""Where, on which images and how precisely a model is trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from distbench.storage.npy import Images


@dataclass(frozen=True)
class TrainingSetting:
    """The same for all phases of a training.

    Attributes:
        images: uint8 (n, s, s, 3), the train images; perhaps memory-mapped.
        image_size: Side of the model's input.
        device: Where it is trained.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``; all but the first take effect on CUDA.
        seed: Seed of order and augmentation; equal for all methods of one task and seed.
        transfer: uint8 (m, t, t, 3), those of the transfer set; None where there is none.
        flip: Whether weak and strong views may be mirrored.
        crop: Share of an image's side that plain, weak and strong views show.
        compile: Whether the backbone that is trained is compiled.
    """

    images: Images
    image_size: int
    device: torch.device
    precision: str = "fp32"
    seed: int = 0
    transfer: Images | None = None
    flip: bool = True
    crop: float = 1.0
    compile: bool = False

    def pixels(self, of: str) -> Images:
        """The images of a stream.

        Raises:
            ValueError: There is no transfer set.
        """
        if of == "train":
            return self.images
        if self.transfer is None:
            raise ValueError("this method has no transfer set")
        return self.transfer
