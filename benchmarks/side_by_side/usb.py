"""USB's FixMatch on a processor: its images, views, loader, loss, optimiser and hooks.

It is written for a GPU. Left out is what would need one (copies to it, its timer) and what ours
does not do in a benchmark either: judging the network and writing it to disk at the last step.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from benchmarks.absent import required
from torchvision import transforms

from distbench.interfaces.classifier import Classifier
from distbench.interfaces.training.stream import Batch

_UNUSED = ("aim", "torchaudio")
"""A tracker and sounds: imported at once, called by nothing here."""

_OPERATIONS = 2
"""RandAugment's for each image, as the paper and ours have it; USB's own recipes take 3."""


_NEVER = 10**9


class _Network(torch.nn.Module):
    """A student as USB calls it: on images that are normalised, for a table of outputs."""

    def __init__(self, student: Classifier) -> None:
        super().__init__()
        self.backbone, self.head = student.backbone, student.head

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        features = self.backbone(images)
        return {"logits": self.head(features), "feat": features}


def fixmatch(
    images: np.ndarray,
    labels: np.ndarray,
    parts: dict[str, np.ndarray],
    student: Any,
    normalise: transforms.Normalize,
    *,
    steps: int,
    batch: int,
    mu: int,
    threshold: float = 0.95,
) -> Any:
    """USB's algorithm, ready for its ``train()``.

    Args:
        images: uint8 (n, s, s, 3).
        labels: (n,).
        parts: Positions of the ``labelled`` and the ``unlabelled`` images.
        student: Makes the network, a `Classifier`.
        normalise: What the network normalises by; here its images are normalised before.
        steps: How many are trained.
        batch: Labelled images of a step.
        mu: Unlabelled ones for each of these.
        threshold: Confidence that a guess needs.

    Raises:
        AbsentError: semilearn, or what it needs, is not here.
    """
    required("semilearn", *_UNUSED)
    hooks = required("semilearn.core.hooks")
    own = required("semilearn.algorithms.hooks")
    published = required("semilearn.algorithms.fixmatch").FixMatch
    classes = int(labels.max()) + 1
    data = _data_sets(images, labels, parts, classes, normalise)

    class OnProcessor(published):  # type: ignore[misc, valid-type]
        def set_dataset(self) -> Any:
            return data

        def set_hooks(self) -> None:
            self.register_hook(own.PseudoLabelingHook(), "PseudoLabelingHook")
            self.register_hook(own.FixedThresholdingHook(), "MaskingHook")
            self.register_hook(hooks.ParamUpdateHook(), None, "HIGHEST")
            self.register_hook(hooks.EMAHook(), None, "HIGH")
            self.register_hook(hooks.DistSamplerSeedHook(), None, "NORMAL")
            self.register_hook(hooks.LoggingHook(), None, "LOWEST")

        def process_batch(self, input_args: Any = None, **batch: Any) -> dict[str, Any]:
            return {k: batch[k] for k in ("x_lb", "y_lb", "x_ulb_w", "x_ulb_s")}

    settings = _settings(classes, steps, batch, mu, threshold)
    return OnProcessor(settings, lambda **_: _Network(student()), logger=_Silent())


def loss(
    algorithm: Any, batches: Mapping[str, Batch], normalise: transforms.Normalize
) -> torch.Tensor:
    """USB's loss of batches that are there already, a scalar."""
    labelled, unlabelled = batches["labelled"], batches["unlabelled"]
    algorithm.model.train()
    out, _ = algorithm.train_step(
        x_lb=normalise(labelled.views["weak"]),
        y_lb=labelled.labels,
        x_ulb_w=normalise(unlabelled.views["weak"]),
        x_ulb_s=normalise(unlabelled.views["strong"]),
    )
    found: torch.Tensor = out["loss"]
    return found.detach()


class _Silent:
    def info(self, *_: object) -> None:
        pass


def _settings(classes: int, steps: int, batch: int, mu: int, threshold: float) -> Namespace:
    """USB's defaults for FixMatch, as its command line has them; read in this process alone."""
    return Namespace(
        num_classes=classes,
        num_train_iter=steps,
        batch_size=batch,
        uratio=mu,
        epoch=1,
        num_warmup_iter=0,
        num_eval_iter=_NEVER,
        num_log_iter=_NEVER,
        eval_batch_size=batch,
        train_sampler="RandomSampler",
        num_workers=0,
        algorithm="fixmatch",
        use_cat=True,
        T=0.5,
        p_cutoff=threshold,
        hard_label=True,
        ulb_loss_ratio=1.0,
        ema_m=0.999,
        optim="SGD",
        lr=0.03,
        momentum=0.9,
        weight_decay=5e-4,
        layer_decay=1.0,
        clip_grad=0,
        amp=False,
        net="student",
        use_pretrain=False,
        pretrain_path="",
        save_name="none",
        save_dir="none",
        resume=False,
        gpu=None,
        rank=0,
        world_size=1,
        distributed=False,
    )


def _data_sets(
    images: np.ndarray,
    labels: np.ndarray,
    parts: dict[str, np.ndarray],
    classes: int,
    normalise: transforms.Normalize,
) -> dict[str, Any]:
    """With the views of USB's recipe for CIFAR at the size of the images."""
    made = required("semilearn.datasets.cv_datasets.datasetbase").BasicDataset
    operations = required("semilearn.datasets.augmentation").RandAugment(_OPERATIONS, 5)
    side = images.shape[1]
    begin = [
        transforms.Resize(side),
        transforms.RandomCrop(side, padding=int(side * (1 - 0.875)), padding_mode="reflect"),
        transforms.RandomHorizontalFlip(),
    ]
    end = [transforms.ToTensor(), normalise]
    weak = transforms.Compose([*begin, *end])
    strong = transforms.Compose([*begin, operations, *end])
    known, rest = parts["labelled"], parts["unlabelled"]
    args = ("fixmatch", images[known], labels[known], classes, weak)
    unlabelled = ("fixmatch", images[rest], labels[rest], classes, weak, True, strong)
    return {
        "train_lb": made(*args),
        "train_ulb": made(*unlabelled),
        "eval": made(*args),
        "test": None,
    }
