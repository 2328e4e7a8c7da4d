"""Results as data frames of pandas, and as tables where they are printed or shown in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from distbench.storage.safe_text import harmless_text

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST_LINES = 60
"""That a notebook is shown; of more the first and the last."""


class Tabular(ABC):
    """Something that is a table, and looks like one where it is printed and in a notebook."""

    shown: ClassVar[tuple[str, ...] | None] = None
    """The columns that are printed and shown, where there are more; a data frame has all."""

    @abstractmethod
    def records(self) -> Iterable[Mapping[str, Any]]:
        """Its lines: a value by the name of each column, numbers as they are."""

    def to_pandas(self) -> DataFrame:
        """The lines as a data frame."""
        import pandas

        return pandas.DataFrame.from_records([dict(line) for line in self.records()])

    def __repr__(self) -> str:
        return f"{type(self).__name__}\n{harmless_text(str(self._seen()))}"

    def _repr_html_(self) -> str:
        table = self._seen().to_html(
            index=False,
            na_rep="",
            float_format="{:.4g}".format,
            max_rows=_MOST_LINES,
            show_dimensions="truncate",
        )
        return str(table)

    def _seen(self) -> DataFrame:
        frame = self.to_pandas()
        return frame if self.shown is None else frame[list(self.shown)]
