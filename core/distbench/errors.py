"""What can go wrong, sorted by whom it concerns: each class knows the exit code it leads to."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DistbenchError(Exception):
    """A problem that a person can do something about; shown as one line, without a traceback."""

    exit_code = 1


class UsageError(DistbenchError):
    """The command line, a configuration file or an argument is wrong."""

    exit_code = 2


class ArgumentError(UsageError, ValueError):
    """An argument of a Python function, such as an array, is wrong."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'a' or 'b'?"`` where known names are near, else nothing."""
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.65)
    return f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""


class UnknownNameError(UsageError):
    """A name that no plugin offers."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        hint = hint or f"`distbench list {kind}` shows what there is."
        super().__init__(f"unknown {kind} {name!r}.{did_you_mean(name, known)} {hint}")


class PluginError(DistbenchError):
    """A plugin that cannot be used; the message names it."""

    exit_code = 2

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(f"plugin {plugin!r}: {message}")
        self.plugin = plugin


class RefusedError(DistbenchError):
    """Data, weights or submissions that distbench will not work with as they are."""

    exit_code = 3


class DataError(RefusedError):
    """Images or labels that cannot be used; says which and what to do."""


class CorruptImageError(DataError):
    """One image that cannot be decoded.

    Args:
        name: The image, as its task names it.
        why: What the decoder said.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"cannot read image {name!r}: {why}. Replace or remove it, or go on without such "
            "images with --skip-corrupt."
        )
        self.name, self.why = name, why


class WeightsError(RefusedError):
    """Model weights that are missing, do not fit, or differ from their declared fingerprint."""


class MachineError(DistbenchError):
    """The machine does not let us go on: no space, no permission. Finished cells are kept."""

    @classmethod
    def of(cls, reason: str) -> MachineError:
        """The error for what the system said."""
        return cls(
            f"cannot go on: {reason}. Finished cells are kept; make room or allow writing, "
            "then run the same command again"
        )


class InterruptedRunError(DistbenchError):
    """A person stopped the run."""

    exit_code = 130


class Declined(Exception):  # noqa: N818 - not an error: a method or metric says that it does not apply
    """Raised by a component where it is not defined; the reason is shown, nothing counts as failed.

    Args:
        reason: One clause, for example ``"no two images share a class"``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
