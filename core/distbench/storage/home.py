"""Where distbench keeps what it makes."""

from __future__ import annotations

import os
from pathlib import Path

from distbench.errors import UsageError
from distbench.storage.folders import no_folder
from distbench.storage.paths import at_home


def home() -> Path:
    """``$DISTBENCH_HOME``, or the user's cache folder.

    Raises:
        UsageError: It names a user whom there is not, a file, or an address.

    Example::

        >>> cells = home() / "cells"
    """
    given = _folder_of("DISTBENCH_HOME")
    if given is not None:
        return given
    import platformdirs

    return Path(platformdirs.user_cache_dir("distbench"))


def scratch() -> Path | None:
    """``$DISTBENCH_SCRATCH``, a folder of this machine for what is large; None where none is named.

    Raises:
        UsageError: As `home` raises.
    """
    return _folder_of("DISTBENCH_SCRATCH")


def _folder_of(variable: str) -> Path | None:
    given = os.environ.get(variable)
    if not given:
        return None
    if "://" in given:
        raise UsageError(
            f"{variable}={given} is an address and no folder; name a folder, and by "
            "DISTBENCH_STORE an object store that machines without a common folder share"
        )
    if at_home(given).parts[0].startswith("~"):
        raise UsageError(f"{variable}={given} names a user whom this machine does not know")
    folder = at_home(given).absolute()
    if wrong := no_folder(folder):
        raise UsageError(f"{variable}={given}: {wrong} is no folder; name one, or unset it")
    return folder
