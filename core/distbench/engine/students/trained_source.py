"""A source that was trained on a task itself, where a student is exported otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from distbench.errors import UsageError
from distbench.interfaces.zoo import Source

_MODULE = "module."
"""What `distbench.engine.training.teacher.SourceBackbone` puts before the names of its tensors."""


class Exportable(Protocol):
    """What is exported: a student, or a source in its place."""

    @property
    def name(self) -> str:
        """By which it is called in messages."""

    def typed(self, *, whole_paths: bool = True) -> str:
        """As a person names it."""

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """As of `distbench.Student`."""

    def backbone_recipe(self) -> dict[str, Any]:
        """As of `distbench.Student`."""


class TrainedSource:
    """A source under a new classifier, exported as a student is.

    Args:
        source: The source.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def name(self) -> str:
        """Of the source."""
        return self._source.info.name

    def typed(self, *, whole_paths: bool = True) -> str:
        """Of the source."""
        return self.name

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """As the source says."""
        plain = {name.removeprefix(_MODULE): tensor for name, tensor in backbone.items()}
        return self._source.export(plain, head, classes)

    def backbone_recipe(self) -> dict[str, Any]:
        """None: methods that train a source have a linear classifier.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"source {self.name!r} under a head of its own: use --to onnx")
