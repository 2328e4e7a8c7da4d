"""Steps of distillation from one teacher: ours beside torchdistill's.

Equal are student and teacher (the same modules), images, batch, one weak view (a shift by up to an
eighth and a mirror), the loss (half cross-entropy, half divergence at temperature 4, as in Hinton,
Vinyals and Dean, 2015), SGD with a cosine, and the teacher's pass in every step. distbench's own
distillers read a teacher's outputs from a file; that is not what is compared here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from benchmarks.absent import AbsentError, required, version
from benchmarks.side_by_side.report import Absent, Found, rates
from benchmarks.side_by_side.steps import READY, Case, ours, ready_batches, same_loss
from benchmarks.side_by_side.turns import Prepared, in_turns
from benchmarks.test_training import BATCH, CPU, IMAGES, LABELS, student
from PIL import Image
from torch.nn.functional import cross_entropy
from torchvision import transforms

from distbench.interfaces.classifier import Classifier
from distbench.interfaces.training.phase import Phase
from distbench.interfaces.training.stream import Batch, Stream
from distbench_builtin.shared.methods.losses import distillation_kl

TEMPERATURE, SHARE, RATE = 4.0, 0.5, 0.01
CASES = (
    Case("mini", 32, 36, teacher="timm:mobilenetv2_035"),
    Case("timm:mobilenetv2_035", 64, 24, teacher="timm:mobilenetv2_100"),
)
"""A turn is within torchdistill's first epoch, so that both begin one."""


def compared(turns: int, cases: tuple[Case, ...] = CASES) -> Iterator[Found]:
    """Images a second of each case."""
    for case in cases:
        yield from _compared(case, turns)


def _compared(case: Case, turns: int) -> Iterator[Found]:
    what = f"distillation, {case.title}"
    teacher = student(case.teacher).eval().requires_grad_(False)
    variants, peers = ours(case, _phase(case, teacher)), [READY]
    try:
        _see_that_losses_are_equal(case, teacher)
    except AbsentError as error:
        yield Absent(what, "torchdistill", str(error))
    else:
        name = version("torchdistill")
        variants[name] = lambda: _by_torchdistill(case, teacher)
        peers.insert(0, name)
    seconds = in_turns(variants, turns)
    yield from rates(what, seconds, case.steps * BATCH, peers)


def _phase(case: Case, teacher: Classifier) -> Phase:
    def loss(model: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
        images, labels = batch["all"].views["weak"], batch["all"].labels
        with torch.no_grad():
            soft = (teacher(images) / TEMPERATURE).softmax(1)
        logits = model(images)
        divergence = distillation_kl(logits, soft, TEMPERATURE)
        return SHARE * cross_entropy(logits, labels) + (1 - SHARE) * divergence

    streams = {"all": Stream(np.arange(IMAGES), BATCH, labels=LABELS)}
    return Phase(steps=case.steps, streams=streams, loss=loss, lr=RATE)


class _Photographs(torch.utils.data.Dataset[Any]):
    """Arrays as torchvision's CIFAR gives them."""

    def __init__(self, case: Case) -> None:
        self._images = case.setting().images
        self._transform = transforms.Compose(
            [
                transforms.RandomCrop(case.side, padding=case.side // 8, padding_mode="reflect"),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        return self._transform(Image.fromarray(self._images[number])), int(LABELS[number])


def _by_torchdistill(case: Case, teacher: Classifier) -> Prepared:
    """The loop of its example for classification; networks normalise, as ours do."""
    box = _box(case, teacher)
    log = required("torchdistill.misc.log").MetricLogger(delimiter="  ")

    def train() -> None:
        box.pre_epoch_process(epoch=0)
        batches = log.log_every(box.train_data_loader, 10**9, "")
        for _, (images, labels, more) in zip(range(case.steps), batches, strict=False):
            loss = box.forward_process(images.to(CPU), labels.to(CPU), more)
            box.post_forward_process(loss)
            log.update(loss=loss.item(), lr=box.optimizer.param_groups[0]["lr"])
        box.post_epoch_process()
        box.clean_modules()

    return train


def _box(case: Case, teacher: Classifier) -> Any:
    logging.getLogger("torchdistill").setLevel(logging.ERROR)
    box_of = required("torchdistill.core.distillation").get_distillation_box
    data = {"train": _Photographs(case)}
    return box_of(teacher, student(case.student), data, _recipe(case.steps), CPU, None, False, 1)


def _see_that_losses_are_equal(case: Case, teacher: Classifier) -> None:
    box, phase = _box(case, teacher), _phase(case, teacher)
    batches = ready_batches(phase, case.setting())
    own = phase.loss(student(case.student).train(), batches)
    box.pre_epoch_process(epoch=0)
    theirs = box.forward_process(batches["all"].views["weak"], batches["all"].labels, None)
    box.clean_modules()
    same_loss(own.detach(), theirs.detach())


def _recipe(steps: int) -> dict[str, Any]:
    ends = {"student_module_path": ".", "student_module_io": "output"}
    ends |= {"teacher_module_path": ".", "teacher_module_io": "output"}
    knowledge = {**ends, "temperature": TEMPERATURE, "alpha": SHARE, "reduction": "batchmean"}
    term = {"criterion": {"key": "KDLoss", "kwargs": knowledge}, "weight": 1.0}
    descent = {"lr": RATE, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    return {
        "num_epochs": 1,
        "train_data_loader": {
            "dataset_id": "train",
            "sampler": {"class_or_func": torch.utils.data.RandomSampler},
            "kwargs": {"batch_size": BATCH, "num_workers": 0, "drop_last": True},
        },
        "teacher": {"forward_proc": "forward_batch_only", "requires_grad": False},
        "student": {"forward_proc": "forward_batch_only"},
        "criterion": {"key": "WeightedSumLoss", "kwargs": {"sub_terms": {"kd": term}}},
        "optimizer": {"key": "SGD", "kwargs": descent},
        "scheduler": {
            "key": "CosineAnnealingLR",
            "kwargs": {"T_max": steps},
            "scheduling_step": 1,
        },
    }
