"""The sources of a zoo as the engine sees them: whatever one raises is told by zoo and source."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from distbench.errors import PluginError
from distbench.interfaces.calls import instance, naming
from distbench.interfaces.zoo import Forward, Source, SourceInfo, TextHead, Zoo

if TYPE_CHECKING:
    import torch


class ZooSource(Source):
    """A source that is asked in the name of its zoo.

    Args:
        zoo: Name of the zoo.
        source: The source as the zoo gives it.

    Raises:
        PluginError: It says nothing of itself.
    """

    def __init__(self, zoo: str, source: Source) -> None:
        with naming(zoo, "info of a source"):
            self.info = instance(zoo, "info of a source", source.info, SourceInfo)
        self._zoo, self._source = zoo, source

    def _doing(self, what: str) -> str:
        return f"{what} of source {self.info.name!r}"

    def verify(self) -> None:
        """As of the source."""
        with naming(self._zoo, self._doing("verify")):
            self._source.verify()

    def open(self, device: torch.device) -> Forward:
        """As of the source."""
        with naming(self._zoo, self._doing("open")):
            forward: Any = self._source.open(device)
        if not callable(forward):
            given = f"gave {reprlib.repr(forward)} and no function of images"
            raise PluginError(self._zoo, f"{self._doing('open')}: {given}")

        def named(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            with naming(self._zoo, self._doing("outputs")):
                return forward(images)  # type: ignore[no-any-return]

        return named

    def module(self) -> torch.nn.Module | None:
        """As of the source."""
        with naming(self._zoo, self._doing("module")):
            return self._source.module()

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """As of the source."""
        with naming(self._zoo, self._doing("export")):
            return self._source.export(backbone, head, classes)

    def text_head(self, texts: Sequence[str]) -> TextHead:
        """As of the source, of the width of its features and finite."""
        what = self._doing("text_head")
        with naming(self._zoo, what):
            head = instance(self._zoo, what, self._source.text_head([*texts]), TextHead)
            rows = np.asarray(head.texts)
        wanted = (len(texts), self.info.feature_dim)
        if rows.shape != wanted or not np.isfinite(rows).all():
            raise PluginError(
                self._zoo,
                f"{what} gave {rows.shape} of {len(texts)} sentences; it gives finite numbers "
                f"{wanted}",
            )
        return head


def sources_of(zoo: Zoo) -> dict[str, Source]:
    """The sources of a zoo by name, generalists too.

    Raises:
        PluginError: The zoo raises, gives what are no sources, or two of one name.
    """
    with naming(zoo.name, "sources"):
        given = [*zoo.sources()]
    kind: type[Any] = Source  # abstract
    sources: dict[str, Source] = {}
    for one in given:
        source = ZooSource(zoo.name, instance(zoo.name, "sources", one, kind))
        if source.info.name in sources:
            raise PluginError(zoo.name, f"sources: two sources are called {source.info.name!r}")
        sources[source.info.name] = source
    return sources
