"""Repositories of the Hugging Face Hub, as they are typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from distbench.errors import UsageError

_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubName:
    """A repository, perhaps at a revision.

    Attributes:
        repository: ``org/name``.
        revision: Branch, tag or full commit; None where it was not said.
    """

    repository: str
    revision: str | None = None


def hub_name(text: str, where: str) -> HubName:
    """Reads ``ORG/NAME[@REVISION]``.

    Args:
        text: What was typed.
        where: What it was typed for, for the message.

    Raises:
        UsageError: It is none.

    Example::

        >>> hub_name("org/models@main", "--zoo")
        HubName(repository='org/models', revision='main')
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    repository, at, revision = text.partition("@")
    wrong = f"{where}: {text!r} is no repository of the Hub; write ORG/NAME"
    try:
        validate_repo_id(repository)
    except HFValidationError:
        raise UsageError(f"{wrong}, of letters, digits, dots, dashes and underscores") from None
    if repository.count("/") != 1:
        raise UsageError(f"{wrong} with who owns it: your user name or an organisation")
    if at and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise UsageError(f"{wrong}@REVISION with a branch, a tag or a full commit after the @")
    return HubName(repository, revision or None)


def is_commit(text: object) -> bool:
    """Whether a text is a full commit."""
    return isinstance(text, str) and _COMMIT.fullmatch(text) is not None


def stays_inside(name: str) -> bool:
    """Whether the name of a file is one below its folder, on every system."""
    path = PurePosixPath(name)
    return (
        bool(path.parts)
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in name
        and ":" not in name
        and name.isprintable()
    )
