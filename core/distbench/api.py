"""The Python interface: `run`, `rank`, `score` and `load` as functions, and all public names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, overload

from distbench.errors import ArgumentError, UsageError, missing_library, reason_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike

    from distbench.engine.ranking import Comparison, Ranking
    from distbench.interfaces.metric import Metric
    from distbench.workflows.results.load import Results
    from distbench.workflows.run_result import RunResult
    from distbench.workflows.score import SourceFacts


@contextmanager
def _libraries() -> Iterator[None]:
    """Makes a missing library of those that train an error that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if missing_library(error):
            raise UsageError(reason_of(error)) from None
        raise


def run(config: Path | str | None = None, **options: Any) -> RunResult:
    """Runs a benchmark, or what is missing of it.

    Args:
        config: A TOML file whose keys are the options of `distbench run`.
        options: The same options by name (dashes as underscores); they win over the file. For
            example ``run(metric="logme", strategy="weighted", task=["mini-cub"], seeds=3)``.
            Components may be classes or objects instead of names, also such as were defined in a
            notebook: ``run(metric=MyMetric, distiller=MyDistiller(lam=0.3))``.

    Returns:
        Rows, leaderboard and where everything lies.

    Raises:
        DistbenchError: As the command would exit with a message.

    Example::

        >>> small = {"suite": "mini", "task": "mini-cub:train=120,test=40", "executor": "serial"}
        >>> made = distbench.run(**small, steps=3, strategy="nearest", baseline="finetune")
        >>> sorted(row.method.id for row in made.rows)
        ['finetune', 'pseudo_labels/nearest/logme']
    """
    from pathlib import Path

    from distbench.planning.config import RunConfig
    from distbench.plugins.objects import with_specifications

    named = with_specifications(options)
    with _libraries():
        from distbench.workflows.run import execute

        return execute(RunConfig.make(Path(config) if config else None, **named))


def load(*paths: Path | str) -> Results:
    """Reads results into data frames of pandas.

    For example::

        results = distbench.load("registry/results")
        results.rows.groupby("method")["accuracy"].mean()
        results.predictions, results.weights, results.curves

    They are read and checked as `distbench leaderboard` reads them: nothing in them is executed,
    and what was altered or is larger than a bundle may be is refused.

    Args:
        paths: Run folders, files of rows (``rows.jsonl``), bundles (``*.distbench.zip``), and
            folders of these at any depth. In a folder with several, one that is refused is left
            out, and the `notes` of the results say so.

    Raises:
        UsageError: A path is not there.
        RefusedError: There is nothing to read, or what is there cannot be read or was altered.

    Example::

        >>> small = {"suite": "mini", "task": "mini-cub:train=120,test=40", "executor": "serial"}
        >>> made = distbench.run(**small, steps=3, distiller="none", baseline="finetune")
        >>> distbench.load(made.folder).rows[["method", "seed"]].to_dict("records")
        [{'method': 'finetune', 'seed': 0}]
    """
    from pathlib import Path

    from distbench.workflows.results.load import load_results

    return load_results([Path(path) for path in paths])


def score(
    metric: str | Metric | type[Metric],
    features: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    probabilities: ArrayLike | None = None,
    logits: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    source_info: SourceFacts | None = None,
    seed: int = 0,
) -> float:
    """How well a source fits a task, by any metric; higher is better.

    Arrays are numpy or torch, of any real type; all metrics compute in float64.

    Args:
        metric: For example ``"logme"``, ``"parc:dims=32"``, or a `Metric` or a class of one.
        features: (n, d) of the source on the labelled images.
        labels: (n,) class numbers >= 0; (n, c) of 0 and 1 where an image may show several classes.
        probabilities: (n, z) over the source's own classes.
        logits: (n, z), where probabilities are not at hand.
        reference: (n, r) features of a reference model, for example one trained on the task.
        source_info: A `SourceInfo`, or those of its fields that the metric needs, such as
            ``{"parameters": 25_600_000}``.
        seed: For metrics that draw at random.

    Raises:
        ArgumentError: An array will not do or is missing, or the metric compares the sources of a
            zoo with one another (`rank` takes several). It is a ValueError.
        Declined: The metric is not defined on these images; says why.
        UsageError: No such metric or parameter.

    Example::

        >>> features = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("logme", features, labels=[0, 0, 0, 1, 1, 1]), 3)
        -0.868
    """
    from distbench.workflows.score import ONE, Arrays, score_arrays

    arrays = Arrays(
        labels=labels,
        features={ONE: features},
        probabilities={ONE: probabilities},
        logits={ONE: logits},
        reference=reference,
        source_info={ONE: source_info},
        seed=seed,
    )
    return score_arrays(metric, arrays)


@overload
def rank(
    task: str | dict[str, Any] | None = None,
    zoo: str | dict[str, Any] | None = None,
    *,
    metric: Literal["all"] | Sequence[str | Metric],
    **options: Any,
) -> Comparison: ...


@overload
def rank(
    task: str | dict[str, Any] | None = None,
    zoo: str | dict[str, Any] | None = None,
    *,
    metric: str | Metric | None = ...,
    **options: Any,
) -> Ranking: ...


def rank(
    task: str | dict[str, Any] | None = None,
    zoo: str | dict[str, Any] | None = None,
    *,
    metric: str | Metric | Sequence[str | Metric] | None = None,
    features: Mapping[str, ArrayLike] | None = None,
    labels: ArrayLike | None = None,
    probabilities: Mapping[str, ArrayLike] | None = None,
    logits: Mapping[str, ArrayLike] | None = None,
    reference: ArrayLike | None = None,
    source_info: Mapping[str, SourceFacts] | None = None,
    seed: int = 0,
    **options: Any,
) -> Ranking | Comparison:
    """Scores and weighs several sources, without training any.

    Either the sources of a zoo for a task, as `distbench rank` does, or arrays of one's own::

        rank("folder:path=my_images", "local:path=my_models", metric="parc")
        rank(metric="all", features={"resnet": x, "vit": z}, labels=y)

    Args:
        task: For example ``"folder:path=my_images"`` or ``"mini-cub"``.
        zoo: For example ``"local:path=my_models"``; the suite's if None.
        metric: One metric; or several, or ``"all"``, to compare them; if None that of a run, with
            arrays ``"logme"``. With arrays, ``"all"`` are those that can be computed from what is
            given.
        features: (n, d) of each source by name.
        labels: (n,) class numbers >= 0; (n, c) of 0 and 1 where an image may show several classes.
        probabilities: (n, z) of each source over its own classes, by name.
        logits: (n, z) of each source by name, where probabilities are not at hand.
        reference: (n, r) features of a reference model.
        source_info: Facts about each source by name, as in `score`.
        seed: For metrics that draw at random; with arrays only.
        options: ``strategy``, and with a task ``suite``, ``labelled``, ``probe_size``, ``device``,
            ``overlap``, ``plugin``, ``skip_corrupt``, ``offline`` as for `run`; and ``distiller``
            to leave out the sources that it cannot learn from.

    Returns:
        A `Ranking`, or a `Comparison` of one for each of several metrics.

    Raises:
        DistbenchError: As the command would exit with a message.

    Example::

        >>> near = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> far = [[1, 1], [0, 2], [3, 0], [1, 0], [2, 2], [0, 1]]
        >>> ranked = distbench.rank(features={"near": near, "far": far}, labels=[0, 0, 0, 1, 1, 1])
        >>> [record["source"] for record in ranked.records()]
        ['near', 'far']
    """
    several = metric == "all" or isinstance(metric, (list, tuple))
    metrics: tuple[Any, ...] = tuple(metric) if isinstance(metric, (list, tuple)) else (metric,)
    metrics = () if metric is None else metrics
    arrays = (features, labels, probabilities, logits, reference, source_info)
    if all(given is None for given in arrays):
        from distbench.planning.config import RunConfig
        from distbench.plugins.objects import with_specifications

        options = {"distiller": "none", "baseline": ("none",), **options}
        options |= {"task": task, "zoo": zoo, "metric": metrics}
        with _libraries():
            from distbench.workflows.rank import rank_sources

            comparison: Comparison = rank_sources(RunConfig.make(**with_specifications(options)))
    else:
        from distbench.workflows.score import Arrays, rank_arrays

        named = {"task": task, "zoo": zoo, **options}
        if extra := [k for k, value in named.items() if value is not None and k != "strategy"]:
            raise ArgumentError(f"arrays are ranked as they are: {', '.join(extra)} cannot be used")
        own = Arrays(
            labels=labels,
            features=features or {},
            probabilities=probabilities or {},
            logits=logits or {},
            reference=reference,
            source_info=source_info or {},
            seed=seed,
        )
        comparison = rank_arrays(metrics or ("logme",), own, **options)
    return comparison if several else comparison.only()
