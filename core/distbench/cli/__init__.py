"""The command line as a process; its commands are in `distbench.cli.root`.

Signals are heeded before these are imported, which takes long enough for a person to change mind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distbench.cli.process.signals import heed_signals
from distbench.cli.process.streams import open_standard_streams

if TYPE_CHECKING:
    from distbench.cli.root import app

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    if name == "app":
        from distbench.cli.root import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Runs the command line; whatever ends it is one line on stderr and an exit code."""
    open_standard_streams()
    heed_signals()
    try:
        from distbench import cli
        from distbench.cli.process.ending import tell_of_threads
        from distbench.cli.process.environment import steady_width
        from distbench.storage.system.ordinary_files import refuse_what_never_ends

        refuse_what_never_ends()
        tell_of_threads()
        steady_width()
        cli.app()
    except BaseException as error:
        from distbench.cli.process.ending import leave, tell

        leave(error.code if isinstance(error, SystemExit) else tell(error))
