"""A model of images and texts as a source: its image tower, and sentences in the same space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from distbench import Forward, Source, SourceInfo, TextHead
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.models.training_data import (
    data_in,
    names_of,
    unknown_data,
    without_labels,
)
from distbench_builtin.shared.sources.open_clip_models import OpenClipModel
from distbench_builtin.shared.sources.verify import unchanged

if TYPE_CHECKING:
    import torch

_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of OpenAI's models, which open_clip takes where a configuration says nothing."""


class OpenClipSource(Source):
    """A model that open_clip loads.

    Args:
        info: Facts about it.
        model: Where it lies.
    """

    def __init__(self, info: SourceInfo, model: OpenClipModel) -> None:
        self.info = info
        self._model = model

    def verify(self) -> None:
        unchanged(self.info, self._model.file)

    def module(self) -> torch.nn.Module:
        tower: torch.nn.Module = self._model.load().visual
        return tower

    def open(self, device: torch.device) -> Forward:
        import torch

        tower = self.module().to(device).eval()

        @torch.no_grad()
        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = tower(images).float()
            return features, features[:, :0]

        return forward

    def text_head(self, texts: Sequence[str]) -> TextHead:
        import torch

        model, split = self._model.load(), self._model.tokenizer()
        with torch.no_grad():
            rows = model.encode_text(split([*texts]), normalize=True).float().numpy()
            scale = float(model.logit_scale.exp())
            bias = getattr(model, "logit_bias", None)
        return TextHead(
            np.asarray(rows, np.float32), scale, 0.0 if bias is None else float(bias.detach())
        )


def described(model: OpenClipModel, licence: str, trained_on: Sequence[str]) -> OpenClipSource:
    """A model as a source, with the facts that its configuration and its name tell.

    Args:
        model: Where it lies.
        licence: Of its weights.
        trained_on: Data sets that it has seen, where its name does not tell.

    Raises:
        WeightsError: Configuration or weights cannot be read.
    """
    config = model.config
    shown, shape = config.get("preprocess_cfg", {}), config["model_cfg"]
    learnt = data_in(model.name) or [unknown_data(model.name)]
    info = SourceInfo(
        name=model.name,
        architecture=model.name.rpartition("/")[2],
        num_classes=0,
        input_size=int(shape["vision_cfg"]["image_size"]),
        mean=tuple(shown.get("mean", _MEAN)),
        std=tuple(shown.get("std", _STD)),
        interpolation="bilinear" if shown.get("interpolation") == "bilinear" else "bicubic",
        activation="none",
        domain=learnt[-1].domain,
        trained_on=tuple(trained_on or names_of(learnt)),
        without_labels=() if trained_on else without_labels(learnt),
        licence=licence,
        fingerprint=file_digest(model.file),
        reads_text=True,
        recipe={"format": "open_clip", "configuration": model.digest()},
        **model.cost(),
    )
    return OpenClipSource(info, model)
