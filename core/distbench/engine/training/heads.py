"""The head that a method builds, held against its contract and put on students."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from distbench.engine.global_state import unchanged
from distbench.engine.training.student import take_over
from distbench.errors import PluginError, WeightsError
from distbench.interfaces.calls import naming
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.method import Method


def give_head(method: Method, num_classes: int, *models: Classifier, seed: int) -> None:
    """Has students begin with the head of a method, where it builds one; each with one of its own.

    Args:
        method: Builds it, or none.
        num_classes: Number of classes c.
        models: Students of one architecture; they are changed.
        seed: Of what is random in the head of the first; that of the others follows from 0.

    Raises:
        PluginError: What it builds is no head.
    """
    for number, model in enumerate(models):
        width = model.num_features
        build = _built if number else build_head
        head = build(method, width, num_classes, seed=0 if number else seed)
        if head is None:
            return
        model.head = head.to(next(model.parameters()).device)


def build_head(method: Method, width: int, num_classes: int, *, seed: int) -> nn.Module | None:
    """The head of a method, where it builds one.

    Args:
        method: Builds it.
        width: Of the features, d.
        num_classes: Number of classes c.
        seed: Of what is random in it.

    Raises:
        PluginError: What it builds is no head.
    """
    head = _built(method, width, num_classes, seed=seed)
    if head is not None:
        _check(method, head, width, num_classes)
    return head


def is_linear(head: nn.Module) -> bool:
    """Whether a head is a linear layer; a class of a plugin may derive from one and do more."""
    return isinstance(head, nn.Linear) and type(head).forward is nn.Linear.forward


def as_linear(head: nn.Module) -> Mapping[str, torch.Tensor] | None:
    """``weight`` (c, d) and ``bias`` (c,) of a head that a linear layer can stand in for."""
    if is_linear(head):
        weights = head.state_dict()
        zeros = torch.zeros(len(weights["weight"]), device=weights["weight"].device)
        return {"weight": weights["weight"], "bias": weights.get("bias", zeros)}
    layer = getattr(head, "as_linear", None)
    if layer is None or isinstance(layer, nn.Module):
        return None
    with torch.no_grad():
        weight, bias = layer()
    return {"weight": weight.detach(), "bias": bias.detach()}


def _built(method: Method, width: int, num_classes: int, *, seed: int) -> nn.Module | None:
    with unchanged(method.name), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with naming(method.name, "build_head"):
            head = method.build_head(width, num_classes)
    if head is not None and not isinstance(head, nn.Module):
        raise _wrong(method, f"gave a {type(head).__name__} and no torch.nn.Module")
    return head


@torch.no_grad()
def _check(method: Method, head: nn.Module, width: int, num_classes: int) -> None:
    """Refuses a head that could not be trained, judged or shipped; it stays as it is."""
    features = torch.rand(3, width, generator=torch.Generator().manual_seed(0))
    again = _built(method, width, num_classes, seed=1)
    if again is None or again is head:
        raise _wrong(method, "gave the same module twice, or none; build it anew each time")
    training = head.training
    with naming(method.name, "build_head: its head"):
        logits = head.eval()(features)
        alone = head(features[1:2])
    shape = tuple(getattr(logits, "shape", ()))
    if shape != (3, num_classes):
        raise _wrong(
            method,
            f"its head gives logits of shape {shape} for features (3, {width}); give one for each "
            f"of {num_classes} classes, (3, {num_classes})",
        )
    if not torch.isfinite(logits).all():
        raise _wrong(method, "the logits of its head are not finite; check its initial weights")
    if not _close(logits[1:2], alone):
        raise _wrong(
            method,
            "in evaluation mode the logits of an image depend on the others of its batch, or are "
            "drawn; compute them from its own features alone",
        )
    try:
        rebuilt = take_over(again, head.state_dict()).eval()(features)
    except WeightsError as error:
        raise _wrong(method, f"{error}; it may depend on the widths alone") from None
    head.train(training)
    if not _close(logits, rebuilt):
        raise _wrong(
            method,
            "its weights give other logits in a head that is built anew; what it computes with "
            "belongs into parameters and persistent buffers",
        )


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def _wrong(method: Method, what: str) -> PluginError:
    return PluginError(method.name, f"build_head: {what}")
