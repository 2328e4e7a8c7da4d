"""Where the shared store is, as a person named it."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from distbench.errors import UsageError

VARIABLE = "DISTBENCH_STORE"
PATIENCE = "DISTBENCH_STORE_PATIENCE"
_PATIENCE = 120.0
_SCHEMES = ("s3", "gs", "az", "file")
_EXAMPLES = "s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, az://CONTAINER/FOLDER or file:///FOLDER"


def store_address() -> str | None:
    """``$DISTBENCH_STORE``; None where no store is named.

    Raises:
        UsageError: It is no address of a store, or holds credentials.
    """
    given = os.environ.get(VARIABLE, "").rstrip("/")
    if not given:
        return None
    try:
        parts = urlsplit(given)
    except ValueError:
        raise _no_address(given) from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            f"{VARIABLE} holds more than a bucket and a folder, so it is not shown; leave "
            "credentials to the cloud's own variables, e.g. AWS_ACCESS_KEY_ID"
        )
    if parts.scheme not in _SCHEMES or bool(parts.netloc) == (parts.scheme == "file"):
        raise _no_address(given)
    if any(part in (".", "..") for part in parts.path.split("/")):
        raise _no_address(given)
    return given


def patience() -> float:
    """Seconds for which a request is tried again: ``$DISTBENCH_STORE_PATIENCE``, or two minutes.

    Raises:
        UsageError: It is no number of seconds.
    """
    given = os.environ.get(PATIENCE, "")
    if not given:
        return _PATIENCE
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86400:
        raise UsageError(f"{PATIENCE}={given} is no number of seconds, 0 to 86400; name one")
    return seconds


def _no_address(given: str) -> UsageError:
    return UsageError(f"{VARIABLE}={given} is no address of a store; name one, such as {_EXAMPLES}")
