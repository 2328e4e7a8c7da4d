"""The zoo of torchvision's published classifiers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase

from pydantic import Field

from distbench import Download, Source, SourceInfo, UsageError, WeightsError, Zoo, primary
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.downloads.weights import HashedFile, torch_file
from distbench_builtin.shared.models import torchvision_create as _torchvision
from distbench_builtin.shared.models.torchvision_create import Weights
from distbench_builtin.shared.sources.torchvision_source import TorchvisionSource
from distbench_builtin.shared.sources.verify import absent_weights


class TorchvisionZoo(Zoo):
    """Classifiers of torchvision with the weights that PyTorch publishes.

    Features are what the classifier is given. GoogLeNet and Inception come without the heads that
    served to train them.
    """

    examples = ("torchvision:resnet18",)

    models: tuple[str, ...] = primary(
        min_length=1, description="names and patterns, e.g. resnet50 or regnet_y_*"
    )
    weights: str = Field("DEFAULT", description="which, e.g. IMAGENET1K_V1; or torchvision's best")
    image_size: int | None = Field(
        None, ge=16, description="side at which they see images; each model's own if not given"
    )

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return [_file(name, weights) for name, weights in self._chosen().items()]

    def sources(self) -> Sequence[Source]:  # noqa: D102
        chosen = self._chosen()
        files = {name: _file(name, weights) for name, weights in chosen.items()}
        if lacking := [name for name, file in files.items() if not file.present()]:
            raise absent_weights(lacking, f"--zoo {shlex.quote(self.label)} --only zoo")
        for file in files.values():
            file.find()  # which complains of a damaged one
        return [self._source(name, weights) for name, weights in chosen.items()]

    def _chosen(self) -> dict[str, Weights]:
        chosen: dict[str, Weights] = {}
        for name in self.models:
            pattern = any(sign in name for sign in "*?[")
            meant = (
                [known for known in _torchvision.names() if fnmatchcase(known, name)]
                if pattern
                else [name]
            )
            if not meant:
                raise UsageError(f"no classifier of torchvision matches {name!r}")
            for one in meant:
                chosen.setdefault(one, _torchvision.weights(one, self.weights, error=UsageError))
        return chosen

    def _source(self, name: str, weights: Weights) -> TorchvisionSource:
        file = _file(name, weights).path
        side = self.image_size or weights["input_size"]
        cost = _torchvision.facts(
            name,
            num_classes=weights["num_classes"],
            input_size=side,
            error=WeightsError,
            published=True,
        )
        info = SourceInfo(
            name=f"{name}.{weights['name'].lower()}",
            architecture=name,
            num_classes=weights["num_classes"],
            input_size=side,
            mean=weights["mean"],
            std=weights["std"],
            interpolation=weights["interpolation"],
            crop=weights["crop"],
            domain="general",
            trained_on=_torchvision.learnt_from(weights["name"]),
            licence=weights["licence"],
            fingerprint=file_digest(file),
            recipe={"format": "torchvision", "weights": weights["name"], "url": weights["url"]},
            **cost,
        )
        return TorchvisionSource(info, file, published=True)


def _file(name: str, weights: Weights) -> HashedFile:
    return torch_file(weights["url"], f"weights {weights['name']} of {name}")
