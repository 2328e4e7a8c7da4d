"""What a task is called that nobody gave a name."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

from distbench.interfaces.component import Component
from distbench.storage.paths import without_links


def short_name(task: Component) -> str:
    """What an ad-hoc task is called: its folder's name, or its specification."""
    paths = [value for _, value in task if isinstance(value, Path)]
    text = without_links(paths[0]).name if paths else task.label
    letters = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(c for c in letters if not unicodedata.combining(c))
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")
    if any(not c.isascii() and c.isalnum() for c in plain):  # letters that are lost
        mark = hashlib.sha256(unicodedata.normalize("NFC", text).encode()).hexdigest()[:6]
        return f"{short or task.name}-{mark}"
    return short or task.name


_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "ł": "l", "Ł": "L", "đ": "d"}
)
"""Latin letters that are no plain letter with a mark."""
