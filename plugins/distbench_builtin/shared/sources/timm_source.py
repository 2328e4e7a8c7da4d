"""A source whose weights load into a timm architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench import Forward, Source, SourceInfo, WeightsError
from distbench_builtin.shared.sources.verify import unchanged, verify

if TYPE_CHECKING:
    import torch


class TimmSource(Source):
    """A timm model.

    Args:
        info: Facts about it.
        file: Its weights.
        arguments: What `timm.create_model` is given besides architecture and classes.
    """

    def __init__(self, info: SourceInfo, file: Path, arguments: Mapping[str, Any]) -> None:
        self.info = info
        self._file = file
        self._arguments = dict(arguments)

    def verify(self) -> None:
        verify(self.info, self._file)

    def module(self) -> torch.nn.Module:
        from distbench_builtin.shared.models.timm_create import create
        from distbench_builtin.shared.models.weight_files import load_strictly, read_weights

        info = self.info
        model = create(info.architecture, info.num_classes, self._arguments, error=WeightsError)
        into = f"{info.architecture} with {info.num_classes} classes (source {info.name!r})"
        load_strictly(model, read_weights(self._file), file=self._file, into=into)
        return model.eval()

    def open(self, device: torch.device) -> Forward:
        import torch

        model: Any = self.module().to(device)

        @torch.no_grad()
        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            # The head is applied as a whole, since not every classifier is one linear layer.
            maps = model.forward_features(images)
            pooled = model.forward_head(maps, pre_logits=True).flatten(1)
            logits = model.forward_head(maps) if self.info.num_classes else pooled[:, :0]
            return pooled.float(), logits.float()

        return forward

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        from distbench_builtin.shared.models.library_export import timm_export

        info = self.info
        of_timm = timm_export(
            info.architecture, self._arguments, (info.mean, info.std), backbone, head, classes
        )
        return of_timm or super().export(backbone, head, classes)


class PretrainedTimmSource(TimmSource):
    """A model with weights of timm's registry, of the Hub or of a folder that timm wrote.

    Args:
        info: Facts about it; without classes, its module ends at the pooled features.
        file: Its weights, under the names that timm's conversion of the architecture takes.
        arguments: What `timm.create_model` is given besides.
        call: What `timm.create_model` makes it of.
        classes: Outputs of the classifier in the file.
    """

    def __init__(
        self, info: SourceInfo, file: Path, arguments: Mapping[str, Any], call: str, classes: int
    ) -> None:
        super().__init__(info, file, arguments)
        self._call = call
        self._classes = classes

    def verify(self) -> None:
        unchanged(self.info, self._file)

    def module(self) -> torch.nn.Module:
        from distbench_builtin.shared.models.timm_create import pretrained

        return pretrained(
            self._call,
            self._file,
            self._arguments,
            classes=self._classes,
            keep_classifier=self.info.num_classes > 0,
            error=WeightsError,
        ).eval()
