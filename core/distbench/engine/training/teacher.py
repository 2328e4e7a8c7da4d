"""Source models that are trained themselves: as teachers of the target task, or as a ceiling."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.engine.news import TrainingNews
from distbench.engine.training.linear_probe import LinearProbe
from distbench.engine.training.loop import train_phases
from distbench.engine.training.macs import count_macs
from distbench.engine.training.memory_format import laid_out
from distbench.engine.training.predict import predict_logits
from distbench.engine.training.setting import TrainingSetting
from distbench.errors import Declined
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.context import TeacherLogits, TeacherRecipe
from distbench.interfaces.training.phase import Phase
from distbench.interfaces.training.stream import Stream
from distbench.interfaces.zoo import Source, SourceInfo
from distbench.storage.npy import Images

_BLOCK = 1024
"""Images that are held at a time."""


class SourceBackbone(nn.Module):
    """A source up to its pooled features, trainable.

    Its features are what its last linear layer takes, which is how they are defined; that layer is
    taken away, so that it is neither computed nor counted. A source without classes gives its
    features itself.

    Args:
        module: The source's `module()`; it is changed.
        info: Facts about the source.

    Raises:
        Declined: Its features cannot be had from the module.
    """

    def __init__(self, module: nn.Module, info: SourceInfo) -> None:
        super().__init__()
        self.num_features = info.feature_dim
        self.module = _without_classifier(module, info) if info.num_classes else module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features (b, `num_features`) of normalised images (b, 3, s, s)."""
        features: torch.Tensor = self.module(images)
        return features.flatten(1)


def _without_classifier(module: nn.Module, info: SourceInfo) -> nn.Module:
    """The module with its last linear layer replaced by nothing.

    Raises:
        Declined: It has none.
    """
    last, features, image = _last_linear(module, info)
    with torch.no_grad():
        if last is not None and last is not module:
            (name,) = (name for name, layer in module.named_modules() if layer is last)
            above, _, own = name.rpartition(".")
            setattr(module.get_submodule(above), own, nn.Identity())
            with contextlib.suppress(RuntimeError):  # of two heads, their outputs no longer fit
                output = module(image)
                if output.numel() == features.numel() and torch.equal(
                    output.flatten(), features.flatten()
                ):
                    return module
    raise Declined(f"source {info.name!r} cannot be trained: its last layer is not linear")


def last_linear(module: nn.Module, info: SourceInfo) -> nn.Module | None:
    """The linear layer that takes a source's features and is run last; None where there is none.

    Which one is last is seen by letting an image through: the order in which layers are defined
    says nothing, and attention is made of linear layers of the same width.
    """
    return _last_linear(module, info)[0]


def _last_linear(
    module: nn.Module, info: SourceInfo
) -> tuple[nn.Module | None, torch.Tensor, torch.Tensor]:
    """That layer, the features that it took, and the image that was let through."""
    taken: list[tuple[nn.Module, torch.Tensor]] = []

    def take(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0][0].numel() == info.feature_dim:
            taken.append((layer, inputs[0]))

    hooks = [
        layer.register_forward_pre_hook(take)
        for layer in module.modules()
        if isinstance(layer, (nn.Linear, nn.Conv2d))
    ]
    side, device = info.input_size, next(module.parameters()).device
    image = torch.linspace(-2, 2, 3 * side * side, device=device).view(1, 3, side, side)
    module.eval()
    with torch.no_grad():
        module(image)
    for hook in hooks:
        hook.remove()
    return (*taken[-1], image) if taken else (None, image, image)


def source_model(source: Source, num_classes: int, seed: int, device: torch.device) -> Classifier:
    """A source with a new classifier over the target classes, on a device.

    Raises:
        Declined: It has no trainable form.
    """
    module = source.module()
    if module is None:
        raise Declined(f"source {source.info.name!r} cannot be trained: it has no torch module")
    info = source.info
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(SourceBackbone(module, info), num_classes, info.mean, info.std)
    return laid_out(model, device)


@dataclass(frozen=True)
class TeacherTrainer:
    """Fine-tunes or linearly probes sources on the labels of one task.

    Attributes:
        setting: Where and how precisely; the images of the task and of the transfer set, stored
            for the sources' input.
        labelled: Positions of the labelled images.
        labels: int64 (n,), of the train images.
        num_classes: Target classes.
        seed: For the new classifier.
        chosen: Positions of the images of the transfer set that are used; None for all.
    """

    setting: TrainingSetting
    labelled: NDArray[np.int64]
    labels: NDArray[np.int64]
    num_classes: int
    seed: int
    chosen: NDArray[np.int64] | None = None

    def train(
        self,
        source: Source,
        recipe: TeacherRecipe,
        features: NDArray[np.floating],
        transfer: NDArray[np.floating] | None,
    ) -> TeacherLogits:
        """Logits of the target classes, once a source has been trained on the labels.

        Args:
            source: The source.
            recipe: Linear probing, on cached features, or fine-tuning.
            features: (n, d) of the source on the train images.
            transfer: (m, d) of the source on the transfer set.

        Raises:
            Declined: It should be fine-tuned, but has no trainable form.
        """
        if recipe.fine_tune:
            return self._fine_tune(source, recipe)
        return self._linear_probe(recipe.strength, features, transfer)

    def _fine_tune(self, source: Source, recipe: TeacherRecipe) -> TeacherLogits:
        info = source.info
        setting = self.setting
        model = source_model(source, self.num_classes, self.seed, setting.device)
        if recipe.adapt is not None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed)
                recipe.adapt(model.backbone)
        phase = self._phase(recipe, info.name)
        news = TrainingNews(before=f"training {info.name}")
        model, _ = train_phases(model, [phase], setting, seed=self.seed, progress=news.step)
        macs = count_macs(model, info.input_size)
        spent = 3 * macs * recipe.steps * recipe.batch
        train = predict_logits(model, setting.images, setting)
        spent += macs * len(train)
        transfer = None
        if setting.transfer is not None:
            transfer, seen = self._transfer_logits(model, setting.transfer, setting)
            spent += macs * seen
        return TeacherLogits(train, transfer, recipe.steps, spent)

    def _transfer_logits(
        self, model: Classifier, images: Images, setting: TrainingSetting
    ) -> tuple[NDArray[np.float32], int]:
        """Logits on the transfer set, NaN for images that are not used, and how many are."""
        chosen = np.arange(len(images)) if self.chosen is None else self.chosen
        logits = np.full((len(images), self.num_classes), np.nan, dtype=np.float32)
        for start in range(0, len(chosen), _BLOCK):
            rows = chosen[start : start + _BLOCK]
            logits[rows] = predict_logits(model, images[rows], setting)
        return logits, len(chosen)

    def _phase(self, recipe: TeacherRecipe, source: str) -> Phase:
        """Fine-tuning on the labelled images, as a phase of the loop."""
        return Phase(
            steps=recipe.steps,
            streams={"labelled": Stream(self.labelled, recipe.batch, labels=self.labels)},
            loss=lambda model, batch: nn.functional.cross_entropy(
                model(batch["labelled"].views["weak"]), batch["labelled"].labels
            ),
            lr=recipe.lr,
            head_lr=recipe.head_lr,
            weight_decay=recipe.weight_decay,
            name=f"teach {source}",
        )

    def _linear_probe(
        self,
        strength: float,
        features: NDArray[np.floating],
        transfer: NDArray[np.floating] | None,
    ) -> TeacherLogits:
        """A linear classifier on its features, which stay as they are."""
        labels = self.labels[self.labelled]
        probe = LinearProbe(features[self.labelled], labels, self.num_classes, strength)
        on_transfer = None if transfer is None else probe.logits(transfer)
        return TeacherLogits(probe.logits(features), on_transfer, steps=0, macs=0)
