"""Advice in words: the sentences that terminal and page share."""

from __future__ import annotations

from distbench.leaderboard.statistics import Difference, Estimate
from distbench.workflows.advise.label_curve import LabelCurve
from distbench.workflows.advise.task_advice import TaskAdvice

STRATEGIES = {
    "nearest": "learn from the one nearest source",
    "weighted": "learn from several sources, weighted",
    "equal": "learn from all sources alike",
}
_SURE = 0.05


def headline(advice: TaskAdvice) -> str:
    """What to do, without the name of the method."""
    strategy = advice.advised.kind.partition("/")[2]
    if not strategy:
        return "Use no source"
    return STRATEGIES.get(strategy, f"learn from sources by {strategy}").capitalize()


def reason(advice: TaskAdvice) -> str:
    """Why the rule says so."""
    choice = advice.choice
    validation = percent(choice.advised.validation)
    images = f"{advice.validation} validation images"
    others = len(choice.near) - 1
    if choice.advised is choice.leader:
        text = f"It is best on the {images}, {validation}"
        if others:
            text += (
                f"; {others} other{'s' * (others > 1)} within {points(choice.slack)} "
                f"{'are' if others > 1 else 'is'} not told from it by so few"
            )
        return text + "."
    return (
        f"On the {images} it reaches {validation}; {choice.leader.method} has "
        f"{percent(choice.leader.validation)}, which is within the {points(choice.slack)} that so "
        "few images leave open, and then the order of experience decides (docs/advise.md)."
    )


def gain(advice: TaskAdvice) -> str:
    """What it is worth against doing without sources, which test images say."""
    advised, base = advice.advised, advice.baseline
    if base is None:
        return "What it gains is not known: the run has no baseline (`--baseline finetune`)."
    if advised.method == base:
        ahead = [c for c in advice.candidates if c.role == "ranked" and c.gain is not None]
        if not ahead:
            return "Nothing else was tried."
        best = max(ahead, key=lambda c: c.validation.mean)
        return f"Against it, on test images: {best.method} {difference(best.gain)}."
    ahead_by = advised.gain
    if ahead_by is None:
        return f"What it gains over {base} is not known: its test answers are not kept."
    images = f"{advice.test} test images that had no say in the choice"
    told = f"{difference(ahead_by)}, on {images}."
    if ahead_by.p is None or ahead_by.p >= _SURE:
        return f"That it beats {base} is not shown: {told}"
    if ahead_by.mean < 0:
        return f"It is worse than {base}, though not on validation: {told}"
    return f"Expected gain over {base}: {told}"


def shipping(advice: TaskAdvice) -> str:
    """How to get the student."""
    return f"Its student as a file: `distbench export {advice.cell} --to onnx`."


def knowledge(advice: TaskAdvice) -> str | None:
    """Whether a source knows this; None where there are no sources."""
    known = advice.knowledge
    if known is None:
        return None
    against = (
        f"{advice.baseline} reaches {percent(known.baseline)} on the same images"
        if known.baseline is not None
        else "there is no fine-tuning to compare it with"
    )
    begin = {
        "yes": "Yes: a linear probe on",
        "no": "No source knows this better than the labels teach: a linear probe on",
        "unclear": "It cannot be told: a linear probe on",
    }[known.verdict]
    place = "the first by its score" if known.scored else "the heaviest"
    return (
        f"{begin} {known.source}, {place}, gets {percent(known.probe)} of {advice.validation} "
        f"held-out images; {against}."
    )


def votes(advice: TaskAdvice) -> str | None:
    """What the probes say together."""
    if advice.weighted_vote is None or advice.equal_vote is None or len(advice.sources) < 2:
        return None
    return (
        f"Together the probes get {percent(advice.weighted_vote)} weighted and "
        f"{percent(advice.equal_vote)} all alike."
    )


def more_labels(curve: LabelCurve) -> str:
    """What labels were worth, and more might be."""
    steps = ", ".join(f"{100 * p.accuracy.mean:.1f} % with {p.labels}" for p in curve.points)
    text = f"{curve.of}: {steps} labels"
    if curve.last_doubling is not None and curve.last_doubling.low is not None:
        text += f" (the last step {difference(curve.last_doubling)})"
    expected = curve.next_doubling
    if expected is None:
        return text + "; too few steps to say what more would bring."
    twice = 2 * curve.points[-1].labels
    likely, most = expected
    if 100 * most < 0.05:
        return text + f"; {twice} would bring nothing if that goes on."
    return text + (
        f"; {twice} would bring about {100 * likely:.1f} points (0 to {100 * most:.1f}) if "
        "that goes on, which nobody has tried."
    )


def percent(one: Estimate | None) -> str:
    """An accuracy with its interval."""
    if one is None:
        return "unknown"
    if one.low is None or one.high is None:
        return f"{100 * one.mean:.1f} %"
    return f"{100 * one.mean:.1f} % ({100 * one.low:.1f} to {100 * one.high:.1f})"


def points(share: float) -> str:
    """A share of 1 as points."""
    return f"{100 * share:.1f} points"


def difference(one: Difference | None) -> str:
    """A difference in points with its interval and p value."""
    if one is None:
        return "unknown"
    if one.low is None or one.high is None:
        return "no difference on any image" if one.mean == 0 else f"{100 * one.mean:+.1f} points"
    shown = f"{100 * one.mean:+.1f} points ({100 * one.low:+.1f} to {100 * one.high:+.1f}"
    return shown + (")" if one.p is None else f", {p_value(one.p)})")


def p_value(p: float) -> str:
    """A p value as it is written."""
    return "p < .001" if p < 0.001 else f"p {p:.3f}".replace("0.", ".", 1)
