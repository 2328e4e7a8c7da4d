"""Models of images and texts: features, and classifiers made of the names of classes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import ClassVar

from pydantic import Field

from distbench import Download, Source, UsageError, Zoo, primary
from distbench_builtin.shared.sources.open_clip_models import (
    FOLDER,
    HUB,
    OpenClipModel,
    in_folder,
    weights_of,
)
from distbench_builtin.shared.sources.verify import absent_weights

CURATED = {
    "timm/vit_base_patch32_clip_224.openai": "MIT",
    "timm/vit_base_patch16_clip_224.openai": "MIT",
    "timm/resnet50_clip.openai": "MIT",
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": "MIT",
    "laion/CLIP-ViT-B-16-laion2B-s34B-b88K": "MIT",
    "timm/ViT-B-16-SigLIP": "Apache-2.0",
    "timm/ViT-B-16-SigLIP2": "Apache-2.0",
}
"""Repositories of the Hub with CLIP (arXiv:2103.00020), OpenCLIP (arXiv:2212.07143) and SigLIP
(arXiv:2303.15343, arXiv:2502.14786) models that one machine can run, with their licences."""
_DATA = {"timm/ViT-B-16-SigLIP": ("webli",), "timm/ViT-B-16-SigLIP2": ("webli",)}
_SIGNS = "*?["


class OpenClipZoo(Zoo):
    """CLIP and SigLIP models with both towers: sources that read the names of classes.

    Ilharco et al., OpenCLIP, https://github.com/mlfoundations/open_clip, which loads them (`pip
    install 'distbench[text]'`; SigLIP's tokenizers take `transformers` besides). They have features
    and no classes of their own; `zero_shot`, metric and distiller, makes classes of names. Images
    are shown at the side of each model, resized as a whole.
    """

    declines: ClassVar = {
        "made": "its models are downloads: check it as zoo:open_clip:local-dir:DIR"
    }

    models: tuple[str, ...] = primary(
        ("*",),
        min_length=1,
        description="patterns among the list (`*openai*`), hf-hub:ORG/NAME, or local-dir:PATH of a "
        "folder that open_clip wrote",
    )
    trained_on: dict[str, tuple[str, ...]] = Field(
        {}, description="data that models have seen, by name, where their names do not tell"
    )

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return [weights_of(name) for name in self._names() if not name.startswith(FOLDER)]

    def sources(self) -> Sequence[Source]:  # noqa: D102
        from distbench_builtin.shared.sources.open_clip_source import described

        found: dict[str, OpenClipModel | None] = {}
        for name in self._names():
            if name.startswith(FOLDER):
                model = in_folder(name.removeprefix(FOLDER))
                found[model.name] = model
            else:
                file = weights_of(name).find()
                found[name] = None if file is None else OpenClipModel(name, file)
        if lacking := [name for name, model in found.items() if model is None]:
            raise absent_weights(lacking, f"--zoo {shlex.quote(self.label)} --only zoo")
        if strange := sorted(set(self.trained_on) - set(found)):
            names = ", ".join(found)
            raise UsageError(f"trained_on names {strange[0]!r}, which is not among {names}")
        return [
            described(
                model, CURATED.get(name, "unknown"), self.trained_on.get(name, _DATA.get(name, ()))
            )
            for name, model in found.items()
            if model is not None
        ]

    def _names(self) -> list[str]:
        """Repositories, and folders as they were typed."""
        names: dict[str, None] = {}
        for pattern in self.models:
            if pattern.startswith(FOLDER):
                names[pattern] = None
                continue
            matches = [name for name in CURATED if fnmatchcase(name, pattern)]
            if not matches and not pattern.startswith(HUB):
                raise UsageError(
                    f"{pattern!r} is none of {', '.join(CURATED)}; write {HUB}ORG/NAME for another "
                    f"repository of the Hub, or {FOLDER}PATH for a folder"
                )
            names |= dict.fromkeys(matches or [pattern.removeprefix(HUB)])
        return list(names)
