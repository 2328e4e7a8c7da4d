"""A zoo on disk: weight files and a manifest that says what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from distbench import Question, Source, SourceInfo, Zoo

if TYPE_CHECKING:
    from pydantic import BaseModel


class LocalZoo(Zoo):
    """Models in a folder, listed in its `zoo.toml`.

    One table ``[[models]]`` each, with ``name``, ``format`` (``timm``, ``torchvision`` or
    ``onnx``), ``file`` and ``num_classes``; ``architecture`` and ``arguments`` (timm,
    torchvision), or ``feature_dim``, ``input_size``, ``mean``, ``std``, ``input`` and ``outputs``
    (onnx). ``input_size``, ``mean``, ``std`` and ``interpolation`` of an architecture are its own
    if not given. What else `SourceInfo` holds may be given; ``sha256``, if given, is what the file
    must have (with ``weights_sha256`` of the files that an ONNX graph keeps weights in), and size
    and cost are counted if not given.
    """

    declines: ClassVar = {"made": "it reads models of yours: check it as zoo:local:path=DIR"}

    path: Path = Field(description="the folder, or its manifest")

    @classmethod
    def file_form(cls) -> type[BaseModel]:  # noqa: D102
        from distbench_builtin.shared.sources.zoo_manifest import ManifestFile

        return ManifestFile

    def sources(self) -> Sequence[Source]:  # noqa: D102
        from distbench_builtin.shared.sources.manifest_sources import manifest_sources

        return manifest_sources(self.path)

    def pack(self, names: Sequence[str]) -> Mapping[str, Path | bytes]:  # noqa: D102
        from distbench_builtin.shared.sources.zoo_packing import packed

        return packed(self.path, names)

    def questions(self, file: Path, facts: Mapping[str, Any]) -> Sequence[Question]:  # noqa: D102
        from distbench_builtin.shared.zoo_adding import add

        return add.questions(file, facts)

    def add(  # noqa: D102
        self, file: Path, facts: Mapping[str, Any], check: Callable[[Source], None]
    ) -> SourceInfo:
        from distbench_builtin.shared.zoo_adding import add

        def drafted(manifest: Path) -> Source:
            return LocalZoo(path=manifest).sources()[0]

        return add.add(self.path, file, facts, check, drafted)
