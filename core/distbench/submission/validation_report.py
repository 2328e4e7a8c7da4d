"""What was found in a bundle: reasons to refuse it, and what a person should know."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from distbench.storage.safe_text import plain
from distbench.submission import limits


@dataclass
class ValidationReport:
    """The outcome of a validation.

    Attributes:
        bundle: Name of the file.
        reasons: Why it is refused; empty if it is not.
        notes: What was not checked, or differs without being wrong.
        facts: Numbers: rows, recomputed accuracies, re-run cells.
    """

    bundle: str
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    _kinds: Counter[str] = field(default_factory=Counter, repr=False)

    def refuse(self, kind: str, reason: str) -> None:
        """Adds a reason; of one kind only some are listed, the others are counted."""
        self._kinds[kind] += 1
        if self._kinds[kind] <= limits.REASONS:
            self.reasons.append(reason)

    def note(self, text: str) -> None:
        """Adds a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def finish(self) -> None:
        """Says of how many more reasons there are."""
        for kind, count in self._kinds.items():
            if count > limits.REASONS:
                self.reasons.append(f"{count - limits.REASONS} more of this kind: {kind}")

    def numbered_reasons(self) -> list[str]:
        """The reasons as a numbered list."""
        return [f"  {number}. {reason}" for number, reason in enumerate(self.reasons, 1)]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "bundle": self.bundle,
            "accepted": not self.reasons,
            "reasons": self.reasons,
            "notes": self.notes,
            **self.facts,
        }


def shown(text: object, limit: int = 100) -> str:
    """A text of a bundle as it can be shown anywhere: one line, nothing that steers a terminal."""
    clean = plain(str(text)[: limit + 1])
    return clean if len(clean) <= limit else clean[:limit] + "..."
