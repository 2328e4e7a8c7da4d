"""Types of the columns of a data set of the Hub: which can be labels, and by which names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import ClassLabel


def inner_of(kind: Any) -> Any | None:
    """The type of the entries of a column of lists; None of any other column."""
    if isinstance(kind, list):
        return kind[0]
    if type(kind).__name__ in ("List", "LargeList", "Sequence"):
        return kind.feature
    return None


def class_label_in(kind: Any) -> ClassLabel | None:
    """The names of classes that a column has for its numbers, or for those in its lists."""
    from datasets import ClassLabel

    single = inner_of(kind) or kind
    return single if isinstance(single, ClassLabel) else None


def with_names(kind: Any, names: Sequence[str]) -> Any:
    """The same type with other names of classes."""
    from datasets import ClassLabel

    label = ClassLabel(names=list(names))
    if inner_of(kind) is None:
        return label
    return [label] if isinstance(kind, list) else type(kind)(label)


def is_label(kind: Any) -> bool:
    """Whether a column can hold the class of an image, or in lists all its classes."""
    from datasets import ClassLabel, Value

    kind = inner_of(kind) or kind
    if isinstance(kind, ClassLabel):
        return True
    plain = ("string", "large_string", "bool")
    return isinstance(kind, Value) and (kind.dtype in plain or "int" in kind.dtype)


def in_words(kind: Any) -> str:
    """What a type is called in messages."""
    inner = inner_of(kind)
    if inner is not None:
        return f"lists of {in_words(inner)}"
    return str(getattr(kind, "dtype", type(kind).__name__))
