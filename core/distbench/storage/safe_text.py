"""Foreign text made safe to show, keep and open: nothing steers, nothing computes, no secrets."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from typing import Any

_STEERING = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
"""Control, direction, line and private characters, as Unicode sorts them."""

_JOINERS = "\u200c\u200d"
"""Of the same kind, but some scripts and signs need them."""

_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSW|API_?KEY|ACCESS_?KEY|CREDENTIAL|AUTH(?!OR)", re.IGNORECASE
)
_SHORTEST = 6
"""Characters of an environment variable that may be a secret."""

_RANDOM = r"(?=[a-z]*[A-Z0-9]|[a-z]{20})[A-Za-z0-9]"
"""The letters of what is drawn and no word: among them are a digit or a capital, or it is long."""

_SECRETS = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"(?<=://)[^/@\s]+@", "***@"),  # user and password in an address
        (
            r"(?i)([?&][\w-]*(?:token|key|secret|passw\w*|signature)=)[^\s&'\"]+",
            r"\1***",
        ),
        (
            r"(?i)((?:passw(?:or)?d|secret(?:_access)?(?:_key)?|api[_-]?key)"
            r"[\"']?\s{0,3}[=:]\s{0,3}[\"']?)[^\s\"',;&]{6,}",
            r"\1***",
        ),
        (r"(?i)(\b(?:bearer|basic) )[\w+/.~-]{12,}=*", r"\1***"),
        (rf"(?<![A-Za-z0-9])hf_{_RANDOM}{{8,}}", "***"),
        (r"(?<![A-Za-z0-9])(?:gh[pousr]|github_pat|npm|wandb_v1)_[A-Za-z0-9_]{8,}", "***"),
        (rf"(?<![A-Za-z0-9])(?:glpat|xox[a-z]|pypi)-{_RANDOM}{{8,}}[\w-]*", "***"),
        (
            rf"(?<![A-Za-z0-9])[sr]k[-_](?:[A-Za-z0-9]{{1,12}}[-_]){{0,5}}{_RANDOM}{{16,}}[\w-]*",
            "***",
        ),
        (r"(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{12,}", "***"),
        (r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}", "***"),
        (r"(?<![A-Za-z0-9])eyJ[\w-]{8,999}\.[\w-]{8,9999}\.[\w-]*", "***"),
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*", "***"),
    )
)

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|nan)", re.ASCII)
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet begins to compute; of a file with commas some open cells at semicolons."""


def is_plain(character: str) -> bool:
    """Whether a character only shows itself: no control, direction, line or private character."""
    return character in _JOINERS or unicodedata.category(character) not in _STEERING


def steering(text: str) -> set[str]:
    """The characters of a text that are not plain."""
    if text.isascii() and text.isprintable():  # most are, and there are many
        return set()
    return {character for character in set(text) if not is_plain(character)}


def plain(text: str, keep: str = "") -> str:
    r"""A text in which characters that steer are spelt out: ``\u202e``.

    Args:
        text: Any text.
        keep: Characters that stay all the same, e.g. the ends of lines.
    """
    for character in steering(text) - set(keep):
        code = ord(character)
        text = text.replace(character, f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return text


def plain_line(text: str) -> str:
    """A text as a part of one line: plain, and any white space in it one space."""
    return plain(re.sub(r"\s+", " ", text))


def plain_json(text: str) -> str:
    """JSON of which nothing steers a terminal; it means what it meant."""
    for character in steering(text) - {"\n"}:
        code = ord(character)
        spelt = f"\\u{code:04x}" if code < 0x10000 else json.dumps(character)[1:-1]
        text = text.replace(character, spelt)
    return text


def without_secrets(text: str) -> str:
    """A text without what opens doors; ``***`` stands instead.

    Left out are user names, passwords and tokens in addresses, tokens of well-known kinds, private
    keys, and the values of environment variables whose names speak of secrets.
    """
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and value in text and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def harmless_text(text: str) -> str:
    """A text as it may be shown, kept and sent on: `without_secrets`, and plain but for lines.

    What others wrote, such as the message of an exception, passes through here before it becomes a
    reason, a note or a line of a log.

    Example::

        >>> harmless_text("failed" + chr(27) + "[31m at step 3").isprintable()
        True
    """
    return plain(without_secrets(text), keep="\n\t")


def csv_cell(value: Any) -> Any:
    """A value as a cell of a CSV file that a spreadsheet may open.

    A text that it would compute gets an apostrophe before its sign, as OWASP advises
    (https://owasp.org/www-community/attacks/CSV_Injection), and is plain; numbers stay numbers.

    Example::

        >>> csv_cell("=1+1"), csv_cell(-0.5), csv_cell("plain")
        ("'=1+1", -0.5, 'plain')
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return plain(_FORMULA.sub(r"\1'", value))
