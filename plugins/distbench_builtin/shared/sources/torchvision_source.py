"""A source whose weights load into a classifier of torchvision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench import Forward, Source, SourceInfo, WeightsError
from distbench_builtin.shared.sources.verify import unchanged

if TYPE_CHECKING:
    import torch


class TorchvisionSource(Source):
    """A classifier of torchvision.

    Args:
        info: Facts about it.
        file: Its weights, under torchvision's names.
        published: Whether they are torchvision's own.
        arguments: The user's, for the architecture.
    """

    def __init__(
        self,
        info: SourceInfo,
        file: Path,
        *,
        published: bool,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.info = info
        self._file = file
        self._published = published
        self._arguments = dict(arguments or {})

    def verify(self) -> None:
        unchanged(self.info, self._file)

    def module(self) -> torch.nn.Module:
        from distbench_builtin.shared.models.torchvision_create import create, renamed
        from distbench_builtin.shared.models.weight_files import load_strictly, read_weights

        info = self.info
        model = create(
            info.architecture,
            info.num_classes,
            published=self._published,
            error=WeightsError,
            arguments=self._arguments,
        )
        tensors = read_weights(self._file)
        into = f"{info.architecture} with {info.num_classes} classes (source {info.name!r})"
        given = renamed(tensors)
        load_strictly(model, given, file=self._file, into=into)
        return model.eval()

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        from distbench_builtin.shared.models.library_export import torchvision_export
        from distbench_builtin.shared.models.torchvision_create import options

        info = self.info
        own = options(info.architecture, published=self._published)
        of_torchvision = torchvision_export(
            info.architecture,
            {**own, **self._arguments},
            (info.mean, info.std),
            backbone,
            head,
            classes,
        )
        return of_torchvision or super().export(backbone, head, classes)

    def open(self, device: torch.device) -> Forward:
        import torch

        from distbench_builtin.shared.models.torchvision_create import split

        run = split(self.module().to(device))

        @torch.no_grad()
        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features, logits = run(images)
            return features.float(), logits.float()

        return forward
