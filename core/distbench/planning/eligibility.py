"""Which source is left out for which task and method, and why, before any is scored.

A metric may leave out more: those that it declines or gives no finite score
(`distbench.engine.stages.score`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from distbench.interfaces.zoo import SourceInfo
from distbench.planning.plan import PlannedMethod, PlannedTask
from distbench.plugins.discovery import data_set

NOT_FINITE = "its features or logits are not finite"
"""The one reason that is known only once a source has been run."""


@dataclass(frozen=True)
class Eligibility:
    """The sources of a plan, and which of them may serve what.

    Attributes:
        sources: The sources of the zoo.
        generalist: The suite's generalist, where a method learns from it.
        excluded: For each task the sources that saw it and are left out, with reasons.
        marked: For each task the sources that saw it and are kept.
    """

    sources: tuple[SourceInfo, ...]
    generalist: SourceInfo | None = None
    excluded: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    marked: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def candidates(self, method: PlannedMethod) -> tuple[SourceInfo, ...]:
        """The sources that a method looks at before any is left out."""
        if method.generalist:
            return (self.generalist,) if self.generalist else ()
        return self.sources

    def unusable(self, task: str, method: PlannedMethod) -> dict[str, str]:
        """Sources that a method may not use for a task, with the reasons known beforehand."""
        return self.left_out(task, method.needs, self.candidates(method))

    def left_out(
        self, task: str, needs: Sequence[str], candidates: Sequence[SourceInfo]
    ) -> dict[str, str]:
        """Those of some sources that cannot serve these needs or saw a task, with the reasons."""
        unmet = {s.name: why for s in candidates if (why := _unmet(needs, s))}
        return {**unmet, **among(candidates, self.excluded.get(task, {}))}

    def eligible(self, task: str, method: PlannedMethod) -> tuple[SourceInfo, ...]:
        """Sources that a method may use for a task, unless their embedding is not finite."""
        out = self.unusable(task, method)
        return tuple(s for s in self.candidates(method) if s.name not in out)


SAW_LABELS = "saw this task"
"""How the reason begins for a source that has learnt labels of a task."""
SAW_IMAGES = "saw images of this task without labels"


def sources_that_saw(
    tasks: Sequence[PlannedTask],
    sources: Sequence[SourceInfo],
    policy: str,
    held_by: Callable[[str], set[str]],
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """For each task the sources whose training data hold images of it, with the reason.

    A source that has learnt the labels of a task knows the answers, those of test images among
    them where these were in its data: it is left out unless the policy says otherwise. One that has
    seen the images without their labels, as self-supervised models have, knows no answer, and
    unlabelled images of the task are what every method here is given too: it is kept and marked.
    DINOv2, which the paper on task-oriented transfer teaches ImageNet with, is such a source.

    Args:
        tasks: The tasks.
        sources: All sources that a method may look at.
        policy: ``exclude``, or ``allow`` to keep and mark them.
        held_by: From a data set to all whose images it holds, itself too, in lower case.

    Returns:
        Those that are excluded, and those that are marked.
    """
    saw = {task.id: overlaps(sources, task.seen_by, held_by) for task in tasks}
    images = {
        task.id: _reasons(
            {s.name: s.without_labels for s in sources if s.name not in saw[task.id]},
            SAW_IMAGES,
            task.seen_by,
            held_by,
        )
        for task in tasks
    }
    if policy == "allow":
        return {task: {} for task in saw}, {task: {**images[task], **saw[task]} for task in saw}
    return saw, images


def overlaps(
    sources: Sequence[SourceInfo], seen_by: Sequence[str], held_by: Callable[[str], set[str]]
) -> dict[str, str]:
    """Sources that have learnt labels of a task, with the reason."""
    learnt = {source.name: _with_labels(source) for source in sources}
    return _reasons(learnt, SAW_LABELS, seen_by, held_by)


def _reasons(
    trained_on: Mapping[str, Iterable[str]],
    saw: str,
    seen_by: Sequence[str],
    held_by: Callable[[str], set[str]],
) -> dict[str, str]:
    """Of each source with data sets that hold images of a task, which these are."""
    return {
        name: f"{saw}: trained on {', '.join(shared)}"
        for name, data_sets in trained_on.items()
        if (shared := holders(data_sets, seen_by, held_by))
    }


def holders(
    trained_on: Iterable[str], seen_by: Sequence[str], held_by: Callable[[str], set[str]]
) -> list[str]:
    """Those of some data sets that hold images of a task, sorted.

    Args:
        trained_on: Data sets of a model.
        seen_by: Data sets that hold the task's images.
        held_by: From a data set to all whose images it holds, itself too, in lower case.
    """
    seen = set(map(data_set, seen_by))
    return sorted(n for n in trained_on if seen & set(map(data_set, held_by(n))))


def _with_labels(source: SourceInfo) -> tuple[str, ...]:
    """The data sets whose labels a source has learnt."""
    return tuple(name for name in source.trained_on if name not in source.without_labels)


def doubtful_names(
    sources: Sequence[SourceInfo], tasks: Iterable[PlannedTask], known: Iterable[str]
) -> tuple[str, ...]:
    """Notes on names in `SourceInfo.trained_on` that look like slips of known ones.

    Args:
        sources: The sources.
        tasks: The tasks, which say what data sets hold their images.
        known: Data sets that plugins know, spelt by `data_set`.
    """
    names = {*known, *(data_set(name) for task in tasks for name in task.seen_by)}
    slips = {
        name: near[0]
        for name in {data_set(n) for source in sources for n in source.trained_on} - names
        if (near := get_close_matches(name, sorted(names), n=1, cutoff=0.85))
    }
    return tuple(
        f"source {source.name} is trained on {name!r}, which leaves it out of no task; did you "
        f"mean {slips[data_set(name)]!r}?"
        for source in sources
        for name in source.trained_on
        if data_set(name) in slips
    )


def among(sources: Sequence[SourceInfo], reasons: Mapping[str, str]) -> dict[str, str]:
    """The reasons that concern these sources."""
    names = {source.name for source in sources}
    return {name: why for name, why in reasons.items() if name in names}


def _unmet(needs: Sequence[str], source: SourceInfo) -> str | None:
    """Why a source cannot serve a method with these needs, as far as its facts tell."""
    if "logits" in needs and source.activation == "none":
        return "has no class logits"
    if "text" in needs and not source.reads_text:
        return "reads no texts"
    return None
