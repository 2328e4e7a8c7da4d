"""Rows of every schema there has been: those of the first are upgraded as they are read."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import from_json

from distbench.errors import UsageError
from distbench.storage.predictions import compact, predictions_digest
from distbench.storage.rows import SCHEMA, Row

Table = dict[str, Any]


class NewerSchemaError(UsageError):
    """Something was written by a distbench that is newer than this one."""

    def __init__(self, what: str, schema: object, known: int) -> None:
        super().__init__(
            f"{what} has schema {schema}, this distbench reads up to {known}: made by a newer "
            "distbench; upgrade (pip install -U distbench)"
        )


def read_row(text: str | bytes) -> tuple[Row, NDArray[Any] | None]:
    """Reads a row of any known schema.

    Args:
        text: The row as JSON.

    Returns:
        The row, and its predictions where they lie in it, as they did in schema 1.

    Raises:
        NewerSchemaError: It was written by a newer distbench.
        ValueError: It is no row.
    """
    try:
        return Row.model_validate_json(text), None
    except ValidationError as error:
        try:
            table = from_json(text)
        except ValueError:
            raise error from None
        schema = table.get("schema_version") if isinstance(table, dict) else None
        if isinstance(schema, int) and schema > SCHEMA:
            raise NewerSchemaError("a row", schema, SCHEMA) from None
        if schema != 1:
            raise
    table, predictions = _from_1(table)
    return Row.model_validate(table), predictions


def _from_1(table: Table) -> tuple[Table, NDArray[Any] | None]:
    """Schema 1 held the predictions as a list in `result`; schema 2 holds their digest."""
    result = table.get("result")
    if result is None:
        return {**table, "schema_version": 2}, None
    if not isinstance(result, dict) or not isinstance(result.get("predictions"), list):
        raise ValueError("a row of schema 1 lists its predictions")
    try:
        predictions = compact(result["predictions"])
    except OverflowError:
        raise ValueError("a prediction is no class number") from None
    rest = {key: value for key, value in result.items() if key != "predictions"}
    rest["predictions_digest"] = predictions_digest(predictions)
    return {**table, "schema_version": 2, "result": rest}, predictions
