"""The one loss on labels."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from distbench_builtin.shared.methods.labelled_loss import class_probabilities, labelled_loss

LOGITS = torch.tensor([[0.0, 2.0], [-1.0, 0.5], [3.0, 0.0]])


def test_of_one_class_it_is_cross_entropy_to_the_bit() -> None:
    labels = torch.tensor([0, 1, 1])
    assert torch.equal(labelled_loss(LOGITS, labels), F.cross_entropy(LOGITS, labels))


def test_of_several_it_is_torchs_mean_of_binary_cross_entropies() -> None:
    labels = torch.tensor([[1, 0], [0, 0], [1, 1]])
    wanted = F.binary_cross_entropy_with_logits(LOGITS, labels.float())
    assert labelled_loss(LOGITS, labels) == pytest.approx(wanted.item(), abs=1e-7)


def test_what_is_not_known_has_no_part_in_it() -> None:
    labels = torch.tensor([[1, -1], [-1, -1], [-1, 0]])
    # -log sigmoid(0) and -log(1 - sigmoid(0)), by hand; two entries are known
    assert labelled_loss(LOGITS, labels).item() == pytest.approx(math.log(2), abs=1e-7)
    logits = LOGITS.clone().requires_grad_()
    labelled_loss(logits, labels).backward()
    assert logits.grad is not None and (logits.grad != 0).sum() == 2
    assert labelled_loss(LOGITS, torch.full((3, 2), -1)).item() == 0


def test_probabilities_of_classes() -> None:
    assert class_probabilities(LOGITS, False).sum(1).tolist() == pytest.approx([1, 1, 1])
    assert class_probabilities(LOGITS, True)[0].tolist() == pytest.approx(
        [0.5, 1 / (1 + math.exp(-2))]
    )
