"""A function called in a process of its own, so that nothing of it stays here, not even a crash."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_PRELOADED = ["distbench.interfaces.classifier", "timm", "torchvision"]


def answer_of(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, or a sentence about how its process ended without an answer.

    Where the system can, processes branch off a server that has imported torch, at once.

    Args:
        function: Of a module; catches what it raises.
        arguments: Can be pickled.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(_PRELOADED)
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
    answer.send(function(*arguments))
