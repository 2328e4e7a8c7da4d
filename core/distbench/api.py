"""The Python interface: what the commands `run` and `rank` do, as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from distbench.execution import RunResult
    from distbench.ranking import Ranking


def run(config: Path | str | None = None, **options: Any) -> RunResult:
    """Runs a benchmark, or what is missing of it.

    Args:
        config: A TOML file whose keys are the options of `distbench run`.
        options: The same options by name (dashes as underscores); they win over the file. For
            example ``run(metric="logme", strategy="weighted", task=["mini-cub"], seeds=3)``.

    Returns:
        Rows, leaderboard and where everything lies.

    Raises:
        DistbenchError: As the command would exit with a message.
    """
    from pathlib import Path

    from distbench.config import RunConfig
    from distbench.execution import execute

    return execute(RunConfig.make(Path(config) if config else None, **options))


def rank(
    task: str | dict[str, Any], zoo: str | dict[str, Any] | None = None, **options: Any
) -> Ranking:
    """Scores and weighs the sources of a zoo for a task, without training anything.

    Args:
        task: For example ``"folder:path=my_images"`` or ``"mini-cub"``.
        zoo: For example ``"local:path=my_models"``; the suite's if None.
        options: ``metric``, ``strategy``, ``suite``, ``labelled``, ``probe_size``, ``device``,
            ``overlap``, ``plugin``, ``skip_corrupt`` as for `run`.

    Raises:
        DistbenchError: As the command would exit with a message.
    """
    from distbench.config import RunConfig
    from distbench.ranking import rank_sources

    return rank_sources(RunConfig.make(task=task, zoo=zoo, baseline=("none",), **options))
