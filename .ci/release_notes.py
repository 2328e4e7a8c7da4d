"""Prints what CHANGELOG.md says of a version: `release_notes.py vX.Y.Z`.

It refuses what is not ready to be published: a version without a section, one that is still
called unreleased, and a CITATION.cff that names another.
"""

import re
import sys
from pathlib import Path

_SECTION = re.compile(r"^## (?P<version>\S+) \((?P<date>[^)]+)\)$", re.MULTILINE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def sections(changelog: str) -> dict[str, tuple[str, str]]:
    """Date and text of each version, the newest first."""
    heads = list(_SECTION.finditer(changelog))
    ends = [head.start() for head in heads[1:]] + [len(changelog)]
    return {
        head["version"]: (head["date"], changelog[head.end() : end].strip())
        for head, end in zip(heads, ends, strict=True)
    }


def notes(tag: str, changelog: str, citation: str) -> str:
    """The text of a version that may be published.

    Raises:
        SystemExit: It may not, and why.
    """
    version = tag.removeprefix("v")
    if version not in (known := sections(changelog)):
        raise SystemExit(f"CHANGELOG.md has no section '## {version} (YYYY-MM-DD)' for tag {tag}")
    date, text = known[version]
    if not _DAY.fullmatch(date):
        raise SystemExit(f"CHANGELOG.md calls {version} '{date}': write the day of its release")
    for line in (f"version: {version}", f"date-released: {date}"):
        if line not in citation.replace('"', "").splitlines():
            raise SystemExit(f"CITATION.cff has no line '{line}'")
    return text


def main(tag: str) -> None:
    """Prints the notes of a tag of the repository that this file lies in."""
    root = Path(__file__).parents[1]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    print(notes(tag, changelog, (root / "CITATION.cff").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main(sys.argv[1])
