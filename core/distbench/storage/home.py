"""Where distbench keeps what it makes."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """``$DISTBENCH_HOME``, or the user's cache folder."""
    given = os.environ.get("DISTBENCH_HOME")
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("distbench"))
