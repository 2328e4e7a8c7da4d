"""Checks of distillers and baselines, by training the miniature student with them."""

from __future__ import annotations

import math

import numpy as np
import torch

from distbench.engine.training.heads import build_head
from distbench.errors import PluginError
from distbench.interfaces.method import Method
from distbench.testing.calls import unseeded
from distbench.testing.check import check
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.harness import positions_of, train_recorded, weights_of
from distbench.testing.subject import Subject


@check("distiller", "baseline")
def phases(subject: Subject) -> None:
    """Its phases stay within the protocol's steps, however many these are."""
    for steps in (3, 11):
        _, seen = train_recorded(subject, steps=steps)
        wanted = sum(phase.steps * phase.passes for phase in seen.phases_)
        if not 0 < wanted <= steps:
            raise Fault(
                f"its phases take {wanted} steps where the protocol has {steps}",
                "derive them from context.protocol.steps",
            )


@check("distiller", "baseline")
def streams(subject: Subject) -> None:
    """Its streams hold images that may be trained on, and labels only where there are."""
    _, seen = train_recorded(subject)
    context = seen.context
    if context is None:
        raise Fault("it was not asked for its phases", "derive it from Distiller or Baseline")
    allowed = positions_of(context)
    for phase in seen.phases_:
        for name, stream in phase.streams.items():
            if stream.of == "train" and not np.isin(stream.positions, allowed).all():
                raise Fault(
                    f"stream {name!r} holds images that are not to be trained on",
                    "use context.labelled and context.unlabelled",
                )


@check("distiller", "baseline")
def loss(subject: Subject) -> None:
    """Its loss is a finite scalar in every step, and its gradient reaches the student."""
    _, seen = train_recorded(subject, steps=12)
    if not all(math.isfinite(value) for value in seen.losses):
        raise Fault("its loss is not finite", "try a smaller default learning rate")
    if not any(seen.reached):
        raise Fault(
            "no gradient of its loss reaches the student",
            "compute it from student(...) or student.features(...), and detach only targets",
        )


@check("distiller", "baseline")
def head(subject: Subject) -> None:
    """Its head, if it has one, takes features of any width, one image at a time or many."""
    method: Method = subject.make_with_data()
    try:
        for width, classes in ((6, 3), (11, 5)):
            build_head(method, width, classes, seed=0)
    except PluginError as error:
        raise Fault(str(error), "or return None from build_head, for a linear layer") from None


@check("distiller", "baseline")
def inference(subject: Subject) -> None:
    """Its inference, if it has one, is of the right shape, finite, and of each image by itself."""
    if type(subject.make_with_data()).inference is not Method.inference:
        train_recorded(subject)


@check("distiller", "baseline")
def determinism(subject: Subject) -> None:
    """The same seed trains the same student, bit for bit."""
    one, other = unseeded(
        lambda: train_recorded(subject)[0].result,
        what="training",
        instead="torch's generator, or numpy.random.default_rng(context.seed_for(...))",
    )
    if one != other:
        raise Fault(
            "the same seed trains another student",
            "draw from torch's generator, or numpy.random.default_rng(context.seed_for(...))",
        )


@check("distiller", "baseline")
def seed_effect(subject: Subject) -> None:
    """Another seed trains another student."""
    one, other = (train_recorded(subject, seed)[0].result for seed in (0, 1))
    if one and other and one.student_digest == other.student_digest:
        raise Fault(
            "two seeds train the same student", "draw with context.seed_for(...), not a constant"
        )


@check("distiller", "baseline")
def few_labels(subject: Subject) -> None:
    """It trains on one label a class, in batches larger than that; or declines with a reason."""
    train_recorded(subject, labelled="1-per-class", batch=16)


@check("distiller", "baseline")
def several_labels(subject: Subject) -> None:
    """Where it says that an image may show several classes, it trains on such images."""
    if "several" not in subject.make().kinds:
        raise NotChecked("it is for images of one class each")
    row, _ = train_recorded(subject, task="miniature_task:several=true")
    if row.result is None:
        raise Fault("it gives no student", "see `--json`")


@check("distiller", "baseline")
def modules(subject: Subject) -> None:
    """The extra modules that it has trained along are moved by its loss."""
    _, seen = train_recorded(subject, steps=12)
    for phase, before in zip(seen.phases_, seen.unmoved, strict=True):
        for name, module in phase.modules.items():
            weights = zip(weights_of(module), before[name], strict=True)
            if before[name] and all(torch.equal(now, then) for now, then in weights):
                raise Fault(
                    f"module {name!r} of phase {phase.name!r} is never moved",
                    "use it in the loss, or leave it out of Phase(modules=...)",
                )
