"""What must not leave a machine with its results: where things lay, who was logged in, on what."""

from __future__ import annotations

import getpass
import re
import socket
from typing import Any

from distbench.storage.rows import HOST, Row
from distbench.storage.safe_text import harmless_text

_ABSOLUTE = re.compile(
    r"""(?<![\w./:~\\-])              # not within a URL, a relative path or a word
        (?:~?/(?:[^\s/'"():,;<>]+/)+  # /home/someone/
          |~?/(?=home|root|Users|tmp|var|mnt|etc|opt|srv|data)
          |[A-Za-z]:[\\/]             # C:\\
          (?:[^\\/\s'"]+[\\/])*
          |\\\\(?:[^\\\s'"]+\\)+)     # \\\\server\\share\\
        (?P<last>[^\s/\\'"():,;<>]*)""",
    re.VERBOSE,
)
_COMMON = frozenset({"root", "user", "users", "admin", "ubuntu", "localhost", "localdomain"})


def has_path(text: str) -> bool:
    """Whether a text holds what reads like an absolute path of a machine."""
    return ("/" in text or "\\" in text) and bool(_ABSOLUTE.search(text))


def without_paths(text: str) -> str:
    """A text with only the last name of each absolute path in it."""
    return _ABSOLUTE.sub(lambda match: match["last"] or "PATH", text) if has_path(text) else text


class Scrubber:
    """Takes paths out of everything, and user and host name out of free text.

    Args:
        user: Who is logged in; found if None.
        host: What the machine is called; found if None.
    """

    def __init__(self, user: str | None = None, host: str | None = None) -> None:
        names = {
            _user() if user is None else user: "USER",
            (host := socket.gethostname() if host is None else host): "HOST",
            host.partition(".")[0]: "HOST",
        }
        self._names = {
            re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE): instead
            for name, instead in names.items()
            if len(name) > 2 and name.lower() not in _COMMON
        }

    def free_text(self, text: str) -> str:
        """A reason or a note without secrets, paths, user and host."""
        text = without_paths(harmless_text(text))
        for name, instead in self._names.items():
            text = name.sub(instead, text)
        return text

    def row(self, row: Row) -> Row:
        """A row without its traceback and host, and without paths wherever they may be."""
        table = row.model_dump()
        table["traceback"] = None
        # It may have been computed, or have failed, on another machine than this one.
        there = Scrubber(user="", host=str(table["environment"].pop(HOST, "")))

        def free_text(text: str) -> str:
            return there.free_text(self.free_text(text))

        if table["reason"] is not None:
            table["reason"] = free_text(table["reason"])
        table["task"]["notes"] = [free_text(note) for note in table["task"]["notes"]]
        if table["result"] is not None:
            sources = table["result"]["sources"]
            for kind in ("excluded", "marked"):
                sources[kind] = {k: free_text(why) for k, why in sources[kind].items()}
        clean = pathless(table)
        clean["task"]["classes"] = row.task.classes  # names of the task's, whatever they are
        return Row.model_validate(clean)


def pathless(value: Any) -> Any:
    """A value of JSON with no absolute path in any of its texts."""
    if isinstance(value, str):
        return without_paths(value)
    if isinstance(value, dict):
        return {without_paths(str(k)): pathless(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [pathless(v) for v in value]
    return value


def _user() -> str:
    """Who is logged in; empty where the system does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
