"""The component that is checked: how it is made, where it comes from, and a place to work in."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from distbench.errors import DistbenchError
from distbench.interfaces.component import Component
from distbench.plugins.discovery import Offer
from distbench.plugins.registry import Registry, registry
from distbench.testing.faults import NotChecked

MINIATURE = Path(__file__).with_name("miniature.py")
SUITE = MINIATURE.with_suffix(".toml")


def miniature_options(**changes: Any) -> dict[str, Any]:
    """Options of `distbench.run` for a run of a second: the miniature's task, zoo and student.

    Args:
        changes: What to run on it, for example ``baseline="finetune"``; no method is run that is
            not named. ``plugin`` files are added to the miniature's own.
    """
    files = tuple(changes.pop("plugin", ()))
    return {
        "suite": str(SUITE),
        "plugin": (*files, MINIATURE),
        "distiller": "none",
        "baseline": "none",
        "executor": "serial",
        "device": "cpu",
        "name": "miniature",
        "save_student": False,
        **changes,
    }


@dataclass(frozen=True)
class Subject:
    """One component of one plugin.

    Attributes:
        kind: Its kind.
        spec: What it is made from, e.g. ``weighted:power=3``.
        offer: Who offers it.
        files: The plugin file that it comes from, if it does.
        own_folder: Whether relative paths in it start from the checks' own folder, not from the
            working folder.
    """

    kind: str
    spec: str
    offer: Offer
    files: tuple[Path, ...] = ()
    own_folder: bool = False

    @property
    def name(self) -> str:
        """The name it is offered under."""
        return self.offer.name

    @cached_property
    def names(self) -> Registry:
        """Everything that is offered, the miniature too."""
        return registry(self.plugin_files)

    @property
    def plugin_files(self) -> tuple[Path, ...]:
        """The plugin files of a run with it."""
        return (*self.files, MINIATURE)

    @cached_property
    def cls(self) -> type[Component]:
        """Its class.

        Raises:
            PluginError: It cannot be imported, or is no component of its kind.
        """
        return self.names.load(self.kind, self.name)

    def make(self, spec: str | None = None) -> Any:
        """The component anew.

        Raises:
            NotChecked: It cannot be made from its specification; check ``made`` tells.
        """
        try:
            return self.make_or_raise(spec)
        except DistbenchError:
            why = self.cls.declines.get("made", "see check `made`")
            raise NotChecked(f"{spec or self.spec!r} makes none: {why}") from None

    def make_or_raise(self, spec: str | None = None) -> Any:
        """The component anew, once it can say what it needs.

        Raises:
            DistbenchError: It cannot be made from its specification.
        """
        base = Path(_folder().name) if self.own_folder else None
        component = self.names.make(self.kind, spec or self.spec, base=base)
        component.downloads()
        return component

    def make_with_data(self) -> Any:
        """The component anew, where what it needs from the network is at hand.

        Raises:
            NotChecked: Something has to be fetched first, or it cannot be made.
        """
        component = self.make()
        missing = [need for need in component.downloads() if not need.present()]
        if missing:
            what = f"{len(missing)} downloads are" if len(missing) > 1 else "a download is"
            raise NotChecked(f"{what} not on this machine (`distbench fetch` gets them)")
        return component


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """One folder for all checks of a process: libraries remember files that they have opened."""
    return tempfile.TemporaryDirectory(prefix="distbench-check-")


@contextlib.contextmanager
def workplace(*, own_home: bool = True) -> Iterator[Path]:
    """A folder to run in, with an empty one below it as ``$DISTBENCH_HOME``.

    Args:
        own_home: False to keep the person's, for a component whose data lie there.
    """
    before = os.environ.get("DISTBENCH_HOME")
    working = Path(_folder().name)
    with tempfile.TemporaryDirectory(dir=working) as folder:
        if own_home:
            os.environ["DISTBENCH_HOME"] = str(Path(folder) / "home")
        try:
            with contextlib.chdir(working):
                yield Path(folder)
        finally:
            if before is None:
                os.environ.pop("DISTBENCH_HOME", None)
            else:
                os.environ["DISTBENCH_HOME"] = before
