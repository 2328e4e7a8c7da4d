"""A function called in a process of its own, so that nothing of it stays here, not even a crash."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any


def answer_of(function: Callable[..., Any], *arguments: Any, preloaded: Sequence[str] = ()) -> Any:
    """What a function returns, or a sentence about how its process ended without an answer.

    Args:
        function: Of a module; catches what it raises.
        arguments: Can be pickled.
        preloaded: Modules that a server imports once, from which the processes of many calls then
            branch off at once where the system can; pays off from the second call on.
    """
    forks = preloaded and "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:
        context.set_forkserver_preload([*preloaded])
    here, there = context.Pipe(duplex=False)
    process: Any = context.Process(  # type: ignore[attr-defined]
        target=_send, args=(there, function, arguments), daemon=True
    )
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        process.join()
        return f"its process ended with exit code {process.exitcode}"
    finally:
        process.join()


def _send(answer: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interruption is for whoever asks
    answer.send(function(*arguments))
