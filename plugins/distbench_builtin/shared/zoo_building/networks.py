"""The networks of source models: with their initial weights, whatever library has them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from distbench import Download, Mean, Std, UsageError, WeightsError
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.downloads.weights import HashedFile, HubWeights, published, torch_file
from distbench_builtin.shared.models import timm_create as _timm
from distbench_builtin.shared.models import torchvision_create as _torchvision
from distbench_builtin.shared.models.cost import Cost
from distbench_builtin.shared.models.timm_cards import card
from distbench_builtin.shared.models.weight_files import load_strictly, read_weights
from distbench_builtin.shared.zoo_building.settings import Architecture

if TYPE_CHECKING:
    import torch

RANDOM = "random"
IMAGENET = "imagenet"

_MEAN: Mean = (0.485, 0.456, 0.406)
_STD: Std = (0.229, 0.224, 0.225)
_HALF: Mean = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Network:
    """An architecture whose library, input and initial weights are settled.

    Attributes:
        name: What it is called in the models' names.
        library: Which one makes it.
        model: What that library calls it.
        arguments: For the library, besides the number of classes.
        start: ``random``, ``imagenet`` for published weights, ``file`` for the user's.
        mean: Of the input channels.
        std: Of the input channels.
        need: The published weights, as a download.
        file: The user's file.
    """

    name: str
    library: Literal["timm", "torchvision"]
    model: str
    arguments: Mapping[str, Any]
    start: Literal["random", "imagenet", "file"]
    mean: Mean
    std: Std
    need: HubWeights | HashedFile | None = field(default=None, repr=False)
    file: Path | None = None

    def downloads(self) -> list[Download]:
        """What has to be on this machine before it can be trained."""
        return [self.need] if self.need is not None else []

    def weights(self) -> Path | None:
        """The file of its initial weights; None for random ones.

        Raises:
            WeightsError: It is not on this machine; says how to get it.
        """
        if self.start == "file":
            if self.file is None or not self.file.is_file():
                raise WeightsError(
                    f"the initial weights {self.file} of {self.name!r} are missing; mend init, or "
                    "begin with init random"
                )
            return self.file
        if self.need is None:
            return None
        held = self.need.find()
        if held is None:
            raise WeightsError(
                f"the ImageNet weights of {self.name!r} are not on this machine; get them with the "
                "same command and --fetch, name a file with --init, or begin with --init random"
            )
        return held

    def identity(self) -> dict[str, Any]:
        """What the trained numbers depend on; reads the initial weights."""
        file = self.weights()
        return {
            "library": self.library,
            "model": self.model,
            "arguments": dict(self.arguments),
            "init": RANDOM if file is None else file_digest(file),
            "mean": list(self.mean),
            "std": list(self.std),
        }

    def saved_arguments(self) -> dict[str, Any]:
        """What a manifest says of how it is made again."""
        own = _torchvision.options(self.model) if self.library == "torchvision" else {}
        told = {key: own[key] for key in own if key == "transform_input"}
        return {**told, **self.arguments}

    def cost(self, classes: int, size: int) -> Cost:
        """Size and cost with so many classes, at an input of some size.

        Raises:
            UsageError: The library refuses the size or an argument.
        """
        if self.library == "timm":
            return _timm.facts(self.model, self.arguments, num_classes=classes, input_size=size)
        return _torchvision.facts(self.model, num_classes=classes, input_size=size)

    def make(self, classes: int, seed: int) -> torch.nn.Module:
        """The network with its initial weights; a new classifier before pretrained ones is zero.

        Raises:
            WeightsError: The initial weights do not fit.
        """
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self._create(classes)
        file = self.weights()
        if file is None:
            return network
        head = self._classifier(network)
        # From zero: what a library draws for a classifier can be so large that its first gradients
        # spoil the pretrained features before it has learnt anything.
        fresh = {k: v * 0 for k, v in network.state_dict().items() if k.startswith(head)}
        held = {k: v for k, v in self._read(file).items() if not k.startswith(head)}
        load_strictly(
            network, {**held, **fresh}, file=file, into=f"{self.model} without classifier"
        )
        return network

    def _create(self, classes: int) -> torch.nn.Module:
        if self.library == "timm":
            return _timm.create(self.model, classes, self.arguments)
        return _torchvision.create(self.model, classes)

    def _classifier(self, network: torch.nn.Module) -> tuple[str, ...]:
        """How the names of the classifier's weights begin."""
        if self.library == "timm":
            return tuple(f"{layer}." for layer in card(self.model)["classifier"])
        return (f"{_torchvision.head(network)[0]}.",)

    def _read(self, file: Path) -> Mapping[str, torch.Tensor]:
        if self.library == "torchvision":
            return _torchvision.renamed(read_weights(file))
        if self.start == "file":
            return read_weights(file)
        whole = _timm.pretrained(
            self.model,
            file,
            self.arguments,
            classes=card(self.model)["num_classes"],
            keep_classifier=True,
            error=WeightsError,
        )
        return whole.state_dict()


def settle(wanted: Architecture, init: str, image_size: int) -> Network:
    """Finds out which network is meant; loads no weights.

    Args:
        wanted: As the user wrote it; a name without a library is timm's, else torchvision's.
        init: Initial weights, unless the architecture has its own.
        image_size: Side of the input.

    Raises:
        UsageError: No library has it, or not with such weights.
    """
    library = wanted.library or _library(wanted.model)
    start, _, which = (wanted.init or init).partition(":")
    if start not in (RANDOM, IMAGENET):
        start, which = "file", wanted.init or init
    if library == "timm":
        return _of_timm(wanted, start, which, image_size)
    return _of_torchvision(wanted, start, which)


def _library(name: str) -> str:
    import timm

    return "torchvision" if not timm.is_model(name) and name in _torchvision.names() else "timm"


def _of_timm(wanted: Architecture, start: Any, which: str, image_size: int) -> Network:
    _timm.check(wanted.model, wanted.arguments)
    known = card(wanted.model)
    if start == IMAGENET and which:
        raise UsageError(
            f"weights of timm are named with the architecture, e.g. {wanted.model}.{which}; "
            "write init imagenet"
        )
    need = None
    if start == IMAGENET:
        what = f"{known['name']}: weights"
        need = published(known["hub"], known["files"], known["url"], what)
    if start == IMAGENET and need is None:
        raise UsageError(
            f"timm has no pretrained weights of {wanted.model!r}; name a file with --init, or "
            "begin with --init random"
        )
    arguments = dict(wanted.arguments)
    if known["fixed_size"] and image_size != known["input_size"]:
        arguments.setdefault("img_size", image_size)
    mean, std = tuple(known["mean"]), tuple(known["std"])
    return Network(
        wanted.name,
        "timm",
        wanted.model,
        arguments,
        start,
        wanted.mean or (mean if need else _MEAN),  # type: ignore[arg-type] # of a JSON file
        wanted.std or (std if need else _STD),  # type: ignore[arg-type]
        need,
        Path(which) if start == "file" else None,
    )


def _of_torchvision(wanted: Architecture, start: Any, which: str) -> Network:
    _torchvision.check(wanted.model)
    if wanted.arguments:
        raise UsageError(f"torchvision's {wanted.model!r} takes no arguments here")
    need, mean, std = None, _MEAN, _STD
    if start == IMAGENET:
        published_weights = _torchvision.weights(wanted.model, which or "DEFAULT")
        need = torch_file(
            published_weights["url"], f"{wanted.model}: weights {published_weights['name']}"
        )
        mean, std = (tuple(published_weights["mean"]), tuple(published_weights["std"]))  # type: ignore[assignment]
        if _torchvision.options(wanted.model, published=True).get("transform_input"):
            # These networks turn images that are normalised as ImageNet's into ones around a
            # half. Ours are given those at once, so that they need no such step.
            mean = std = _HALF
    return Network(
        wanted.name,
        "torchvision",
        wanted.model,
        {},
        start,
        wanted.mean or mean,
        wanted.std or std,
        need,
        Path(which) if start == "file" else None,
    )


def seed_of(*axes: object) -> int:
    """A seed for some named axes."""
    return int.from_bytes(hashlib.sha256(repr(axes).encode()).digest()[:7])
