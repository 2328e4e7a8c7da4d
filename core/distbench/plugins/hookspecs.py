"""The extension points of distbench.

Every hook returns a mapping from a name to ``"module:attribute"``. The attribute is a subclass of
the kind's class in `distbench.interfaces`; it is imported only when that component is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pluggy

hookspec = pluggy.HookspecMarker("distbench")
hookimpl = pluggy.HookimplMarker("distbench")
"""Marks the functions of a plugin that are hooks."""


@hookspec
def distbench_zoos() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Named sets of pretrained source models (`distbench.Zoo`)."""


@hookspec
def distbench_metrics() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Scores of how well a source fits a task (`distbench.Metric`)."""


@hookspec
def distbench_strategies() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Ways from scores to source weights (`distbench.Strategy`)."""


@hookspec
def distbench_students() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Efficient architectures to train (`distbench.Student`)."""


@hookspec
def distbench_distillers() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Methods that learn from weighted sources (`distbench.Distiller`)."""


@hookspec
def distbench_baselines() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Methods without sources (`distbench.Baseline`)."""


@hookspec
def distbench_tasks() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Target tasks (`distbench.Task`)."""


@hookspec
def distbench_suites() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Tasks, zoo, student and protocol that belong together (`distbench.Suite`)."""


@hookspec
def distbench_measures() -> Mapping[str, str]:  # type: ignore[empty-body]
    """What the answers of a trained student are judged by (`distbench.Measure`)."""


@hookspec
def distbench_executors() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Ways to get the cells of a plan computed (`distbench.Executor`)."""


@hookspec
def distbench_overlaps() -> Mapping[str, Sequence[str]]:  # type: ignore[empty-body]
    """Data sets that hold images of others, by name, e.g. ``{"imagenet-1k": ["stanford-dogs"]}``.

    The one hook that offers no components. A source that was trained on the first has seen the
    others; what all plugins say is taken together, and over several steps.
    """


@hookspec
def distbench_reporters() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Listeners that are told as cells start, finish and fail (`distbench.Reporter`)."""
