"""Figures that look the same whatever a person's settings, and their bytes as a file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def plain_figure(
    width: float,
    height: float,
    layout: Literal["constrained"] | None = "constrained",
    settings: Mapping[Any, Any] = {},
) -> Iterator[Figure]:
    """A white figure of some inches; a person's own settings are for their own pictures."""
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.figure import Figure

    with rc_context():
        rcdefaults()
        rcParams.update(settings)
        yield Figure(figsize=(width, height), facecolor="white", layout=layout)


def png(figure: Figure) -> bytes:
    """The same bytes for the same figure: no version of the software in them."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=150, metadata={"Software": None})
    return out.getvalue()
