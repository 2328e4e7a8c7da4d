"""Pages in one file, such as the leaderboard: no network, no server, no other file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from distbench.storage.safe_text import plain, steering

_MODULES = (
    "data",
    "elements",
    "format",
    "against",
    "evidence",
    "table",
    "picture",
    "filters",
    "overview",
    "metrics",
    "curves",
    "nature",
    "matrix",
    "method",
    "task",
    "csv",
    "view",
    "main",
)
"""The scripts, those that run something at once after what they need."""

_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def page(data: Mapping[str, Any]) -> str:
    """The leaderboard as HTML.

    Args:
        data: What `page_data` gives.
    """
    modules = [web_file(f"{name}.js") for name in _MODULES]
    return one_file(web_file("page.html"), web_file("page.css"), modules, data)


def one_file(shell: str, style: str, modules: Sequence[str], data: Mapping[str, Any]) -> str:
    """A page that needs nothing else, as HTML.

    Data are put in as JSON that no browser executes, and shown as text. The policy in the page's
    head allows the page's own style and script, by their digests, and nothing else: no request.

    Args:
        shell: HTML with ``{{policy}}``, ``{{style}}``, ``{{script}}`` and ``{{data}}``.
        style: CSS.
        modules: JavaScript, those that run something at once after what they need.
        data: What JSON can hold.
    """
    script = _script(modules)
    policy = (
        "default-src 'none'; "
        f"style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for character in steering(text):
        text = text.replace(character, json.dumps(plain(character))[1:-1])
    # So that no text can end the element that it is in, nor start a comment there.
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    parts = {"policy": policy, "style": style, "script": script, "data": text}
    head, *rest = shell.split("{{")
    for part in rest:
        name, _, tail = part.partition("}}")
        head += parts[name] + tail
    return head


def web_file(name: str) -> str:
    """A file of the leaderboard's page: its style, or a module that other pages share."""
    return (files("distbench.leaderboard.page") / "web" / name).read_text(encoding="utf-8")


def _script(modules: Sequence[str]) -> str:
    """The modules as one script: a page that is opened from a disk may not import any."""
    return '"use strict";\n' + "".join(_EXPORT.sub("", _IMPORT.sub("", m)) for m in modules)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
