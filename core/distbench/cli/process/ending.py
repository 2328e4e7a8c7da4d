"""How a command ends: whatever was raised becomes one line and an exit code."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, TracebackType

from distbench.cli.shown.output import echo, echo_traceback
from distbench.engine.processes.out_of_memory import in_words, ran_out_of_memory
from distbench.errors import DistbenchError, StopSignal, missing_library, reason_of
from distbench.storage.system.disk import disk_trouble

_KEPT = "what was finished is kept, the same command goes on"
_OURS = ("distbench", "distbench_builtin")


def leave(code: object) -> None:
    """Ends the process, also where a plugin left a thread or process that does not end by itself.

    Args:
        code: The exit code, as `SystemExit` holds it.
    """
    number = code if isinstance(code, int) else int(code is not None)
    for child in multiprocessing.active_children():  # Python would wait for them
        child.kill()
    if not any(_is_of_a_plugin(thread) for thread in threading.enumerate()):
        sys.exit(number)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(number)


def _is_of_a_plugin(thread: threading.Thread) -> bool:
    """Whether a thread keeps the process and runs what a plugin gave it."""
    if thread.daemon or thread is threading.main_thread():
        return False
    target = getattr(thread, "_target", None)
    module = str(getattr(target, "__module__", "")) if target else type(thread).__module__
    return _is_plugin(module)


def tell(error: BaseException) -> int:
    """Says on stderr what ended a command.

    A traceback is shown where ``DISTBENCH_TRACEBACK=1``.

    Returns:
        The exit code.
    """
    if isinstance(error, BrokenPipeError) or _of_a_broken_pipe(error):
        return 0
    echo_traceback(error)
    line, code = _ending(error)
    echo(f"distbench: {line}", err=True)
    return code


def _of_a_broken_pipe(error: BaseException) -> bool:
    """Whether the library that prints help ends the process, as it does where nobody reads on."""
    return isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)


def tell_of_threads() -> None:
    """Makes one line of what is raised where nobody waits for it: threads, and clean-ups."""
    threading.excepthook = lambda args: _aside(args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _aside(args.exc_value, args.exc_traceback)


def _aside(error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not isinstance(error, SystemExit):
        echo(f"distbench: beside the work: {_blamed(error, trace)}", err=True)


def _ending(error: BaseException) -> tuple[str, int]:
    if isinstance(error, DistbenchError):
        return str(error), error.exit_code
    if isinstance(error, StopSignal):
        return f"interrupted; {_KEPT}", 128 + error.number
    if isinstance(error, MemoryError):
        return f"out of memory; {_KEPT}", 1
    if isinstance(error, OSError) and error.errno is not None:
        where = ": the output cannot be written; send it elsewhere" if _printing(error) else ""
        return f"{disk_trouble(error)}{where}", 1
    if isinstance(error, ImportError) and ran_out_of_memory(str(error)):
        return in_words(reason_of(error)), 1
    if missing_library(error):
        return reason_of(error), 2
    if isinstance(error, RecursionError):
        return f"something is nested too deeply: {_blamed(error, error.__traceback__)}", 1
    return _blamed(error, error.__traceback__), 1


def _printing(error: OSError) -> bool:
    """Whether the last that was called was a library that prints."""
    *_, last = ("", *(module for *_, module in _codes(error.__traceback__)))
    return last.partition(".")[0] in ("typer", "click", "rich")


def _blamed(error: BaseException, trace: TracebackType | None) -> str:
    """What was raised, and by whose code: the last of a plugin, else distbench's own."""
    codes = list(_codes(trace))
    strangers = [(code, line) for code, line, module in codes if _is_plugin(module)]
    if strangers:
        code, line = strangers[-1]
        place = f"{_shown(code)}, line {line}, in {code.co_name}"
        return f"a plugin failed: {reason_of(error)} ({place})"
    own = [(code, line) for code, line, module in codes if module.startswith(_OURS)]
    place = f"{_shown(own[-1][0])}, line {own[-1][1]}" if own else "nowhere"
    return (
        f"a fault of distbench's own: {reason_of(error)} ({place}). Please report it; "
        "DISTBENCH_TRACEBACK=1 shows how it came to it"
    )


def _codes(trace: TracebackType | None) -> Iterator[tuple[CodeType, int, str]]:
    """Code, line and module of every call, the deepest last."""
    for frame, line in traceback.walk_tb(trace):
        yield frame.f_code, line, str(frame.f_globals.get("__name__", ""))


def _is_plugin(module: str) -> bool:
    from distbench.plugins.discovery import FILE_MODULES

    return module.startswith(FILE_MODULES) or module.partition(".")[0] in _plugin_packages()


@cache
def _plugin_packages() -> frozenset[str]:
    """Packages that hold installed plugins."""
    from distbench.plugins.discovery import entry_points

    return frozenset(entry.module.partition(".")[0] for entry in entry_points()) - set(_OURS)


def _shown(code: CodeType) -> str:
    return Path(code.co_filename).name
