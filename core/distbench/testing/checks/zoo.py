"""Checks of zoos: facts of all sources, outputs of the smallest ones."""

from __future__ import annotations

import numpy as np
import torch

from distbench.engine.stages.source_checks import check_source, checked_outputs
from distbench.errors import RefusedError, WeightsError
from distbench.interfaces.zoo import Source, SourceInfo, Zoo
from distbench.testing.calls import fault_if_raises
from distbench.testing.check import check
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.subject import Subject

_OPENED = 3
"""How many sources are opened: those with the fewest parameters."""
_STATED = ("licence", "domain", "architecture", "fingerprint")
_CPU = torch.device("cpu")


def _sources(subject: Subject) -> list[Source]:
    zoo: Zoo = subject.make_with_data()
    remedy = "sources() gives a list and loads no weights"
    with fault_if_raises("listing its sources", remedy, needs_data=True):
        sources = list(zoo.sources())
    if not sources:
        raise Fault("it has no sources", "sources() gives one at least")
    return sources


def _smallest(subject: Subject) -> list[Source]:
    """Sources to open, the smallest whose weights are found to be theirs.

    Raises:
        NotChecked: None of them is on this machine.
    """
    ready = []
    absent = ""
    every = sorted(_sources(subject), key=lambda s: s.info.parameters or 10**12)
    for source in every:
        with fault_if_raises(
            f"verifying {source.info.name}", "raise WeightsError where weights differ"
        ):
            try:
                source.verify()
            except RefusedError as error:
                absent = str(error).partition("\n")[0]
                continue
        ready.append(source)
        if len(ready) == _OPENED:
            break
    if not ready:
        raise NotChecked(f"no weights are on this machine: {absent}")
    return ready


def _images(info: SourceInfo, count: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    side = info.input_size
    return torch.randn(count, 3, side, side, generator=generator)


@check("zoo")
def info(subject: Subject) -> None:
    """Every source states name, architecture, licence, domain and fingerprint; names differ."""
    infos = [source.info for source in _sources(subject)]
    names = [one.name for one in infos]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Fault(f"two sources are called {twice[0]!r}", "give each a name of its own")
    if len({one.fingerprint for one in infos}) < len(infos):
        raise Fault(
            "two sources have one fingerprint", "a fingerprint is the SHA-256 of a source's weights"
        )
    for one in infos:
        for fact in _STATED:
            if getattr(one, fact) in ("", "unknown"):
                raise Fault(f"source {one.name!r} does not state its {fact}", "say it in its info")


@check("zoo")
def determinism(subject: Subject) -> None:
    """The sources are listed alike every time, in one order."""
    one, other = ([s.info for s in _sources(subject)] for _ in range(2))
    if one != other:
        raise Fault("sources() differs from call to call", "sort them, for example by name")


@check("zoo")
def verify(subject: Subject) -> None:
    """The weights of a source are found, and are those that its fingerprint names."""
    _smallest(subject)


@check("zoo")
def outputs(subject: Subject) -> None:
    """Features and raw logits have the declared shapes, are finite and the same every time."""
    for source in _smallest(subject):
        one, images = source.info, _images(source.info)
        with fault_if_raises(
            f"running {one.name}", "open() gives a function of images (b, 3, s, s)"
        ):
            forward = source.open(_CPU)
            try:
                with torch.inference_mode():
                    features, logits = checked_outputs(one, forward, images)
                    again = forward(images)
                check_source(one, forward, images, (features, logits))
            except WeightsError as error:
                raise Fault(str(error), "a run refuses such a source at its first batch") from None
        for what, array in (("features", features), ("logits", logits)):
            if not torch.isfinite(array).all():
                raise Fault(f"{one.name}: {what} are not finite", "check its normalisation")
        if not (torch.equal(features, again[0]) and torch.equal(logits, again[1])):
            raise Fault(f"{one.name}: two passes differ", "put it in evaluation mode: eval()")


@check("zoo")
def text(subject: Subject) -> None:
    """A source that reads texts gives each sentence a direction of norm 1, by what it says."""
    reading = [source for source in _smallest(subject) if source.info.reads_text]
    if not reading:
        raise NotChecked("none of its sources reads texts")
    for source in reading:
        name = source.info.name
        with fault_if_raises(f"reading sentences with {name}", "text_head takes a list of str"):
            head = source.text_head(["a photo of a cat.", "a photo of a dog."])
            turned = source.text_head(["a photo of a dog.", "a photo of a cat."])
        if head.texts.shape != (2, source.info.feature_dim):
            raise Fault(
                f"{name}: text_head gives {head.texts.shape} of two sentences",
                f"give (2, {source.info.feature_dim}), as wide as its features",
            )
        if not np.allclose(np.linalg.norm(head.texts, axis=1), 1, atol=1e-3):
            raise Fault(f"{name}: its sentences are not of norm 1", "divide them by their norms")
        if not np.allclose(head.texts, turned.texts[::-1], atol=1e-5):
            raise Fault(
                f"{name}: a sentence depends on those beside it", "put the text tower in eval()"
            )
        if np.allclose(head.texts[0], head.texts[1]):
            raise Fault(f"{name}: a cat and a dog read the same", "check the tokenizer")


@check("zoo")
def module(subject: Subject) -> None:
    """A source that can be trained gives the same logits as a module."""
    tried = 0
    for source in _smallest(subject):
        with fault_if_raises(
            f"making a module of {source.info.name}", "module() gives None without one"
        ):
            module = source.module()
        if module is None or not source.info.num_classes:
            continue
        tried += 1
        images = _images(source.info)
        with fault_if_raises(
            f"running the module of {source.info.name}", "it takes images (b, 3, s, s)"
        ):
            logits = module.eval()(images)
        if not logits.requires_grad:
            raise Fault(f"{source.info.name}: its module cannot be trained", "freeze no weights")
        with torch.inference_mode():
            wanted = source.open(_CPU)(images)[1]
        if not np.allclose(logits.detach(), wanted, rtol=1e-2, atol=1e-3):
            raise Fault(
                f"{source.info.name}: module() gives other logits than open()",
                "load the same weights in both",
            )
    if not tried:
        raise NotChecked("none of its sources can be trained")
