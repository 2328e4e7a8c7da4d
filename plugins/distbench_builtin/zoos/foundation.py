"""Foundation models as sources: features without classes, from a list of timm's."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase

from pydantic import Field

from distbench import Download, Source, UsageError, Zoo, primary
from distbench_builtin.shared.sources.timm_registry import chosen, downloads_of, sources_of

CURATED = (
    "vit_small_patch14_dinov2.lvd142m",
    "vit_base_patch14_dinov2.lvd142m",
    "convnext_tiny.dinov3_lvd1689m",
    "vit_small_patch16_dinov3.lvd1689m",
    "vit_base_patch16_dinov3.lvd1689m",
    "vit_base_patch16_clip_224.openai",
    "vit_base_patch16_clip_224.laion2b",
    "vit_base_patch16_siglip_224.webli",
    "vit_base_patch16_siglip_224.v2_webli",
)
"""Towers that one machine can run, of each family: DINOv2 (arXiv:2304.07193), DINOv3
(arXiv:2508.10104), CLIP (arXiv:2103.00020), SigLIP (arXiv:2303.15343) and SigLIP 2
(arXiv:2502.14786)."""


class FoundationZoo(Zoo):
    """DINOv2, DINOv3, CLIP and SigLIP towers: features, and no classes to distil.

    They take part in metrics that look at features, and in what learns from features; what needs
    class probabilities declines them and says so. DINOv2 and DINOv3 have seen ImageNet, the others
    the web; what of the tasks was in it is not known.
    """

    models: tuple[str, ...] = primary(
        ("*",),
        min_length=1,
        description="patterns among the list (`*dinov2*`), or any other name of timm's registry",
    )
    image_size: int | None = Field(
        224, ge=16, description="side at which they see images; each model's own if none"
    )
    generalist: bool = Field(False, description="true keeps them out of the sources")

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return downloads_of(chosen(self._names()))

    def sources(self) -> Sequence[Source]:  # noqa: D102
        return sources_of(
            chosen(self._names()),
            f"--zoo {shlex.quote(self.label)} --only zoo",
            image_size=self.image_size,
            classes=False,
            role="generalist" if self.generalist else "source",
        )

    def _names(self) -> list[str]:
        names: dict[str, None] = {}
        for pattern in self.models:
            matches = [name for name in CURATED if fnmatchcase(name, pattern)]
            if not matches and any(sign in pattern for sign in "*?["):
                raise UsageError(f"{pattern!r} matches none of {', '.join(CURATED)}")
            names |= dict.fromkeys(matches or [pattern])
        return list(names)
