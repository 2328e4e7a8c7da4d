"""A function called in a process of its own, so that nothing of it stays here, not even a crash."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

from distbench.engine.processes.parent_death import die_with_parent


def answer_of(function: Callable[..., Any], *arguments: Any, preloaded: Sequence[str] = ()) -> Any:
    """What a function returns, or a sentence about how its process ended without an answer.

    The process is ended where whoever waits for it is interrupted.

    Args:
        function: Of a module; catches what it raises.
        arguments: Can be pickled.
        preloaded: Modules that a server imports once, from which the processes of many calls then
            branch off at once where the system can; pays off from the second call on.
    """
    return answers_of(1, function, *arguments, preloaded=preloaded)[0]


def answers_of(
    count: int, function: Callable[..., Any], *arguments: Any, preloaded: Sequence[str] = ()
) -> list[Any]:
    """The same of so many processes that are called at once, each with all of the arguments."""
    forks = preloaded and "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:
        context.set_forkserver_preload([*preloaded])
    begun: list[tuple[Any, Connection]] = []
    try:
        for _ in range(count):
            here, there = context.Pipe(duplex=False)
            process: Any = context.Process(  # type: ignore[attr-defined]
                target=_send, args=(there, function, arguments), daemon=True
            )
            with _deaf_to_interruptions(), _without_the_script():
                process.start()
            begun.append((process, here))
            there.close()
        return [_answer(process, here) for process, here in begun]
    except BaseException:
        for process, _ in begun:
            process.kill()
        raise
    finally:
        for process, _ in begun:
            process.join()


def _answer(process: Any, here: Connection) -> Any:
    try:
        return here.recv()
    except EOFError:
        process.join()
        return f"its process ended with exit code {process.exitcode}"


@contextmanager
def _deaf_to_interruptions() -> Iterator[None]:
    """What starts here hears no ``SIGINT``, from before it could say so itself.

    A terminal sends one to all; it is for whoever asks, whose other threads hear it meanwhile.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would lift the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_the_script() -> Iterator[None]:
    """What starts here does not run the script again that was started.

    Python would, to find in it what it defines. It would begin its run anew, and wait for what this
    process holds while this one waits for it; nothing of ours is defined there.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _send(answer: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    asking = multiprocessing.parent_process()
    if asking is not None and not asking.is_alive():  # it ended while this process was starting
        os._exit(0)
    with suppress(BrokenPipeError):  # nobody waits any more
        answer.send(function(*arguments))
