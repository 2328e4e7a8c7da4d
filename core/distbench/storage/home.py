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
        UsageError: It names a user whom there is not, or a file.
    """
    given = os.environ.get("DISTBENCH_HOME")
    if given and at_home(given).parts[0].startswith("~"):
        raise UsageError(f"DISTBENCH_HOME={given} names a user whom this machine does not know")
    if given and "://" in given:
        raise UsageError(
            f"DISTBENCH_HOME={given} is an address and no folder; name a folder that all machines "
            "of the run see"
        )
    if given:
        folder = at_home(given).absolute()
        if wrong := no_folder(folder):
            raise UsageError(f"DISTBENCH_HOME={given}: {wrong} is no folder; name one, or unset it")
        return folder
    import platformdirs

    return Path(platformdirs.user_cache_dir("distbench"))
