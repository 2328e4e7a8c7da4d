"""Checks of metrics, on made-up probes; a metric that compares sources gets three of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from operator import methodcaller

import numpy as np

from distbench.errors import Declined
from distbench.interfaces.metric import SetMetric
from distbench.testing.calls import fault_if_raises, unseeded
from distbench.testing.check import check
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.harness import miniature_probes
from distbench.testing.probes import Drawn, awkward, drawn, several_classes, values
from distbench.testing.subject import Subject

_ROUND_OFF = 1e-6
_SEES = {"features", "logits", "reference"}
_ON_IMAGES = {"images", "module"}


def _scores(subject: Subject, data: Drawn, what: str = "scoring plain probes") -> list[float]:
    """Scores where there is no reason to decline."""
    if _ON_IMAGES & subject.make().needed():
        raise NotChecked("it reads images or modules, and probes that are made up have none")
    with fault_if_raises(what):
        given = values(subject.make(), data)
    return _sound(given, len(data.features), what)


def _plain_scores(subject: Subject, data: Drawn) -> list[float]:
    """Scores of plain probes; of the miniature's own where it reads images or modules."""
    if not _ON_IMAGES & subject.make().needed():
        return _scores(subject, data)
    what = "scoring the miniature's sources"
    with miniature_probes(subject) as probes, fault_if_raises(what):
        given = [*subject.make().score_all(probes)]
    return _sound(given, len(probes), what)


def _sound(given: Sequence[object], count: int, what: str) -> list[float]:
    """Scores that are finite numbers, one for each probe."""
    scores: list[float] = []
    if len(given) != count:
        raise Fault(
            f"score_all gives {len(given)} scores for {count} probes",
            "give one for each, in their order",
        )
    for value in given:
        if isinstance(value, Declined):
            raise Fault(
                f"{what} is declined: {value.reason}",
                "name what it reads of a probe in `needs`; decline only where it is not defined",
            )
        if isinstance(value, bool) or not isinstance(value, Real):
            raise Fault(f"{what} gives a {type(value).__name__}", "return a float")
        if not math.isfinite(value):
            raise Fault(
                f"{what} gives {value}", "raise distbench.Declined(reason) where it is not defined"
            )
        scores.append(float(value))
    return scores


def _reads_images(subject: Subject) -> None:
    if not subject.make().needed() & _SEES:
        raise NotChecked("it reads nothing of the images")


def _unchanged(subject: Subject, data: Drawn, other: Drawn, what: str, remedy: str) -> list[float]:
    """The scores of plain probes; a fault where those of others differ by more than round-off."""
    wanted, found = _scores(subject, data), _scores(subject, other, f"scoring {what}")
    if not _alike(wanted, found):
        raise Fault(f"{what} are scored {found[0]:.9g} instead of {wanted[0]:.9g}", remedy)
    return wanted


def _alike(one: list[float], other: list[float], rel: float = _ROUND_OFF) -> bool:
    return bool(np.allclose(one, other, rtol=rel, atol=rel * 0.01))


@check("metric")
def score(subject: Subject) -> None:
    """It scores plain probes by finite floats, and reads only what it says that it needs."""
    _plain_scores(subject, drawn())


@check("metric")
def determinism(subject: Subject) -> None:
    """The same probe has the same score, bit for bit; what is random follows from its seed."""
    data = drawn(1)
    one, other = unseeded(
        lambda: _plain_scores(subject, data),
        what="scoring",
        instead="numpy.random.default_rng(probe.seed)",
    )
    if one != other:
        raise Fault(
            f"the same probe is scored {one[0]!r} and then {other[0]!r}",
            "draw from numpy.random.default_rng(probe.seed)",
        )


@check("metric")
def order_invariance(subject: Subject) -> None:
    """The order of the images does not matter, nor that of the sources."""
    data = drawn(2)
    reordered = data.rows(np.random.default_rng(0).permutation(len(data.labels)))
    remedy = "compute nothing from positions; to take a subset, sort by value before drawing"
    wanted = _unchanged(subject, data, reordered, "images in another order", remedy)
    if "zoo" in subject.make().needed():
        again = _scores(subject, data.turned(), "scoring sources in another order")[::-1]
        if not _alike(wanted, again):
            raise Fault(
                f"sources in another order are scored {again} instead of {wanted}",
                "a source's score may depend on which others there are, not on their order",
            )


@check("metric")
def class_numbers(subject: Subject) -> None:
    """Which number a class has does not matter, nor whether numbers are left out."""
    # Names of classes that do not occur are others to choose from, for who reads names.
    numbers = np.array([2, 0, 3, 1] if "context" in subject.make().needed() else [7, 2, 9, 4])
    data = drawn(3)
    names = {int(number): f"class {i}" for i, number in enumerate(numbers)}
    classes = tuple(names.get(i, f"absent {i}") for i in range(numbers.max() + 1))
    renamed = replace(data, labels=numbers[data.labels], classes=classes)
    remedy = "treat labels as names: use probe.labels.ids, .onehot and .class_sums"
    _unchanged(subject, data, renamed, "classes of other numbers", remedy)


@check("metric")
def dtype(subject: Subject) -> None:
    """float32 is scored as its float64 copy, and float16 is taken."""
    data = drawn(4)
    double, half = (data.each(methodcaller("astype", kind)) for kind in ("f8", "f2"))
    wanted, scores = _scores(subject, data), _scores(subject, double, "scoring float64")
    if not _alike(wanted, scores, 1e-4):
        raise Fault(
            f"float32 is scored {wanted[0]:.9g}, its float64 copy {scores[0]:.9g}",
            "compute in float64: features.astype(float)",
        )
    _scores(subject, half, "scoring float16")


@check("metric")
def inputs(subject: Subject) -> None:
    """It changes nothing of the probe: its arrays are read-only here."""
    if _ON_IMAGES & subject.make().needed():
        _plain_scores(subject, drawn(5))
        return
    with fault_if_raises(
        "scoring read-only arrays", "copy what is changed: x = probe.features.copy()"
    ):
        values(subject.make(), drawn(5))


@check("metric")
def direction(subject: Subject) -> None:
    """A source whose features tell classes apart scores higher than noise."""
    _reads_images(subject)
    wins = 0
    for seed in range(5):
        data = drawn(20 + seed, images=60, classes=3, signal=(2.5, 0.0, 0.0))
        if "zoo" not in subject.make().needed():
            data = replace(data, features=data.features[:2], logits=data.logits[:2])
        good, *noise = _scores(subject, data)
        wins += good > max(noise)
    if wins < 4:
        raise Fault(
            f"a source that separates the classes scores above noise in {wins} of 5 drawings",
            "higher must mean better: change the sign",
        )


@check("metric")
def awkward_probes(subject: Subject) -> None:
    """Odd probes are scored by a finite number, or declined with a reason."""
    metric = subject.make()
    if _ON_IMAGES & metric.needed():
        raise NotChecked("it reads images or modules, and probes that are made up have none")
    for name, data in awkward().items():
        with fault_if_raises(f"scoring {name}"):
            scores = values(metric, data)
        for value in scores:
            if isinstance(value, Declined):
                if not value.reason.strip():
                    raise Fault(f"{name}: declined without a reason", "say in one clause why")
            elif not math.isfinite(value):
                raise Fault(
                    f"{name}: the score is {value}",
                    "raise distbench.Declined(reason) where it is not defined",
                )


@check("metric")
def teams(subject: Subject) -> None:
    """Of a metric of teams the order of the members does not matter."""
    metric = subject.make()
    if not isinstance(metric, SetMetric):
        raise NotChecked("it scores sources one by one")
    probes = drawn(6).probes(metric)
    with fault_if_raises("scoring a team"):
        value, turned = metric.score_set(probes), metric.score_set(probes[::-1])
    (one, other) = _sound([value, turned], 2, "scoring a team")
    if not _alike([one], [other]):
        raise Fault(
            f"a team in another order is scored {other:.9g} instead of {one:.9g}",
            "compute nothing from the members' positions",
        )


@check("metric")
def several_labels(subject: Subject) -> None:
    """Where it says that an image may show several classes, it scores such images as others.

    By finite floats, in whatever order the images come, and a source that tells the classes apart
    above noise.
    """
    metric = subject.make()
    if "several" not in metric.kinds:
        raise NotChecked("it is for images of one class each")
    if _ON_IMAGES & metric.needed():
        raise NotChecked("it reads images or modules, and probes that are made up have none")
    what = "scoring images that show several classes"
    wins = 0
    for seed in range(5):
        data = drawn(seed, signal=(2.5, 0.0, 0.0), labels=several_classes(seed))
        scores = _scores(subject, data, what)
        again = _scores(subject, data.rows(np.random.default_rng(seed).permutation(60)), what)
        if not _alike(scores, again):
            raise Fault(
                f"{what}, in another order they are scored {again[0]:.9g} and not {scores[0]:.9g}",
                "compute nothing from positions",
            )
        wins += scores[0] > max(scores[1:])
    if wins < 4 and _SEES & metric.needed():
        raise Fault(
            f"of images that show several classes a source that tells them apart scores above "
            f"noise in {wins} of 5 drawings",
            "read probe.labels.array, (n, c) of 0 and 1, where probe.labels.several",
        )
