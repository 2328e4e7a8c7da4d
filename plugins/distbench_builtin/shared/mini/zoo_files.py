"""The files of a mini zoo: weights, and the manifest that lists them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from distbench import Source, SourceInfo, WeightsError

if TYPE_CHECKING:
    import torch

    from distbench import Forward
    from distbench_builtin.shared.mini.nets import Net

PACKAGED = Path(__file__).with_name("weights")

MANIFEST = "zoo.json"
FORMAT: Literal[1] = 1
SIZE = 32
MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)
_MEND = "Reinstall distbench, or make the weights anew with `distbench zoo build mini`."


class MiniEntry(BaseModel):
    """What the manifest says of one source.

    Attributes:
        dataset: Name and fingerprint of the data it was trained on.
        sha256: Digest of its weight file, ``NAME.safetensors``.
        macs: Multiply-accumulates of one image.
        depth: Layers with weights on the longest path.
        accuracy: Share of fresh test images of its own dataset that it gets right.
        training: The recipe and its seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    role: Literal["source", "generalist"]
    domain: str
    architecture: str
    dataset: dict[str, str]
    num_classes: int
    classes: tuple[str, ...]
    feature_dim: int
    parameters: int
    macs: int
    depth: int
    accuracy: float
    training: dict[str, Any]
    sha256: str

    @property
    def file(self) -> str:
        """Name of the weight file."""
        return f"{self.name}.safetensors"

    def info(self) -> SourceInfo:
        """The same as facts about a source."""
        return SourceInfo(
            name=self.name,
            architecture=self.architecture,
            num_classes=self.num_classes,
            feature_dim=self.feature_dim,
            input_size=SIZE,
            mean=MEAN,
            std=STD,
            activation="softmax",
            domain=self.domain,
            trained_on=(f"mini-{self.dataset['name']}",),
            licence="Apache-2.0",
            fingerprint=self.sha256,
            parameters=self.parameters,
            macs=self.macs,
            depth=self.depth,
            role=self.role,
        )


class MiniManifest(BaseModel):
    """The file beside the weights that says what they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    sources: tuple[MiniEntry, ...]

    @classmethod
    def read(cls, folder: Path) -> MiniManifest:
        """Reads the manifest of a zoo.

        Raises:
            WeightsError: It is missing or not readable.
        """
        path = folder / MANIFEST
        try:
            return cls.model_validate(from_json(path.read_bytes()))
        except OSError as error:
            raise WeightsError(f"no mini zoo in {folder} ({error.strerror}). {_MEND}") from None
        except (ValueError, ValidationError) as error:
            line = str(error).replace("\n", " ")
            raise WeightsError(f"{path} is no manifest of a mini zoo: {line}. {_MEND}") from None


def load_weights(net: Net, path: Path) -> None:
    """Fills a network from a safetensors file of any float type; its own type stays.

    A network without classes takes all but the classifier.

    Raises:
        WeightsError: The file cannot be read or does not fit the network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(path)
        if not net.num_classes:
            state = {k: v for k, v in state.items() if not k.startswith("classifier.")}
        net.load_state_dict(state)
    except (OSError, SafetensorError, RuntimeError) as error:
        line = " ".join(str(error).split())
        raise WeightsError(f"cannot load weights from {path}: {line}. {_MEND}") from None


class MiniSource(Source):
    """One network of a mini zoo.

    Args:
        folder: Where the zoo lies.
        entry: Its line of the manifest.
    """

    def __init__(self, folder: Path, entry: MiniEntry) -> None:
        self.path = folder / entry.file
        self.info = entry.info()

    def verify(self) -> None:
        """Compares the digest of the weight file with the manifest's.

        Raises:
            WeightsError: The file is missing or differs.
        """
        try:
            digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        except OSError as error:
            raise WeightsError(
                f"cannot read the weights of source {self.info.name!r} in {self.path}: "
                f"{error.strerror}. {_MEND}"
            ) from None
        if digest != self.info.fingerprint:
            raise WeightsError(
                f"the weights of source {self.info.name!r} in {self.path} are not those of its "
                f"manifest: SHA-256 {digest[:12]} instead of {self.info.fingerprint[:12]}. {_MEND}"
            )

    def open(self, device: torch.device) -> Forward:
        """Loads the weights as float32, in evaluation mode.

        Raises:
            WeightsError: The file is missing or does not fit the architecture.
        """
        import torch

        net = self.module().to(device).eval()

        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            with torch.no_grad():
                features = net.features(images)
                return features, net.classifier(features)

        return forward

    def module(self) -> Net:
        """The network, trainable, mapping images to logits.

        Raises:
            WeightsError: As in `open`.
        """
        from distbench_builtin.shared.mini.nets import build

        net = build(self.info.architecture, self.info.num_classes)
        load_weights(net, self.path)
        return net
