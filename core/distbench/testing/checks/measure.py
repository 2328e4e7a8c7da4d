"""Checks of measures, on made-up answers: certain ones, guesses, and awkward test parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import Declined
from distbench.interfaces.measure import Measure, Target
from distbench.testing.calls import fault_if_raises, frozen, unseeded
from distbench.testing.check import check
from distbench.testing.faults import Fault
from distbench.testing.subject import Subject

_CLASSES = 8
_CLOSE = 1e-9


@dataclass(frozen=True)
class _Answers:
    """What a student said of test images; all of one form, (m,) or (m, c)."""

    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def rows(self, rows: Any) -> _Answers:
        """The same images in another order, or some of them."""
        return _Answers(self.labels[rows], self.predictions[rows], self.probabilities[rows])


def _single(labels: NDArray[np.int64], named: NDArray[np.int64], sure: float) -> _Answers:
    """Answers that give the named class of each image (m,) a probability, others the rest."""
    rest = (1 - sure) / (_CLASSES - 1)
    probabilities = np.full((len(labels), _CLASSES), rest)
    probabilities[np.arange(len(labels)), named] = sure
    return _Answers(labels, named, probabilities)


def _several(labels: NDArray[np.int64], named: NDArray[np.int64], sure: float) -> _Answers:
    """The same where an image may show several classes: each (m, c) of 0 and 1."""
    return _Answers(labels, named, np.where(named == 1, sure, 1 - sure))


def _drawn(kind: Target) -> tuple[_Answers, _Answers, _Answers]:
    """Certain and right answers, uncertain ones that are mostly right, and confident guesses."""
    rng = np.random.default_rng(0)
    if kind == "single":
        labels = rng.permutation(np.arange(400) % _CLASSES)
        guess = rng.integers(0, _CLASSES, 400)
        mostly = np.where(rng.random(400) < 0.7, labels, guess)
        return (
            _single(labels, labels, 1 - 1e-6),
            _single(labels, mostly, 0.6),
            _single(labels, guess, 0.95),
        )
    labels = (rng.random((400, _CLASSES)) < 0.3).astype(np.int64)
    guess = rng.permuted(labels, axis=0)
    mostly = np.where(rng.random(labels.shape) < 0.7, labels, guess)
    partly = np.where(rng.random(labels.shape) < 0.1, -1, labels)
    return (
        _several(labels, labels, 1 - 1e-6),
        _several(partly, mostly, 0.6),
        _several(labels, guess, 0.95),
    )


def _awkward(kind: Target) -> Iterator[tuple[str, _Answers]]:
    """Test parts that small and odd tasks lead to."""
    _, plain, _ = _drawn(kind)
    yield "one image", plain.rows(slice(1))
    yield "two images", plain.rows(slice(2))
    yield "the same image twice", plain.rows(np.repeat(np.arange(10), 2))
    yield "equal probabilities", replace(plain, probabilities=np.full((400, _CLASSES), 1 / 8))
    if kind == "single":
        yield "one class in the test part", plain.rows(plain.labels == 3)
        yield "a class that never occurs", plain.rows(plain.labels != 3)
        few = (plain.labels == 3) | (np.arange(400) < 20)
        yield "one class that has most images", plain.rows(few)
    else:
        nothing = np.zeros_like(plain.labels)
        yield "no image shows anything", replace(plain, labels=nothing)
        yield "no label is known", replace(plain, labels=nothing - 1)


def _value(measure: Measure, answers: _Answers, what: str) -> float:
    """A value, checked.

    Raises:
        Declined: The measure is not defined there.
    """
    given = _given(measure, answers)
    with fault_if_raises(f"judging {what}"):
        value = float(measure.value(*given))
        hits = measure.hits(*given)
    if not np.isfinite(value):
        raise Fault(f"{what}: the value is {value}", "raise distbench.Declined where undefined")
    if measure.unit == "percent" and not -_CLOSE <= value <= 1 + _CLOSE:
        raise Fault(
            f"{what}: the value is {value:g}",
            'values in percent are 0..1; write unit = "plain" for others',
        )
    if hits is not None:
        right = np.asarray(hits)
        if right.dtype != np.bool_ or right.shape != (len(answers.labels),):
            raise Fault(f"{what}: hits is {right.dtype} of {right.shape}", "give a bool an image")
        if abs(right.mean() - value) > _CLOSE:
            raise Fault(
                f"{what}: {right.mean():g} of the images are hits, the value is {value:g}",
                "give no hits where the value is no share of the images",
            )
    return value


def _given(measure: Measure, answers: _Answers) -> tuple[Any, Any, Any]:
    """What a measure is given: read-only, and no probabilities where it names none."""
    shown = frozen(answers.probabilities) if "probabilities" in measure.needs else None
    return frozen(answers.labels), frozen(answers.predictions), shown


def _kinds(measure: Measure) -> Mapping[Target, tuple[_Answers, _Answers, _Answers]]:
    """Answers for each kind of task that it is defined on.

    Raises:
        Fault: There is none.
    """
    if not measure.kinds:
        raise Fault("kinds is empty", 'write kinds = frozenset({"single"})')
    return {kind: _drawn(kind) for kind in sorted(measure.kinds)}


@check("measure")
def values(subject: Subject) -> None:
    """It gives a finite value, a share where it is in percent, or declines with a reason."""
    measure = subject.make()
    for kind, (certain, plain, guessed) in _kinds(measure).items():
        some = {"right answers": certain, "uncertain answers": plain, "guesses": guessed}
        for what, answers in some.items():
            try:
                _value(measure, answers, what)
            except Declined as declined:
                raise Fault(
                    f"{what}: it declines: {declined.reason}",
                    f"judge 400 plain images of {_CLASSES} classes",
                ) from None
        for what, answers in _awkward(kind):
            try:
                _value(measure, answers, what)
            except Declined as declined:
                if not declined.reason.strip():
                    raise Fault(f"{what}: declined without a reason", "say why") from None


@check("measure")
def determinism(subject: Subject) -> None:
    """The same answers have the same value, bit for bit."""
    measure = subject.make()
    for _, plain, _ in _kinds(measure).values():
        one, other = unseeded(
            lambda plain=plain: _value(measure, plain, "uncertain answers"),  # type: ignore[misc]
            what="judging",
            instead="numpy.random.default_rng(0), or nothing random",
        )
        if one != other:
            raise Fault(f"the same answers are worth {one} and then {other}", "draw nothing")


@check("measure")
def order_invariance(subject: Subject) -> None:
    """The order of the images does not matter."""
    measure = subject.make()
    for _, plain, _ in _kinds(measure).values():
        order = np.random.default_rng(1).permutation(len(plain.labels))
        one = _value(measure, plain, "uncertain answers")
        other = _value(measure, plain.rows(order), "the same images in another order")
        if abs(one - other) > 1e-9 * max(1.0, abs(one)):
            raise Fault(
                f"the same images in another order are worth {other:g} instead of {one:g}",
                "compute nothing from positions",
            )


@check("measure")
def direction(subject: Subject) -> None:
    """Right and certain answers are better than confident guesses."""
    measure = subject.make()
    sign = 1 if measure.higher_is_better else -1
    for certain, _, guessed in _kinds(measure).values():
        best = _value(measure, certain, "right answers")
        worst = _value(measure, guessed, "guesses")
        if not sign * best > sign * worst:
            raise Fault(
                f"right answers are worth {best:g}, guesses {worst:g}",
                "say with higher_is_better which way is better; decline this check where guesses "
                "may be as good",
            )


@check("measure")
def title(subject: Subject) -> None:
    """It has a title that fits into tables."""
    measure = subject.make()
    with fault_if_raises("asking for its title", "return a text"):
        text = measure.title
    if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text) > 60:
        raise Fault(f"its title is {text!r}", "return a line of 60 characters at most")
