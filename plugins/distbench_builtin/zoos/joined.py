"""Two zoos as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from distbench import Source, UsageError, Zoo


class JoinedZoo(Zoo):
    """The sources of two zoos, each of which may be joined itself.

    `--zoo A --zoo B` on the command line, and a list ``zoo = ["A", "B"]`` in a file or in Python,
    make one of as many as are named: a model of one's own among published ones. An embedding is
    kept by its source, whatever zoo that is in, and is not made again.
    """

    declines: ClassVar = {
        "made": "it joins zoos of your choice: check it as zoo:joined:one=A,other=B"
    }

    one: Zoo = Field(description="a zoo")
    other: Zoo = Field(description="another")

    def sources(self) -> Sequence[Source]:
        """Those of the one, then those of the other.

        Raises:
            UsageError: Both have a source of one name.
        """
        first, second = [*self.one.sources()], [*self.other.sources()]
        names = {source.info.name for source in first}
        for source in second:
            if source.info.name in names:
                raise UsageError(
                    f"zoos {self.one.label} and {self.other.label} both have a source "
                    f"{source.info.name!r}; give it another name in one of them, or leave one out"
                )
        return [*first, *second]
