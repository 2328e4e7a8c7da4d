"""Advice on a task as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill

from distbench.cli.shown.output import table
from distbench.leaderboard.statistics import Difference, Estimate
from distbench.workflows.advise import words
from distbench.workflows.advise.task_advice import TaskAdvice

_SOURCES = 10
_WIDTH = 100


def advice_text(advice: TaskAdvice) -> str:
    """Everything that is advised on a task, one part below the other."""
    return "\n\n".join(part for part in _parts(advice) if part)


def _parts(advice: TaskAdvice) -> Iterator[str]:
    yield (
        f"{advice.task}: {advice.classes} classes, {advice.labelled} labelled / "
        f"{advice.validation} validation / {advice.test} test images\n"
        f"  ADVICE  {words.headline(advice)}: {advice.advised.method}\n"
        f"{_filled(words.reason(advice), '  ')}\n"
        f"{_filled(words.gain(advice), '  ')}\n"
        f"  {words.shipping(advice)}"
    )
    yield "\n".join(f"note: {note}" for note in advice.notes)
    yield _methods(advice)
    known = words.knowledge(advice)
    if known is None:
        yield "Sources: none was asked, so whether one knows this cannot be said."
    else:
        together = words.votes(advice)
        yield _filled(f"Is there a source that knows this? {known} {together or ''}")
        yield _sources(advice)
    if advice.curves:
        lines = (_filled(words.more_labels(curve), "  ") for curve in advice.curves)
        yield "\n".join(("What are labels worth? On validation images:", *lines))
    yield _students(advice)


def _filled(text: str, indent: str = "") -> str:
    """A sentence in lines that a terminal holds."""
    return fill(text.strip(), _WIDTH, initial_indent=indent, subsequent_indent=indent)


def _methods(advice: TaskAdvice) -> str:
    order = sorted(advice.candidates, key=lambda c: (c.role != "ranked", -c.validation.mean))
    rows = [
        [
            "->" if one.method == advice.advised.method else "",
            one.method if one.role == "ranked" else f"{one.method} ({one.role})",
            _interval(one.validation),
            _interval(one.test),
            _interval(one.gain, sign="+"),
            _number(one.latency_ms),
            _number(one.train_seconds, 0),
        ]
        for one in order
    ]
    heads = ["", "method", "validation %", "test %", f"vs {advice.baseline or '-'}"]
    return table(rows, [*heads, "ms an image", "s to train"], disable_numparse=True)


def _sources(advice: TaskAdvice) -> str:
    rows = [
        [
            line.name,
            f"{line.weight:.3f}",
            _number(line.score, 3),
            _interval(line.accuracy),
            _interval(line.adds, sign="+"),
            ", ".join(line.trained_on) or "unknown",
        ]
        for line in advice.sources[:_SOURCES]
    ]
    heads = ["source", "weight", "score", "probe %", "adds, points", "trained on"]
    text = f"Sources as {advice.weighed_by} weighs them:\n"
    text += table(rows, heads, disable_numparse=True)
    if len(advice.sources) > _SOURCES:
        text += f"\nand {len(advice.sources) - _SOURCES} more; all are on the page"
    left_out = (f"left out: {name}: {why}" for name, why in advice.excluded.items())
    return "\n".join((text, *left_out))


def _students(advice: TaskAdvice) -> str:
    if not advice.students:
        return "Which student? The latency of this one was not measured."
    rows = [
        [
            "*" if line.worth else "",
            f"{line.student}, {line.image_size} px",
            _interval(line.validation),
            _number(line.latency_ms, 2),
            f"{line.parameters:,}",
            line.method,
        ]
        for line in advice.students
    ]
    heads = ["", "student", "validation %", "ms an image", "parameters", "by"]
    text = "Which student for which latency? (* none here is as fast and as good)\n"
    text += table(rows, heads, disable_numparse=True)
    if len(advice.students) == 1:
        text += "\n" + _filled(
            "One student was tried. Runs with others in the same folder stand beside it here; "
            "`distbench list students --measure` shows some that are worth it."
        )
    return text


def _interval(one: Estimate | Difference | None, sign: str = "") -> str:
    if one is None:
        return "-"
    if one.low is None or one.high is None:
        return f"{100 * one.mean:{sign}.1f}"
    return f"{100 * one.mean:{sign}.1f} [{100 * one.low:{sign}.1f}, {100 * one.high:{sign}.1f}]"


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
