"""The zoo of PARC: four architectures by eight data sets, trained by its authors."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, field_validator

from distbench import Download, Source, SourceInfo, UsageError, WeightsError, Zoo, home, primary
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.downloads.parc import ParcModels
from distbench_builtin.shared.models.torchvision_create import facts
from distbench_builtin.shared.sources.torchvision_source import TorchvisionSource
from distbench_builtin.shared.sources.verify import absent_weights

ARCHITECTURES = ("resnet50", "resnet18", "googlenet", "alexnet")
_SIDE = 224


class _Data(NamedTuple):
    """A data set that models were trained on.

    Attributes:
        name: As tasks and the table of overlaps call it.
        classes: Outputs of the models.
        domain: What it shows.
    """

    name: str
    classes: int
    domain: str


DATA = {
    "nabird": _Data("nabirds", 555, "birds"),
    "oxford_pets": _Data("oxford_pets", 37, "pets"),
    "cub200": _Data("cub200", 200, "birds"),
    "caltech101": _Data("caltech101", 101, "objects"),
    "stanford_dogs": _Data("stanford_dogs", 120, "dogs"),
    "voc2007": _Data("voc2007", 21, "scenes"),
    "cifar10": _Data("cifar10", 10, "objects"),
    "imagenet": _Data("imagenet-1k", 1000, "general"),
}
"""By the authors' names, which the files have. VOC2007 is multi-label, with a background class."""

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_CIFAR10 = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2023, 0.1994, 0.2010)}
"""The authors' normalisation for CIFAR-10; for all else it is that of ImageNet."""


class ParcZoo(Zoo):
    """The 28 source models of PARC (32 with those of ImageNet), as their authors published them.

    Bolya, Mittapalli and Hoffman, Scalable Diverse Model Selection for Accessible Transfer
    Learning, NeurIPS 2021; https://github.com/dbolya/parc. ResNet-50, ResNet-18, GoogLeNet and
    AlexNet by NABirds, Pets, CUB-200, Caltech-101, Dogs, VOC2007 and CIFAR-10, at 224 pixels.

    A model counts as trained on the data set whose labels it learnt. That they began from
    ImageNet weights is said in its recipe but not in `trained_on`: the students begin there too,
    so what they saw of a task through ImageNet favours no method.
    """

    path: Path | None = primary(
        None, description="folder of resnet50/resnet50_cub200.pth ...; `fetch` fills one at home"
    )
    which: int = Field(28, description="28, or 32 with the models of ImageNet")
    models: tuple[str, ...] = Field(
        ("*",), min_length=1, description="patterns of file names, e.g. resnet18_*"
    )

    @field_validator("which")
    @classmethod
    def _known(cls, value: int) -> int:
        if value not in (28, 32):
            raise ValueError("it is 28, or 32 with the models of ImageNet")
        return value

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return [ParcModels(self._folder(), tuple(self._names()))]

    def sources(self) -> Sequence[Source]:  # noqa: D102
        files = {name: self._file(name) for name in self._names()}
        if lacking := [name for name, file in files.items() if not file.is_file()]:
            how = f"--zoo {shlex.quote(self.label)} --only zoo"
            where = f" (looked for in {self._folder()})"
            raise WeightsError(f"{absent_weights(lacking, how)}{where}")
        return [_source(name, file) for name, file in files.items()]

    def _names(self) -> list[str]:
        """Names of the models, which are those of their files."""
        data = [name for name in DATA if name != "imagenet" or self.which == 32]
        every = [f"{arch}_{name}" for arch in ARCHITECTURES for name in data]
        names: dict[str, None] = {}
        for pattern in self.models:
            matching = [name for name in every if fnmatchcase(name, pattern)]
            if not matching:
                raise UsageError(f"no model of PARC matches {pattern!r}; there are {every[0]} ...")
            names |= dict.fromkeys(matching)
        return list(names)

    def _folder(self) -> Path:
        """The folder that holds one for each architecture."""
        if self.path is None:
            return home() / "parc" / "models"
        inner = self.path / "models"
        return inner if inner.is_dir() else self.path

    def _file(self, name: str) -> Path:
        return self._folder() / name.partition("_")[0] / f"{name}.pth"


def _source(name: str, file: Path) -> TorchvisionSource:
    architecture, _, called = name.partition("_")
    data = DATA[called]
    cost = facts(architecture, num_classes=data.classes, input_size=_SIDE, error=WeightsError)
    norm: dict[str, Any] = _CIFAR10 if called == "cifar10" else _IMAGENET
    start = {} if called == "imagenet" else {"initialised_from": "imagenet-1k"}
    info = SourceInfo(
        name=name,
        architecture=architecture,
        num_classes=data.classes,
        input_size=_SIDE,
        activation="sigmoid" if called == "voc2007" else "softmax",
        domain=data.domain,
        trained_on=(data.name,),
        fingerprint=file_digest(file),
        recipe={"format": "torchvision", **start},
        **norm,
        **cost,
    )
    return TorchvisionSource(info, file, published=False)
