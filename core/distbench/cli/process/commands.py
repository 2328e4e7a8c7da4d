"""What all commands have in common: options count once, and every end is one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from distbench.cli.process.ending import tell
from distbench.storage.paths import at_home
from distbench.storage.safe_text import plain

_USAGE: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
"""What the parser of the command line raises; the class has no public name."""


@contextmanager
def _plainly() -> Iterator[None]:
    """Makes what the parser repeats of a command line plain."""
    try:
        yield
    except _USAGE as error:
        error.message = plain(error.message, keep="\n")
        raise


class Command(TyperCommand):
    """A command that refuses an option given twice where one value alone would count."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses the command line.

        Raises:
            BadParameter: An option that does not repeat is given twice.
        """
        _, _, order = self.make_parser(ctx).parse_args(args=[*args])
        for parameter, times in Counter(order).items():
            repeats = parameter.multiple or parameter.nargs != 1
            if times > 1 and parameter.param_type_name == "option" and not repeats:
                raise typer.BadParameter(
                    f"{parameter.opts[0]} is given {times} times; it takes one value", ctx=ctx
                )
        rest = super().parse_args(ctx, args)
        for name, value in ctx.params.items():
            ctx.params[name] = _at_home(value)
        return rest


def _at_home(value: Any) -> Any:
    """What was given, with ``~`` written out in paths."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_at_home, value))
    return at_home(value) if isinstance(value, Path) else value


class Group(TyperGroup):
    """Commands whose errors are told as `distbench.cli.process.ending` says."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses what stands before the command."""
        with _plainly():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Runs a command.

        Raises:
            Exit: With the exit code of what ended it.
        """
        try:
            with _plainly():
                return super().invoke(ctx)
        except (typer.Exit, typer.Abort, _USAGE):
            raise
        except BaseException as error:
            raise typer.Exit(tell(error)) from None
