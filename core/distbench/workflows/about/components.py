"""What an installed component is: its docstring, what that cites, and whose it is."""

from __future__ import annotations

import importlib.metadata
import re
from functools import cache
from pathlib import Path

from distbench.leaderboard.page.about import ComponentFacts
from distbench.plugins.registry import Registry

_LONG = 600
"""Characters of a description that are shown at most."""

_NAME = r"(?!(?:By|After|From|In|Of|See|The) )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*"
# Authors, a title in quotation marks, and up to the year where it appeared.
_REFERENCE = re.compile(
    rf'(?:{_NAME}(?:(?:, and|,| and| &) {_NAME})*(?: et al\.)?,? )?"[^"]{{8,}}"(?:, | \()'
    r"[^.;:()\"]{0,100}?\b(?:19|20)\d\d\b"
)
_HOMES = ("homepage", "home page", "repository", "source", "source code", "documentation")


def component_facts(names: Registry, kind: str, name: str) -> ComponentFacts:
    """What is known of a component.

    Raises:
        UnknownNameError: It is not installed.
        PluginError: It cannot be loaded.
    """
    cls = names.load(kind, name)
    text = cls.description()
    origin = names.offer(kind, name).origin
    if origin.distribution is None:
        return ComponentFacts(
            cls.version, paragraph(text), reference(text), Path(origin.plugin).name
        )
    homepage, licence = distribution_facts(origin.distribution)
    return ComponentFacts(
        cls.version,
        paragraph(text),
        reference(text),
        f"{origin.distribution} {origin.version or ''}".strip(),
        homepage,
        licence,
    )


def paragraph(text: str) -> str:
    """The first paragraph of a docstring on one line, without its marks of code."""
    first = " ".join(text.strip().partition("\n\n")[0].split()).replace("`", "")
    return first if len(first) <= _LONG else first[: _LONG - 1] + "…"


def reference(text: str) -> str:
    """The first work that a docstring cites, with authors, title and year; empty if none."""
    match = _REFERENCE.search(" ".join(text.split()))
    return match[0].replace(" (", ", ").replace("(", "") if match else ""


@cache
def distribution_facts(name: str) -> tuple[str, str]:
    """Homepage and licence as the metadata of an installed distribution name them; else empty."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "", ""
    links = {}
    for entry in metadata.get_all("Project-URL") or ():
        label, _, url = entry.partition(",")
        links[label.strip().lower().replace("-", " ")] = url.strip()
    links.setdefault("homepage", _first(metadata, "Home-page"))
    urls = (links.get(label, "") for label in _HOMES)
    homepage = next((url for url in urls if url.startswith("https://")), "")
    licence = _first(metadata, "License-Expression") or _first(metadata, "License")
    return homepage, licence.partition("\n")[0][:60]


def _first(metadata: importlib.metadata.PackageMetadata, key: str) -> str:
    return next(iter(metadata.get_all(key) or ()), "")
