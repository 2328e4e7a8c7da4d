"""What is said where weights are not on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from distbench import WeightsError


def absent_weights(names: Sequence[str], how: str) -> WeightsError:
    """The error that names some of the models and the command that gets all.

    Args:
        names: Of the models.
        how: Arguments of `distbench fetch`.
    """
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return WeightsError(
        f"the weights of {some} are not on this machine; get them with `distbench fetch {how}`"
    )
