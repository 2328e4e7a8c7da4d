"""The zoo of suite `mini`: small networks that ship with distbench, and can be built anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from distbench import Zoo
from distbench_builtin.shared.mini.zoo_files import PACKAGED, MiniManifest, MiniSource


class MiniZoo(Zoo):
    """Seven domains by four small architectures, and two generalists, for 32x32 images.

    Trained on drawn images (`distbench_builtin.shared.mini.drawing`) with one recipe for all;
    shares visual factors with the tasks of suite `mini`, but no class and no image.
    """

    path: Path | None = Field(None, description="folder of another build of this zoo")

    def sources(self) -> Sequence[MiniSource]:
        """All sources in the order of the manifest; reads no weights.

        Raises:
            WeightsError: The manifest is missing or not readable.
        """
        folder = self.path or PACKAGED
        return [MiniSource(folder, entry) for entry in MiniManifest.read(folder).sources]

    def build(
        self, output: Path, report: Callable[[str], None], **options: Any
    ) -> Sequence[Mapping[str, Any]]:
        """Trains the zoo anew by its own recipe; takes some minutes.

        Args:
            output: Folder to write; an older zoo in it is replaced once all is done.
            report: Is told one line for each finished source.
            options: Change nothing.

        Raises:
            UsageError: The folder holds something else than a zoo.
        """
        from distbench import usable_cores
        from distbench_builtin.shared.mini.zoo_build import build_zoo

        return [
            {
                "name": entry.name,
                "figure": "accuracy",
                "value": entry.accuracy,
                "test_images": entry.training["test_images"],
            }
            for entry in build_zoo(output, workers=usable_cores(), report=report)
        ]
