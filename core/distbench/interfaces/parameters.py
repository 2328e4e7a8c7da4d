"""How a component declares a parameter: as its primary one, and with a range for `tune`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field
from pydantic.fields import FieldInfo


def primary(default: Any = ..., **kwargs: Any) -> Any:
    """A field that `name:VALUE` fills; takes what `pydantic.Field` takes. One a component.

    Example::

        >>> class Few(distbench.Strategy):
        ...     k: int = primary(3, ge=1, description="how many sources share the weight")
        >>> Few.model_fields["k"].default
        3
    """
    return Field(default, json_schema_extra={"primary": True}, **kwargs)


Value = bool | int | float | str

_RIM = 0.05


@dataclass(frozen=True)
class Range:
    """Values that a parameter is tried with: an interval, or a few named ones.

    Attributes:
        low: Smallest value; whole where the parameter is.
        high: Largest value.
        log: Whether values are spread evenly over their logarithm.
        among: The values themselves, in order where they have one; then there is no interval.

    Raises:
        ValueError: It holds no two values, or a logarithm that does not exist.
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    among: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        if self.among:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError("give low and high, or among, not both")
            if len(set(self.among)) < 2:
                raise ValueError("among needs two values or more")
        elif self.low is None or self.high is None:
            raise ValueError("it needs low and high, or among")
        elif not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError("low must be less than high, and both finite")
        elif self.log and self.low <= 0:
            raise ValueError("on a logarithmic scale low must be above 0")

    @classmethod
    def of(cls, field: FieldInfo) -> Range | None:
        """The range that a field was declared with; None for one that is not tuned."""
        extra = field.json_schema_extra
        table = extra.get("search") if isinstance(extra, dict) else None
        return cls.from_table(table) if isinstance(table, dict) else None

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Range:
        """A range as a file writes it: ``{low = 0.001, high = 0.3, log = true}``.

        Raises:
            ValueError: A key or value that will not do.
        """
        if unknown := sorted(set(table) - {"low", "high", "log", "among"}):
            raise ValueError(f"a range has low, high and log, or among, not {unknown[0]!r}")
        for key in ("low", "high"):
            if key in table and (
                isinstance(table[key], bool) or not isinstance(table[key], int | float)
            ):
                raise ValueError(f"{key} must be a number")
        values = table.get("among", ())
        if not isinstance(values, list | tuple):
            raise ValueError("among must be a list of values")
        return cls(
            table.get("low"), table.get("high"), bool(table.get("log", False)), tuple(values)
        )

    def table(self) -> dict[str, Any]:
        """The range as `from_table` reads it."""
        if self.among:
            return {"among": list(self.among)}
        return {"low": self.low, "high": self.high} | ({"log": True} if self.log else {})

    def holds(self, value: Any) -> bool:
        """Whether a value lies in it."""
        if self.among:
            return value in self.among
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return bool(self.low <= value <= self.high)  # type: ignore[operator]

    def end(self, value: Any) -> str | None:
        """``low`` or ``high`` where a value lies at that end, so that a better one may lie beyond.

        At an end are the outer 5 % of an interval, on its own scale, and the first and the last of
        several numbers; names have no order and no ends.
        """
        if self.among:
            numbers = [v for v in self.among if isinstance(v, int | float)]
            if len(numbers) < len(self.among) or any(isinstance(v, bool) for v in numbers):
                return None
            return {min(numbers): "low", max(numbers): "high"}.get(value)
        low, high, at = (self._place(v) for v in (self.low, self.high, value))
        share = (at - low) / (high - low)
        return "low" if share < _RIM else "high" if share > 1 - _RIM else None

    def _place(self, value: Any) -> float:
        return math.log(value) if self.log else float(value)

    def __str__(self) -> str:
        if self.among:
            return ", ".join(str(v) for v in self.among)
        return f"{self.low:g} .. {self.high:g}" + (" (log)" if self.log else "")


def searched(
    default: Any,
    *,
    low: int | float | None = None,
    high: int | float | None = None,
    log: bool = False,
    among: tuple[Value, ...] = (),
    primary: bool = False,
    **kwargs: Any,
) -> Any:
    """A field that `distbench tune` tries values of; takes what `pydantic.Field` takes besides.

    Args:
        default: Its value unless somebody says otherwise; the first that is tried. None where the
            component then chooses one itself, by what it is used on.
        low: Smallest value to try.
        high: Largest value to try.
        log: True to spread the values over their logarithm, as for a learning rate.
        among: The values to try, instead of an interval.
        primary: Whether `name:VALUE` fills it, as with `primary`.
        kwargs: For `pydantic.Field`.

    Raises:
        ValueError: It is no range, or does not hold the default.

    Example::

        >>> class Few(distbench.Strategy):
        ...     power: float = searched(1.0, low=0.5, high=20, description="of scores")
        >>> Few.model_fields["power"].default
        1.0
    """
    within = Range(low, high, log, among)
    if default is not None and not within.holds(default):
        raise ValueError(f"the default {default!r} does not lie in the range {within}")
    extra: dict[str, Any] = {"search": within.table()}
    if primary:
        extra["primary"] = True
    return Field(default, json_schema_extra=extra, **kwargs)


def natural_end(field: FieldInfo, end: str, within: Range) -> bool:
    """Whether a parameter can have no value beyond that end of its range."""
    bound, value = ("ge", within.low) if end == "low" else ("le", within.high)
    return any(getattr(rule, bound, None) == value for rule in field.metadata)
