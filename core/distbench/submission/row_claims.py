"""What the numbers of one row cannot be, whatever method made them: no plan and no label is needed.

It is cheap, so a leaderboard looks at the rows of bundles in this way too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

from distbench.storage.predictions import ROUNDING, whole_images
from distbench.storage.rows import CostBlock, ResultBlock, Row, SourcesBlock
from distbench.submission.inference_claims import passes_of_inference, single_macs
from distbench.submission.validation_report import shown

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST = 10**24
"""Of anything that is counted: a thousand years of the largest machine in operations."""


class Claim(NamedTuple):
    """Something that cannot be: of which kind, for counting, and in words."""

    kind: str
    reason: str


def impossible(row: Row, several: bool = False) -> Iterator[Claim]:
    """Everything that a done row claims and that no training can have given.

    Args:
        row: The row.
        several: Whether an image may show several classes: then balanced and validation accuracies
            are no shares of images.
    """
    result, cost = row.result, row.cost
    if result is None or cost is None:
        return
    counts = [value for _, value in (*cost, *result.parts) if isinstance(value, int)]
    if max(map(abs, (*counts, *(point.step for point in result.curve)))) > _MOST:
        yield Claim("costs", "it counts something that no machine can count")
        return
    distils = "distiller" in row.method.components
    classes = len(row.task.classes)
    yield from _accuracies(result, classes, several)
    yield from _validation(result, several)
    yield from _parts(result, row.protocol, classes + several)
    own_loss = all("source" not in table for table in row.method.components.values())
    yield from _curve(result, cost.steps, own_loss)
    yield from _phases(result, cost)
    yield from _costs(cost, result)
    yield from _counted(cost, single_macs(cost, result), own_loss)
    yield from _sources(result.sources) if distils else _no_sources(result.sources, cost)


def _accuracies(result: ResultBlock, classes: int, several: bool) -> Iterator[Claim]:
    for name in ("accuracy", "balanced_accuracy", "validation_accuracy"):
        value = getattr(result, name)
        if value is not None and not 0 <= value <= 1:
            yield Claim("accuracies", f"{name} is {value}")
            return
    test = result.parts.test
    if test < 1:
        return
    if not whole_images(result.accuracy, test):
        yield Claim(
            "accuracies",
            f"accuracy {result.accuracy:.6g} is no whole number of {test:,} test images",
        )
        return
    if several:
        return
    right = round(result.accuracy * test)
    # An image of a class of n among c classes is worth 1 / (c n) of the balanced accuracy.
    occurring = max(min(classes, test), 1)
    most = max(c * (test - c + 1) for c in {1, occurring, min(occurring, (test + 1) // 2)})
    low, high = right / most, 1 - (test - right) / most
    low, high = (1.0, high) if right == test else (low, 0.0) if right == 0 else (low, high)
    if not low - ROUNDING / most <= result.balanced_accuracy <= high + ROUNDING / most:
        yield Claim(
            "accuracies",
            f"balanced accuracy {result.balanced_accuracy:.6g} cannot go with accuracy "
            f"{result.accuracy:.6g}, which is {right:,} of {test:,} test images",
        )


def _validation(result: ResultBlock, several: bool) -> Iterator[Claim]:
    """Validation accuracies are shares of the validation images, and there are none without."""
    images = result.parts.validation
    values = [result.validation_accuracy, *(point.validation_accuracy for point in result.curve)]
    for value in values:
        if value is None or not 0 <= value <= 1:
            continue
        if images < 1:
            yield Claim("accuracies", "it has a validation accuracy and no validation images")
            return
        if not several and not whole_images(value, images):
            yield Claim(
                "accuracies",
                f"validation accuracy {value:.6g} is no whole number of {images:,} validation "
                "images",
            )
            return


def _parts(result: ResultBlock, protocol: Mapping[str, Any], classes: int) -> Iterator[Claim]:
    parts = result.parts
    if min(parts.labelled, parts.unlabelled, parts.validation) < 0 or parts.test < 1:
        yield Claim("parts", "its parts have impossible sizes")
        return
    if parts.labelled > parts.unlabelled:
        yield Claim(
            "parts",
            f"{parts.labelled:,} labelled images of {parts.unlabelled:,} that are trained on",
        )
    budget, dash, rest = str(protocol.get("labelled")).partition("-")
    if dash and rest == "per-class" and budget.isdecimal():
        most = int(budget[:9]) * classes
        if parts.labelled > most:
            yield Claim(
                "parts", f"{parts.labelled:,} labelled images, the protocol allows {most:,}"
            )


def _curve(result: ResultBlock, steps: int, own_loss: bool) -> Iterator[Claim]:
    """A loss of a plugin may be negative, such as a cosine; none of distbench's own is."""
    last = 0
    for point in result.curve:
        if not last < point.step <= steps:
            yield Claim("curves", f"its curve goes from step {last} to {point.step} of {steps}")
            return
        last = point.step
        if math.isnan(point.loss) or (own_loss and point.loss < -ROUNDING):
            yield Claim("curves", f"the loss of its curve is {point.loss:g} at step {last}")
            return
        value = point.validation_accuracy
        if value is not None and not 0 <= value <= 1:
            yield Claim("curves", f"the validation accuracy of its curve is {value:g}")
            return


def _phases(result: ResultBlock, cost: CostBlock) -> Iterator[Claim]:
    """Steps of phases, the images that they see, and the operations that follow."""
    declared = result.declared
    phases, images = declared.get("phases"), declared.get("images_per_step")
    if not isinstance(phases, list) or not _is_number(images):
        yield Claim("phases", "it does not declare its phases and the images of a step")
        return
    counts = [_phase(phase) for phase in phases]
    if None in counts:
        yield Claim("phases", "a phase that it declares has no steps or no images")
        return
    known = [count for count in counts if count is not None]
    if any(steps < 1 or seen < 1 for steps, seen in known):
        steps = ", ".join(str(steps) for steps, _ in known[:5])
        yield Claim("phases", f"its phases take {steps} steps; each takes one or more")
        return
    if (total := sum(steps for steps, _ in known)) != cost.steps:
        yield Claim("phases", f"its phases take {total} steps, its cost says {cost.steps}")
        return
    seen = sum(steps * images for steps, images in known)
    passes = images * cost.steps
    # A phase names each view once, however often a stream draws it.
    if passes < seen * (1 - ROUNDING) or (cost.steps == 0 and images != 0):
        yield Claim(
            "phases", f"its phases see {seen:,} images, its {cost.steps} steps {passes:,.0f}"
        )
        return
    if cost.training_macs is None:
        return
    # Forward once; where the backbone is trained, backward twice as much.
    single, more = single_macs(cost, result), passes_of_inference(result).images
    least, most = single * passes, single * (3 * passes + more)
    if not least * (1 - ROUNDING) <= cost.training_macs <= most * (1 + ROUNDING):
        yield Claim(
            "costs",
            f"training took {cost.training_macs:,} MACs; {passes:,.0f} images through "
            f"{single:,} MACs take {least:,.0f} to {most:,.0f}",
        )


def _phase(phase: Any) -> tuple[int, int] | None:
    """Steps of a declared phase and the images of one of them; None if that is not declared."""
    if not isinstance(phase, dict):
        return None
    steps, streams = phase.get("steps"), phase.get("images_per_step")
    if not _is_count(steps) or not isinstance(streams, dict):
        return None
    images = 0
    for views in streams.values():
        if not isinstance(views, dict) or not all(map(_is_count, views.values())):
            return None
        if any(batch < 1 for batch in views.values()):
            return None
        images += sum(views.values())
    return steps, images


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST


def _is_number(value: Any) -> TypeGuard[float]:
    return _is_count(value) or (isinstance(value, float) and math.isfinite(value))


def _costs(cost: CostBlock, result: ResultBlock) -> Iterator[Claim]:
    for name, value in cost:
        if value is not None and value < 0:
            yield Claim("costs", f"{name} is {value}")
    if not cost.parameters or not cost.student_macs:
        yield Claim("costs", "the student has no parameters or takes no operations")
    if cost.student_macs % (views := passes_of_inference(result).views):
        yield Claim(
            "costs", f"{cost.student_macs:,} MACs are no whole number of passes of {views} views"
        )
    if result.declared.get("steps") != cost.steps:
        yield Claim("steps", "the steps of its cost and those it declares differ")
    if not _SHA256.fullmatch(result.student_digest):
        yield Claim("students", "the digest of its student is no SHA-256")
    if cost.total_seconds < cost.train_seconds:
        yield Claim(
            "costs",
            f"the cell took {cost.total_seconds:g} seconds, training alone {cost.train_seconds:g}",
        )
    if cost.steps > 0 and cost.train_seconds <= 0:
        yield Claim("costs", f"{cost.steps} steps of training took {cost.train_seconds:g} seconds")


def _counted(cost: CostBlock, single: int, own: bool) -> Iterator[Claim]:
    """Images that were counted, and the operations that they take, of which one image has `single`.

    A method of a plugin may go back through one pass more than once; none of distbench's own does.
    """
    forward, backward = cost.images_forward, cost.images_backward
    if forward is None or backward is None:
        return
    if cost.steps > 0 and forward < 1:
        yield Claim("costs", f"no image went through the student in {cost.steps} steps")
    if own and backward > forward:
        yield Claim("costs", f"{backward:,} images came back of {forward:,} that went forward")
    takes = single * (forward + 2 * backward)
    if cost.training_macs is not None and cost.training_macs != takes:
        yield Claim(
            "costs",
            f"training took {cost.training_macs:,} MACs; {forward:,} images forward and "
            f"{backward:,} back through {single:,} MACs take {takes:,}",
        )


def _sources(sources: SourcesBlock) -> Iterator[Claim]:
    """What a method that learns from sources says of them."""
    if both := {*sources.eligible} & sources.excluded.keys():
        yield Claim("sources", f"source '{_shown(both)}' is both eligible and excluded")
    weighted = {name for name, weight in sources.weights.items() if weight > 0}
    if not weighted:
        yield Claim("weights", "it learns from sources and gives none of them a weight")
    if odd := weighted - {*sources.eligible}:
        yield Claim("weights", f"source '{_shown(odd)}' has a weight and is not eligible")


def _no_sources(sources: SourcesBlock, cost: CostBlock) -> Iterator[Claim]:
    """A baseline learns from no source."""
    if named := {name for block in dict(sources).values() for name in block}:
        yield Claim("sources", f"it learns from no source and names '{_shown(named)}'")
    for name in ("teacher_macs", "teacher_pass_macs", "teacher_training_macs"):
        if value := getattr(cost, name):
            yield Claim("costs", f"it learns from no source, its {name} is {value:,}")


def _shown(names: Collection[str]) -> str:
    return shown(min(names))
