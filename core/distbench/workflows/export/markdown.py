"""Markdown of text that strangers wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

_SPECIAL = re.compile(r"([\\`*{}\[\]<>|#~$!&])")


def settings(values: dict[str, Any]) -> str:
    """Names and values, those that there are."""
    texts = ((k, v if isinstance(v, str) else json.dumps(v)) for k, v in values.items())
    return ", ".join(f"{escaped(key)} {escaped(text)}" for key, text in texts if text != "null")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def escaped(text: object) -> str:
    """Text that Markdown shows as it is, on one line."""
    return (
        _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
        .replace("\\<", "&lt;")
        .replace("\\&", "&amp;")
    )


def code(text: str) -> str:
    """A name in code font, on one line and without what would end it."""
    return "`" + " ".join(text.split()).replace("`", "'").replace("|", "/") + "`"
