"""Which values a method is tried with next: drawn at first, then by what has done well (TPE)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from distbench.errors import UsageError
from distbench.interfaces.parameters import Range
from distbench.storage.hashing import seed_for

STARTUP = 8
"""Trials drawn at random before earlier ones are looked at, the defaults among them."""

Parameters = dict[str, Any]


def check_optuna() -> None:
    """Says how to get Optuna where it is missing.

    Raises:
        UsageError: It is.
    """
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise UsageError(
            "tuning needs Optuna, which is not installed: pip install 'distbench[tune]'"
        ) from None


def propose(
    ranges: Mapping[str, tuple[Range, bool]],
    defaults: Parameters,
    past: Sequence[tuple[Parameters, float | None]],
    seed: int,
) -> Parameters:
    """The values of the next trial.

    They follow from the arguments alone, so a search that is broken off and started again goes on
    as it would have, and methods with equal ranges start from equal draws.

    Args:
        ranges: Range of each parameter, and whether it is a whole number.
        defaults: What is tried first, where it lies in the ranges; None where the component
            chooses a value itself.
        past: Parameters and value (higher is better) of the trials so far; None for one that
            failed.
        seed: Of the search.

    Returns:
        A value for each parameter, rounded to three digits.
    """
    import optuna

    if not past and all(
        defaults[key] is None or within.holds(defaults[key]) for key, (within, _) in ranges.items()
    ):
        return {key: defaults[key] for key in ranges}
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        drawn = seed_for("tune", seed, len(past)) % 2**32
        study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=drawn),
        )
        axes = {key: _distribution(within, whole) for key, (within, whole) in ranges.items()}
        for parameters, value in past:
            done = optuna.trial.TrialState.FAIL if value is None else None
            # What the component chose itself says nothing of its parameter, all else does.
            chosen = {key: v for key, v in parameters.items() if v is not None}
            study.add_trial(
                optuna.trial.create_trial(
                    params=chosen,
                    distributions={key: axes[key] for key in chosen},
                    value=value,
                    state=done or optuna.trial.TrialState.COMPLETE,
                )
            )
        suggested = study.ask(axes).params
    finally:
        optuna.logging.set_verbosity(before)
    return {key: _rounded(suggested[key], within) for key, (within, _) in ranges.items()}


def _distribution(within: Range, whole: bool) -> Any:
    from optuna import distributions

    if within.among:
        return distributions.CategoricalDistribution(within.among)
    low, high = within.low or 0, within.high or 0
    if whole:
        return distributions.IntDistribution(int(low), int(high), log=within.log)
    return distributions.FloatDistribution(float(low), float(high), log=within.log)


def _rounded(value: Any, within: Range) -> Any:
    """A number as a person would write it, within its range."""
    if within.among or isinstance(value, int) or value == 0:
        return value
    digits = 2 - math.floor(math.log10(abs(value)))
    return min(max(round(value, digits), float(within.low or 0)), float(within.high or 0))
