"""The columns of a cell: a row laid flat, the same in `load`, in ``rows.parquet`` and for a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from distbench.storage.hashing import canonical_json
from distbench.storage.rows import HOST, CostBlock, Row

Type = Literal["text", "integer", "number"]


class Column(NamedTuple):
    """A column; any of its values may be missing.

    Attributes:
        name: As frames and files call it; names are only ever added.
        type: What its values are: UTF-8, whole numbers of 64 bits, floats of 64 bits.
        meaning: In words, with the unit.
    """

    name: str
    type: Type
    meaning: str


_KINDS = ("distiller", "metric", "strategy", "baseline")
_ENVIRONMENT = {
    HOST: "name of the machine; bundles have none",
    "device": "type of device that trained the student",
    "device_name": "its model",
    "system": "operating system",
    "machine": "architecture of the processor",
    "python": "version of Python",
    "torch": "version of torch",
}


_UNITS = {
    "macs": "multiply-adds",
    "seconds": "seconds",
    "ms": "milliseconds",
    "mb": "megabytes",
    "images": "images",
}


def _costs() -> list[Column]:
    columns = []
    for name, field in CostBlock.model_fields.items():
        types = {field.annotation, *get_args(field.annotation)}
        unit = next((_UNITS[part] for part in name.split("_") if part in _UNITS), None)
        words = (unit, field.description)
        said = " ".join(word for word in words if word)
        columns.append(Column(name, "number" if float in types else "integer", said))
    return columns


COLUMNS: tuple[Column, ...] = (
    Column("method", "text", "as a leaderboard calls it, with its parameters"),
    Column("task", "text", "its id"),
    Column("seed", "integer", "seed of the cell"),
    Column("status", "text", "done, failed, skipped or declined"),
    Column("reason", "text", "why it is not done"),
    Column("accuracy", "number", "share of test images classified rightly, 0 to 1"),
    Column("balanced_accuracy", "number", "mean recall over the test classes, 0 to 1"),
    Column("validation_accuracy", "number", "share of validation images, 0 to 1"),
    Column("key", "text", "hash of all that the result depends on; names the cell"),
    Column("role", "text", "ranked, control or ceiling"),
    *(Column(kind, "text", f"name of the method's {kind}, without parameters") for kind in _KINDS),
    Column("components", "text", "JSON: version and parameters of each"),
    Column("suite", "text", "name of the suite"),
    Column("suite_version", "integer", "its version"),
    Column("zoo", "text", "name of the zoo"),
    Column("student", "text", "name of the student"),
    Column("student_component", "text", "JSON: its version, parameters and initial weights"),
    Column("protocol", "text", "JSON: label budget, image size, steps and all else"),
    Column("task_use", "text", "the task's component, as one types it"),
    Column("task_fingerprint", "text", "of its data"),
    Column("classes", "integer", "number of its classes"),
    Column("labelled_images", "integer", "images whose labels were used"),
    Column("unlabelled_images", "integer", "images without labels"),
    Column("validation_images", "integer", "images kept for validation"),
    Column("test_images", "integer", "images it was tested on"),
    Column("skipped_images", "integer", "images left out because they were corrupt"),
    Column("eligible_sources", "integer", "sources that the method could learn from"),
    Column("excluded_sources", "integer", "sources that it could not"),
    Column("initialisation", "text", "what the student began from"),
    *_costs(),
    *(Column(name, "text", said) for name, said in _ENVIRONMENT.items()),
    Column("plugins", "text", "JSON: distribution to version"),
    Column("predictions_digest", "text", "SHA-256 of the test predictions"),
    Column("student_digest", "text", "SHA-256 of the trained weights"),
    Column("schema_version", "integer", "of the row"),
)
"""All columns, in order."""

SHOWN = (
    *("method", "task", "seed", "status", "reason", "accuracy", "balanced_accuracy"),
    *("validation_accuracy", "steps", "training_macs", "total_seconds", "latency_ms"),
)
"""What of them a notebook shows."""


def row_values(row: Row) -> dict[str, Any]:
    """The values of a row by column, in the order of `COLUMNS`; None where there is none."""
    components = row.method.components
    values: dict[str, Any] = {
        "method": row.method.id,
        "task": row.task.id,
        "seed": row.seed,
        "status": row.status,
        "reason": row.reason,
        "key": row.key,
        "role": row.method.role,
        **{kind: _name(components.get(kind)) for kind in _KINDS},
        "components": canonical_json(components),
        "suite": row.suite,
        "suite_version": row.suite_version,
        "zoo": row.zoo,
        "student": _name(row.student),
        "student_component": canonical_json(row.student),
        "protocol": canonical_json(row.protocol),
        "task_use": row.task.use,
        "task_fingerprint": row.task.fingerprint,
        "classes": len(row.task.classes),
        "plugins": canonical_json(row.plugins),
        "schema_version": row.schema_version,
        **{name: _text(row.environment.get(name)) for name in _ENVIRONMENT},
        **_result(row),
        **(dict(row.cost) if row.cost else {}),
    }
    return {column.name: values.get(column.name) for column in COLUMNS}


def _result(row: Row) -> dict[str, Any]:
    """What a cell that is done has besides."""
    result = row.result
    if result is None:
        return {}
    parts = result.parts
    return {
        "accuracy": result.accuracy,
        "balanced_accuracy": result.balanced_accuracy,
        "validation_accuracy": result.validation_accuracy,
        "labelled_images": parts.labelled,
        "unlabelled_images": parts.unlabelled,
        "validation_images": parts.validation,
        "test_images": parts.test,
        "skipped_images": len(parts.skipped),
        "eligible_sources": len(result.sources.eligible),
        "excluded_sources": len(result.sources.excluded),
        "initialisation": _text(result.declared.get("initialisation")),
        "predictions_digest": result.predictions_digest,
        "student_digest": result.student_digest,
    }


def _name(identity: Mapping[str, Any] | None) -> str | None:
    return None if identity is None else _text(identity.get("name"))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
