"""Which metric scores where nobody names one, and where the usual one cannot be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from distbench.errors import DataError
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import TaskIndex
from distbench.planning.resolved_task import ResolvedTask
from distbench.planning.split import split_train

FEW = 3
"""Labelled images a class, up to which the default metric is another.

On eight real tasks LogME put sources first that know nothing on the two with two and three images a
class (loss of 80 and 41 points) and on none of those with more; PARC did on none
(docs/results/sources.md).
"""

WITH_FEW = "parc"
DOUBTFUL = "logme"
"""The default metric of `RunConfig`, which is not to be trusted with few images a class."""

_WHERE = "docs/results/sources.md"


def images_a_class(index: TaskIndex, protocol: Protocol) -> float | None:
    """How many labelled images of a class a metric sees on average; None where none can be drawn.

    That is of the probe, which is smaller than the labelled part where there are many classes.
    """
    if not index.classes:
        return None
    train = index.parts["train"]
    try:
        split = split_train(train.labels, index.classes, protocol, 0, groups=train.groups)
    except DataError:  # planning says what is wrong
        return None
    count = len(index.classes)
    if index.several:
        shown = int((train.labels[split.labelled] == 1).sum())
        return min(shown, max(protocol.probe_size, 2 * count)) / count
    return min(len(split.labelled), max(protocol.probe_size, 2 * count)) / count


def tasks_with_few(tasks: Iterable[ResolvedTask], protocol: Protocol) -> dict[str, float]:
    """The tasks of which a metric sees `FEW` images a class or fewer, with how many it sees."""
    counts = {task.id: images_a_class(task.index, protocol) for task in tasks}
    return {id: n for id, n in counts.items() if n is not None and n < FEW + 1}


def chosen_note(few: Mapping[str, float]) -> str:
    """What is said where `WITH_FEW` takes the place of the default."""
    return (
        f"the metric is {WITH_FEW}, since {_tasks(few)}, where {DOUBTFUL} can rank sources first "
        f"that know nothing ({_WHERE}); --metric says otherwise"
    )


def doubt(few: Mapping[str, float]) -> str:
    """What is said where somebody insists on `DOUBTFUL`."""
    return (
        f"{DOUBTFUL} is not to be trusted here: {_tasks(few)}, and it can rank sources first that "
        f"know nothing ({_WHERE}); see what --metric {WITH_FEW} says"
    )


def _tasks(few: Mapping[str, float]) -> str:
    names = [*few]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    low, high = min(few.values()), max(few.values())
    count = f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
    return f"{shown} {'have' if len(names) > 1 else 'has'} {count} labelled images a class to score"
