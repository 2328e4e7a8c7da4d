"""What cannot be run here, and the modules that a peer imports without a need."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import warnings
from types import ModuleType


class AbsentError(Exception):
    """A peer that cannot be run here; says why."""


def required(module: str, *unused: str) -> ModuleType:
    """A peer's module.

    Args:
        module: Its name.
        unused: Packages that it imports and that what is measured does not call: where they are not
            installed, empty ones stand in for them, for good.

    Raises:
        AbsentError: It, or a package that it needs, is not installed or does not work.
    """
    package = module.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        raise AbsentError(f"{package} is not installed")
    for name in unused:
        if importlib.util.find_spec(name) is None:
            stand_in = ModuleType(name)
            stand_in.__spec__ = importlib.machinery.ModuleSpec(name, None)
            sys.modules[name] = stand_in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(module)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise AbsentError(f"{module} cannot be imported: {reason}") from error


def version(distribution: str) -> str:
    """A distribution with its version, for a table; a bare clone does not tell its own."""
    try:
        return f"{distribution} {importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{distribution} of no known version"
