"""Students from timm: any architecture of its registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from distbench import Download, Mean, Std, Student, primary
from distbench_builtin.shared.downloads.weights import HashedFile, HubWeights, published
from distbench_builtin.shared.models.library_export import timm_export
from distbench_builtin.shared.models.pretrained import fetch, identity, unavailable, weights_digest
from distbench_builtin.shared.models.timm_cards import card
from distbench_builtin.shared.models.timm_create import create, facts, pretrained, shapes
from distbench_builtin.shared.models.training_data import data_in, names_of, without_labels
from distbench_builtin.shared.models.weight_files import load_strictly, read_weights
from distbench_builtin.students._suggestions import TIMM, Suggestion

if TYPE_CHECKING:
    import torch

_BACKBONE = """\
import timm
backbone = timm.create_model({architecture!r}, num_classes=0{arguments})
backbone.load_state_dict(tensors)
"""


class TimmStudent(Student):
    """An architecture of timm, with its pretrained weights, a file's, or random ones.

    Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models.
    Pretrained weights come from the cache of the Hugging Face Hub or are downloaded; where that
    is impossible it is an error, never a random start. They are known by their content.
    """

    examples = ("timm:test_efficientnet:pretrained=false",)

    architecture: str = primary(description="name in timm's registry, e.g. mobilenetv3_small_100")
    pretrained: bool = Field(True, description="false: random weights, whatever `weights` says")
    weights: Path | None = Field(
        None, description="file of initial weights (safetensors, or a state dict of torch.save)"
    )
    arguments: dict[str, Any] = Field({}, description="for timm.create_model, e.g. pad_type=same")
    mean: Mean | None = Field(None, description="of the input channels; timm's if not given")
    std: Std | None = Field(None, description="of the input channels; timm's if not given")

    @classmethod
    def suggestions(cls) -> Sequence[Suggestion]:
        """Architectures worth a try, for `distbench list students`."""
        return TIMM

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return [self._need()] if self.pretrained and self.weights is None else []

    def fingerprint(self) -> str:  # noqa: D102
        card(self.architecture)
        if not self.pretrained:
            return "random"
        if self.weights is None:
            return identity(self._typed(), self._need())
        return weights_digest(self.weights)

    def trained_on(self) -> Sequence[str]:  # noqa: D102
        if not self.pretrained or self.weights is not None:
            return ()
        learnt = data_in(card(self.architecture)["tag"])
        unlabelled = without_labels(learnt)
        return [name for name in names_of(learnt) if name not in unlabelled]

    def normalisation(self) -> tuple[Mean, Std]:  # noqa: D102
        if self.mean is not None and self.std is not None:
            return self.mean, self.std
        facts = card(self.architecture)
        mean, std = self.mean or facts["mean"], self.std or facts["std"]
        return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])

    def backbone(self, *, pretrained: bool) -> torch.nn.Module:  # noqa: D102
        if not (pretrained and self.pretrained):
            model = create(self.architecture, 0, self.arguments)
        elif self.weights is not None:
            model = self._from_file(self.weights)
        else:
            model = self._from_hub()
        size = self.arguments.get("img_size")
        if not isinstance(size, int):
            size = card(self.architecture)["input_size"]
        cost = facts(self.architecture, self.arguments, num_classes=0, input_size=size)
        # What timm calls num_features is the width before the head's own layers.
        setattr(model, "num_features", cost["feature_dim"])  # noqa: B010 - typed as tensor or module
        return model

    def export(  # noqa: D102
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        of_timm = timm_export(
            self.architecture, self.arguments, self.normalisation(), backbone, head, classes
        )
        return of_timm or super().export(backbone, head, classes)

    def backbone_recipe(self) -> dict[str, Any]:  # noqa: D102
        extra = f", **{self.arguments!r}" if self.arguments else ""
        return {
            "format": "timm",
            "architecture": self.architecture,
            "arguments": dict(self.arguments),
            "how_to_load": _BACKBONE.format(architecture=self.architecture, arguments=extra),
        }

    def _from_file(self, file: Path) -> torch.nn.Module:
        """The network with the weights of a file, whose classifier (if any) is left out."""
        model = create(self.architecture, 0, self.arguments)
        whole = shapes(self.architecture, 2, self.arguments)
        head = set(whole) - set(model.state_dict())
        for layer in card(self.architecture)["classifier"]:
            head |= {f"{layer}.weight", f"{layer}.bias"}
        tensors = {name: t for name, t in read_weights(file).items() if name not in head}
        into = f"timm's {self.architecture!r} with arguments {self.arguments}"
        load_strictly(model, tensors, file=file, into=into)
        return model

    def _from_hub(self) -> torch.nn.Module:
        """The network with timm's pretrained weights."""
        return pretrained(
            self.architecture,
            fetch(self._typed(), self._need()),
            self.arguments,
            classes=card(self.architecture)["num_classes"],
            keep_classifier=False,
            hint=". Name a file with weights=PATH, or start from random weights with "
            "pretrained=false",
        )

    def _need(self) -> HubWeights | HashedFile:
        """The pretrained weights.

        Raises:
            WeightsError: timm has none.
        """
        facts = card(self.architecture)
        what = f"weights of {facts['name']}"
        need = published(facts["hub"], facts["files"], facts["url"], what)
        if need is None:
            raise unavailable(self._typed(), "timm has none", anywhere=False)
        return need

    def _typed(self) -> str:
        return f"timm:{self.architecture}"
