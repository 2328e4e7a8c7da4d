"""The embedded suite."""

from __future__ import annotations

from pathlib import Path

from distbench import Suite, SuiteDefinition


class Mini(Suite):
    """Eight small generated tasks, 28 sources of 7 domains, a student of 58,000 parameters.

    Made to be tried on a laptop; nothing is downloaded. See docs/mini.md.
    """

    def definition(self) -> SuiteDefinition:
        """The suite as ``mini.toml`` beside this module holds it."""
        return SuiteDefinition.from_toml(Path(__file__).with_suffix(".toml"))
