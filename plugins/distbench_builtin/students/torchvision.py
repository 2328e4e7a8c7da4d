"""Students from torchvision: any of its classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from distbench import Download, Mean, Std, Student, primary
from distbench_builtin.shared.downloads.weights import HashedFile, torch_file
from distbench_builtin.shared.models.library_export import torchvision_export
from distbench_builtin.shared.models.pretrained import fetch, identity, weights_digest
from distbench_builtin.shared.models.torchvision_create import (
    Weights,
    create,
    headless,
    learnt_from,
    options,
    renamed,
    weights,
)
from distbench_builtin.shared.models.torchvision_create import head as classifier
from distbench_builtin.shared.models.weight_files import load_strictly, read_weights
from distbench_builtin.students._suggestions import TORCHVISION, Suggestion

if TYPE_CHECKING:
    import torch

_BACKBONE = """\
import torch
from torchvision.models import get_model
backbone = get_model({architecture!r}, weights=None{arguments})
backbone.set_submodule({head!r}, torch.nn.{instead})
backbone.load_state_dict(tensors)
"""


class TorchvisionStudent(Student):
    """A classifier of torchvision, with published weights, a file's, or random ones.

    Published weights come from PyTorch's own cache or are downloaded; where that is impossible it
    is an error, never a random start.
    """

    examples = ("torchvision:shufflenet_v2_x0_5:pretrained=false",)

    architecture: str = primary(description="name in torchvision, e.g. shufflenet_v2_x1_0")
    pretrained: bool = Field(True, description="false: random weights, whatever `weights` says")
    published: str = Field("DEFAULT", description="which published weights, e.g. IMAGENET1K_V1")
    weights: Path | None = Field(
        None, description="file of initial weights (safetensors, or a state dict of torch.save)"
    )
    arguments: dict[str, Any] = Field({}, description="for the architecture, e.g. dropout=0.1")

    @classmethod
    def suggestions(cls) -> Sequence[Suggestion]:
        """Architectures worth a try, for `distbench list students`."""
        return TORCHVISION

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return [self._need()] if self._uses_published() else []

    def fingerprint(self) -> str:  # noqa: D102
        entry = self._weights()
        if not self.pretrained:
            return "random"
        if self.weights is None:
            return identity(self._typed(), self._need(entry))
        return weights_digest(self.weights)

    def trained_on(self) -> Sequence[str]:  # noqa: D102
        return learnt_from(self._weights()["name"]) if self._uses_published() else ()

    def normalisation(self) -> tuple[Mean, Std]:  # noqa: D102
        entry = self._weights()
        mean, std = entry["mean"], entry["std"]
        return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])

    def backbone(self, *, pretrained: bool) -> torch.nn.Module:  # noqa: D102
        entry = self._weights()
        loads = pretrained and self.pretrained
        as_published = loads and self._uses_published()
        # What a student starts from has no say in how it sees images: random starts see the same.
        same = options(self.architecture, published=True) if self.pretrained else {}
        model = create(
            self.architecture,
            entry["num_classes"],
            published=as_published,
            arguments={**same, **self.arguments},
        )
        if not loads:
            return headless(model)
        into = f"torchvision's {self.architecture!r} with arguments {self.arguments}"
        if as_published:
            file = fetch(self._typed(), self._need(entry))
            load_strictly(model, renamed(read_weights(file)), file=file, into=into)
            return headless(model)
        file = self.weights or Path()
        bare = headless(model)
        head = f"{bare.head_name}."
        tensors = {n: t for n, t in renamed(read_weights(file)).items() if not n.startswith(head)}
        load_strictly(bare, tensors, file=file, into=into)
        return bare

    def export(  # noqa: D102
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        own = options(self.architecture, published=self.pretrained)
        of_torchvision = torchvision_export(
            self.architecture,
            {**own, **self.arguments},
            self.normalisation(),
            backbone,
            head,
            classes,
        )
        return of_torchvision or super().export(backbone, head, classes)

    def backbone_recipe(self) -> dict[str, Any]:  # noqa: D102
        from torch import nn

        own = options(self.architecture, published=self.pretrained)
        arguments = {**own, **self.arguments}
        classes = self._weights()["num_classes"]
        name, last = classifier(create(self.architecture, classes, arguments=arguments))
        pooled = "Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())"
        return {
            "format": "torchvision",
            "architecture": self.architecture,
            "arguments": arguments,
            "how_to_load": _BACKBONE.format(
                architecture=self.architecture,
                arguments=f", **{arguments!r}" if arguments else "",
                head=name,
                instead="Identity()" if isinstance(last, nn.Linear) else pooled,
            ),
        }

    def _uses_published(self) -> bool:
        return self.pretrained and self.weights is None

    def _weights(self) -> Weights:
        return weights(self.architecture, self.published)

    def _need(self, entry: Weights | None = None) -> HashedFile:
        entry = entry or self._weights()
        return torch_file(entry["url"], f"weights {entry['name']} of {self.architecture}")

    def _typed(self) -> str:
        more = "" if self.published == "DEFAULT" else f":published={self.published}"
        return f"torchvision:{self.architecture}{more}"
