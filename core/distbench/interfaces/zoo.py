"""The contract of zoos and their sources: facts without weights, then features and logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from distbench.errors import Declined, UsageError
from distbench.interfaces.component import Component
from distbench.storage.grown import Grown

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


Interpolation = Literal["bilinear", "bicubic"]
"""How images are resized to what a source takes; always antialiased."""


@dataclass(frozen=True)
class Question:
    """What a file of weights does not tell of itself.

    Attributes:
        fact: What is asked for, called as in `SourceInfo` where it stands there.
        text: The question, for a person.
        suggestion: The likely answer, as it is typed; None where there is none.
    """

    fact: str
    text: str
    suggestion: str | None = None


class Zoo(Component, ABC):
    """A named set of source models."""

    @abstractmethod
    def sources(self) -> Sequence[Source]:
        """All source models, generalists too, in a fixed order; loads no weights.

        Raises:
            WeightsError: The zoo cannot be read.
        """

    def build(
        self, output: Path, report: Callable[[str], None], **options: Any
    ) -> Sequence[Mapping[str, Any]]:
        """Trains its models, for `distbench zoo build`; a zoo that cannot be trained refuses.

        What is finished in the folder stays, so that the same call goes on after an interruption.

        Args:
            output: Folder of the zoo.
            report: Told one line for each model, and now and then of a long one.
            options: For a zoo that recipes are for: ``device``, ``threads``, ``workers``,
                ``skip_corrupt``, ``replace`` and ``dry_run``, as the command has them.

        Returns:
            Of each model its ``name``, ``figure``, ``value`` and number of ``test_images``.

        Raises:
            DistbenchError: Data or weights are missing, or some models could not be trained.
        """
        raise UsageError(f"zoo {self.name!r} is not made by training; it has no build")

    def questions(self, file: Path, facts: Mapping[str, Any]) -> Sequence[Question]:
        """What has to be known to `add` a file, and neither it nor the facts tell.

        Asked again with every answer: an architecture that is known suggests the rest.

        Args:
            file: Weights of one model.
            facts: What is known of them, as it was typed.

        Raises:
            DistbenchError: A fact will not do, or the file cannot be read.
        """
        raise UsageError(f"zoo {self.name!r} takes no files; it has no questions")

    def add(
        self, file: Path, facts: Mapping[str, Any], check: Callable[[Source], None]
    ) -> SourceInfo:
        """Takes a file of weights in, for `distbench zoo add`; a zoo of no files refuses.

        Nothing is left behind where that fails.

        Args:
            file: Weights of one model.
            facts: What is known of them, with an answer to each of the `questions`.
            check: Tries the source before the zoo lists it.

        Raises:
            DistbenchError: A fact will not do, or the weights do not work.
        """
        raise UsageError(f"zoo {self.name!r} takes no files; it has no add")

    def pack(self, names: Sequence[str]) -> Mapping[str, Path | bytes]:
        """Some of its models as files for others, for `distbench zoo push`.

        Args:
            names: Of the sources.

        Returns:
            By name a file or its content: ``zoo.toml``, as zoo `hub` reads it, with the SHA-256 of
            each of the files that it lists.

        Raises:
            DistbenchError: It has no files, or one is not what it should be.
        """
        raise UsageError(f"zoo {self.name!r} has no files to give away; it has no pack")

    @classmethod
    def file_form(cls) -> type[BaseModel] | None:
        """What the file holds that a person writes for it, for `distbench schema`; None if none."""
        return None

    @classmethod
    def recipes(cls) -> Mapping[str, Mapping[str, Any]]:
        """Parameters of zoos of this class that `distbench zoo build NAME` trains, by name."""
        return {}


class Forward(Protocol):
    """A source that has been opened on a device."""

    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features and logits.

        Args:
            images: float32 (b, 3, s, s), resized to `SourceInfo.input_size` and normalised with
                its mean and standard deviation, on the device the source was opened on.

        Returns:
            Features float32 (b, d) and logits (b, c), on any device; a source without classes
            gives logits (b, 0).
        """


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("should be one line of printable characters")
    return text


OneLine = Annotated[str, AfterValidator(_one_line)]
"""A text that is shown in tables."""
Width = Annotated[int, Field(le=10_000_000)]
"""Features or classes of a network."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A number in 0..1."""
Spread = Annotated[float, Field(gt=0, le=1)]
Mean = tuple[Share, Share, Share]
"""Mean of each input channel; pixels are in 0..1."""
Std = tuple[Spread, Spread, Spread]
"""Standard deviation of each input channel; pixels are in 0..1."""


class SourceInfo(Grown):
    """Facts about one source model. None of them needs its weights to be loaded.

    Mean and standard deviation have no default: those of another model make every number wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    later: ClassVar = frozenset({"interpolation", "crop", "without_labels", "reads_text"})

    name: OneLine = Field(min_length=1, max_length=200)
    architecture: OneLine
    num_classes: Width = Field(
        ge=0,
        description="0 for a source of features alone; 1 only with sigmoid: of two classes, the "
        "logit of the second",
    )
    feature_dim: Width = Field(gt=0)
    input_size: int = Field(gt=0, le=8192, description="side of the square input, pixels")
    mean: Mean = Field(description="of the input channels, pixels in 0..1")
    std: Std = Field(description="of the input channels, pixels in 0..1")
    interpolation: Interpolation = Field("bilinear", description="how its images are resized")
    crop: float = Field(
        1.0, gt=0, le=1, description="share of a stored image's side, about its centre, it is shown"
    )
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    domain: OneLine = "unknown"
    trained_on: tuple[OneLine, ...] = Field((), description="data sets that it has seen")
    without_labels: tuple[OneLine, ...] = Field(
        (), description="of `trained_on`, those whose images it has seen without their labels"
    )
    licence: OneLine = "unknown"
    fingerprint: str = Field(description="SHA-256 of the weights")
    parameters: int | None = None
    macs: int | None = Field(None, description="multiply-accumulates of one image")
    depth: int | None = Field(None, description="layers with weights on the longest path")
    role: Literal["source", "generalist"] = "source"
    reads_text: bool = Field(
        False, description="whether sentences and images share its features, as with CLIP"
    )
    recipe: dict[str, Any] = Field(
        default_factory=dict,
        description="what else its outputs depend on: arguments of the architecture, output names",
    )

    @model_validator(mode="after")
    def _facts_agree(self) -> Self:
        if not self.num_classes and self.activation != "none":
            raise ValueError('a source without classes has activation "none"')
        if self.num_classes == 1 and self.activation == "softmax":
            raise ValueError(
                "softmax over one class is always 1; one logit that tells two classes apart has "
                'activation "sigmoid"'
            )
        if strange := sorted(set(self.without_labels) - set(self.trained_on)):
            raise ValueError(f"without_labels names {strange[0]!r}, which trained_on does not")
        return self


@dataclass(frozen=True)
class TextHead:
    """Sentences in the space of a source's features: a classifier that nobody trained.

    Attributes:
        texts: float32 (k, d), each of norm 1.
        scale: What cosines are multiplied by.
        bias: Added to that.
    """

    texts: NDArray[np.float32]
    scale: float = 100.0
    bias: float = 0.0

    def logits(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """``scale * cos(features, texts) + bias``, (n, k), of features (n, d)."""
        import numpy as np

        wide = np.asarray(features, np.float32)
        norms = np.linalg.norm(wide, axis=1, keepdims=True)
        close = wide / np.maximum(norms, 1e-12) @ self.texts.T
        result: NDArray[np.float32] = np.float32(self.scale) * close + np.float32(self.bias)
        return result


class Source(ABC):
    """One pretrained model of a zoo."""

    info: SourceInfo

    @abstractmethod
    def verify(self) -> None:
        """Checks that the weights are there and are those that `info.fingerprint` names.

        Raises:
            WeightsError: They are missing or differ.
        """

    @abstractmethod
    def open(self, device: torch.device) -> Forward:
        """Loads the weights and returns the model in evaluation mode.

        Raises:
            WeightsError: The weights do not fit the architecture.
        """

    def module(self) -> torch.nn.Module | None:
        """The model as trainable torch, images to logits; None where it has no such form."""
        return None

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """As `distbench.Student.export`, of this source trained under a new classifier.

        Args:
            backbone: State dict of its `module`, trained, without the classifier.
            head: ``weight`` (c, d) and ``bias`` (c,) of the new classifier.
            classes: Class names in the order of the outputs.

        Raises:
            UsageError: No library has its architecture.
        """
        raise UsageError(
            f"source {self.info.name!r} is no architecture of a library; use --to onnx"
        )

    def text_head(self, texts: Sequence[str]) -> TextHead:
        """What it makes of sentences, for a source whose `SourceInfo.reads_text` is true.

        Args:
            texts: k of them.

        Raises:
            Declined: It reads no texts.
        """
        raise Declined(f"source {self.info.name!r} reads no texts")
