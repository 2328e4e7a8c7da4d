"""What can go wrong, sorted by whom it concerns: each class knows the exit code it leads to."""

from __future__ import annotations

import difflib
import errno
import os
import signal
from collections.abc import Iterable

_TRAIN = frozenset({"torch", "torchvision", "timm", "datasets", "onnx", "onnxruntime"})
"""What comes with `distbench[train]` alone."""


class DistbenchError(Exception):
    """A problem that a person can do something about; shown as one line, without a traceback."""

    exit_code = 1


class UsageError(DistbenchError):
    """The command line, a configuration file or an argument is wrong."""

    exit_code = 2


class ArgumentError(UsageError, ValueError):
    """An argument of a Python function, such as an array, is wrong."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'a' or 'b'?"`` where known names are near, else nothing.

    Example::

        >>> did_you_mean("logmee", ["logme", "leep", "parc"])
        " Did you mean 'logme'?"
    """
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
            f"cannot go on: {reason}. Finished cells are kept; mend that (make room, allow "
            "writing), then run the same command again"
        )


class StoreError(MachineError):
    """The shared store cannot be used; what was made here is kept here."""


class StopSignal(BaseException):
    """A signal asked this process to end; the command line turns signals into it.

    No ``KeyboardInterrupt``, which libraries catch and answer in ways of their own.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class InterruptedRunError(DistbenchError):
    """A person, or a signal of the system, stopped the work.

    Args:
        message: What is kept.
        cause: What stopped it.
    """

    def __init__(self, message: str, cause: BaseException) -> None:
        super().__init__(message)
        self.exit_code = 128 + getattr(cause, "number", signal.SIGINT)


class TimedOutError(DistbenchError):
    """Something took longer than it was allowed to."""


class Declined(Exception):  # noqa: N818 - not an error: a method or metric says that it does not apply
    """Raised by a component where it is not defined; the reason is shown, nothing counts as failed.

    Args:
        reason: One clause, for example ``"no two images share a class"``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def interrupts(error: BaseException) -> bool:
    """Whether a person or the system stopped this process, and no component only said so.

    Where nobody turned signals into `StopSignal`, as in a notebook, every interruption is one.
    """
    if isinstance(error, StopSignal):
        return True
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return isinstance(error, KeyboardInterrupt) and usual


def machine_gives_out(error: BaseException) -> bool:
    """Whether nothing further can succeed: the disk is full or cannot be written."""
    full = {errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}
    return isinstance(error, OSError) and error.errno in full


def reason_of(error: BaseException) -> str:
    """What was raised, in one line."""
    if isinstance(error, (DistbenchError, Declined)):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory"
    if missing := missing_library(error):
        return f"{missing} is not installed, which this needs: pip install 'distbench[train]'"
    if isinstance(error, OSError) and error.errno is not None:
        where = f" ({os.fsdecode(error.filename)})" if _is_path(error.filename) else ""
        return f"{error.strerror or error}{where}"
    try:
        text = str(error).strip()
    except Exception:  # a plugin's own exception may fail at this too
        text = ""
    first = (text.splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def missing_library(error: BaseException) -> str | None:
    """Which of the libraries is missing that train and read models; None where it is not that."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return name if name in _TRAIN else None


def _is_path(name: object) -> bool:
    return isinstance(name, (str, bytes, os.PathLike))
