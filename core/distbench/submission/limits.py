"""How large anything in a bundle may be; all is held against these before it is parsed."""

from __future__ import annotations

from typing import Final

MIB: Final = 2**20

FILE_BYTES: Final = 256 * MIB
"""Of the bundle itself."""

MEMBER_BYTES: Final = {
    "bundle.json": 8 * MIB,
    "plan.json": 64 * MIB,
    "rows.jsonl": 1024 * MIB,
    "predictions.safetensors": 512 * MIB,
    "probabilities.safetensors": 32 * MIB,
}
"""Of each member when it is unpacked; there are no other members."""

OPTIONAL: Final = "probabilities.safetensors"
"""The member that a bundle may lack, as one does whose probabilities would be larger."""

ROWS: Final = 200_000
LINE_BYTES: Final = 4 * MIB
"""Of one row."""

HEADER_BYTES: Final = 32 * MIB
"""Of the header of the predictions: some 130 bytes for each cell."""

DEPTH: Final = 16
"""How deep JSON may be nested; the form itself takes seven levels."""

NAME: Final = 300
"""Characters of a name: of a method, a task, a class, a source."""

TEXT: Final = 4000
"""Characters of what is no name: reasons and notes."""

REASONS: Final = 20
"""Refusals of one kind that are listed one by one."""
