"""The statistics of a leaderboard: pure functions on numpy arrays."""

from distbench.leaderboard.statistics.estimates import (
    LEVEL,
    Difference,
    Estimate,
    mean_interval,
    mean_over_groups,
    over_groups,
    p_values,
    paired_t,
    sampling_error,
    sign_flip,
)
from distbench.leaderboard.statistics.images import (
    Hits,
    accuracy_interval,
    block_interval,
    paired_block_difference,
    paired_difference,
)
from distbench.leaderboard.statistics.ranks import (
    average_ranks,
    holm,
    rank_sets,
    surely_ahead,
    win_rates,
)

__all__ = [
    "LEVEL",
    "Difference",
    "Estimate",
    "Hits",
    "accuracy_interval",
    "average_ranks",
    "block_interval",
    "holm",
    "mean_interval",
    "mean_over_groups",
    "over_groups",
    "p_values",
    "paired_block_difference",
    "paired_difference",
    "paired_t",
    "rank_sets",
    "sampling_error",
    "sign_flip",
    "surely_ahead",
    "win_rates",
]
