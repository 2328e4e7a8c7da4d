"""The zoo of all of timm's pretrained models."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pydantic import Field

from distbench import Download, Source, Zoo, primary
from distbench_builtin.shared.sources.timm_registry import chosen, downloads_of, sources_of


class TimmZoo(Zoo):
    """Pretrained models of timm, of the Hub's repositories for timm, and of folders like those.

    Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models.
    A name without a tag means timm's default weights; a pattern means all that it matches. What a
    model has learnt from is read off its tag (``in21k_ft_in1k``) or the name of its repository.
    Models of images and texts, and those that learnt without labels, are sources of features only.
    """

    examples = ("timm:resnet18.a1_in1k",)

    models: tuple[str, ...] = primary(
        min_length=1,
        description="names and patterns of the registry (resnet50.a1_in1k, resnet18.*), "
        "hf-hub:ORG/NAME[@REVISION], local-dir:PATH",
    )
    image_size: int | None = Field(
        None, ge=16, description="side at which they see images; each model's own if not given"
    )
    trained_on: dict[str, tuple[str, ...]] = Field(
        {}, description="data that models have seen, by name, where their names do not tell"
    )

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return downloads_of(chosen(self.models))

    def sources(self) -> Sequence[Source]:  # noqa: D102
        return sources_of(
            chosen(self.models),
            f"--zoo {shlex.quote(self.label)} --only zoo",
            image_size=self.image_size,
            trained_on=self.trained_on,
        )
