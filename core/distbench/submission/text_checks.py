"""Texts and numbers of a bundle, one by one: what none of them may be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from distbench.storage.safe_text import is_plain
from distbench.submission import limits
from distbench.submission.manifest import LICENCES, NAME_PATTERN, Manifest, PublicPlan
from distbench.submission.scrub import has_path
from distbench.submission.validation_report import ValidationReport, shown

_MARKUP = re.compile(r"<\s*[A-Za-z!/?]")
_IN_NAMES = re.compile(r"[<>`]")
_VERSION = re.compile(
    r"([0-9]{1,9}(?:\.[0-9]{1,9}){0,5})(?:(?:a|b|rc)[0-9]{1,9})?(?:\.post[0-9]{1,9})?"
    r"(?:\.dev[0-9]{1,9})?(?:\+[a-z0-9.]{1,60})?"
)
"""As Python packages have them (PEP 440), in their plain spelling."""

_FREE = frozenset({"reason", "note", "notes", "incomplete", "excluded", "marked"})
"""Fields whose texts are sentences; they may quote an error message."""


class Texts:
    """Checks texts and numbers; one that was seen before is not looked at again.

    Args:
        report: Takes the reasons.
    """

    def __init__(self, report: ValidationReport) -> None:
        self._report = report
        self._seen: set[tuple[str, bool]] = set()

    def check(self, value: Any, where: str, *, free: bool = False, depth: int = 0) -> None:
        """Looks at every text, number and level of a value of JSON.

        Args:
            value: What a bundle holds.
            where: What it is, for the reason.
            free: Whether texts in it are sentences, and no names.
            depth: How deep it lies.
        """
        if isinstance(value, str):
            if (value, free) not in self._seen:
                self._seen.add((value, free))
                self._text(value, where, free)
        elif isinstance(value, float):
            if not math.isfinite(value):
                self._report.refuse("numbers that are not finite", f"{where} is {value}")
        elif isinstance(value, (dict, list, tuple)):
            if depth > limits.DEPTH:
                self._report.refuse("JSON that is too deep", f"{where} is nested too deep")
            elif isinstance(value, dict):
                for key, inner in value.items():
                    self.check(key, f"a key of {where}")
                    name = f"{where}.{shown(key, 40)}"
                    self.check(inner, name, free=free or key in _FREE, depth=depth + 1)
            else:
                for inner in value:
                    self.check(inner, where, free=free, depth=depth + 1)

    def name(self, value: str, where: str) -> None:
        """Looks at a name that pages and tables show."""
        self.check(value, where)
        if _IN_NAMES.search(value):
            self._report.refuse("markup in names", f"{where} '{shown(value)}' holds markup")

    def names(self, values: Iterable[str], where: str) -> None:
        """Looks at several names."""
        for value in values:
            self.name(value, where)

    def _text(self, text: str, where: str, free: bool) -> None:
        refuse = self._report.refuse
        allowed = limits.TEXT if free else limits.NAME
        if len(text) > allowed:
            refuse("long texts", f"{where} has {len(text):,} characters; {allowed:,} are allowed")
        elif not all(map(is_plain, text.replace("\n", "") if free else text)):
            refuse("control characters", f"{where} holds control characters: '{shown(text)}'")
        elif has_path(text) and not where.endswith("classes"):
            refuse("paths", f"{where} holds a path of somebody's machine: '{shown(text)}'")
        elif not free and _MARKUP.search(text):
            refuse("markup in names", f"{where} '{shown(text)}' holds markup")


def check_headers(
    manifest: Manifest, plan: PublicPlan, texts: Texts, report: ValidationReport
) -> None:
    """Looks at all texts of a manifest and a plan, and at what the submitter says."""
    texts.check(manifest.model_dump(), "bundle.json")
    texts.check(plan.model_dump(), "plan.json")
    texts.names((m.id for m in plan.methods), "the method")
    texts.names((t.id for t in plan.tasks), "the task")
    texts.names((t.use for t in plan.tasks), "the task")
    texts.names(plan.everyone(), "the source")
    texts.names((plan.suite, plan.name), "the plan's")
    texts.name(manifest.submitter, "the submitter")
    if manifest.submitter != manifest.submitter.strip() or not manifest.submitter.strip():
        report.refuse("submitter", "the submitter begins or ends with a space")
    if manifest.licence not in LICENCES:
        report.refuse(
            "licence",
            f"licence '{shown(manifest.licence)}' is none of {', '.join(LICENCES)}",
        )
    if not re.fullmatch(NAME_PATTERN, manifest.name):
        report.refuse("name", f"the name '{shown(manifest.name)}' will not do")
    for version in {manifest.distbench, *manifest.plugins.get("distbench", ())}:
        _check_version(version, report)


def _check_version(version: str, report: ValidationReport) -> None:
    """Refuses what is no version of distbench; one that is newer than this is only noted."""
    from distbench import __version__

    if (release := _release(version)) is None:
        report.refuse("version", f"'{shown(version)}' is no version of distbench")
    elif release > (_release(__version__) or release):
        report.note(
            f"made with distbench {shown(version)}, which is newer than this one ({__version__}): "
            "what it may do that this one cannot was not compared"
        )


def _release(version: str) -> tuple[int, ...] | None:
    """The numbers of a version, without zeros at the end; None if it is of no such form."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = [int(part) for part in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
