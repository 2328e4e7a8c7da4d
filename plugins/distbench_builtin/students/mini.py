"""The student of suite `mini`: three convolutions, initialised from a generalist of its zoo."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from distbench import Student, WeightsError

if TYPE_CHECKING:
    from distbench_builtin.shared.mini.nets import Net
    from distbench_builtin.shared.mini.zoo_files import MiniSource

_ARCHITECTURE = "stu"
_INITIAL = "general-stu"
_HOW_TO_LOAD = """\
from architecture import build
from safetensors.torch import load_file
model = build({architecture!r}, {classes})
model.load_state_dict(load_file(PATH))
model.eval()  # takes (b, 3, h, w) in 0..1, less mean, divided by std
"""
_BACKBONE = """\
from architecture import build
backbone = build({architecture!r}, 0)
backbone.load_state_dict(tensors)
"""


class MiniStudent(Student):
    """A network of 50k weights for 32x32 images, trained before on a mixture of drawn things."""

    weights: Path | None = Field(
        None, description="safetensors file to start from instead of the packaged one"
    )
    pretrained: bool = Field(True, description="false starts every method from random weights")

    def fingerprint(self) -> str:
        """SHA-256 of the initial weights, or ``random``.

        Raises:
            WeightsError: The file is missing, or the packaged one is not what was shipped.
        """
        if not self.pretrained:
            return "random"
        path = self._file()
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise WeightsError(
                f"cannot read the student's weights {path}: {error.strerror}. Name a file with "
                "mini:weights=FILE, or go without with mini:pretrained=false."
            ) from None

    def trained_on(self) -> Sequence[str]:
        """What the packaged weights have learnt from."""
        packaged = self.pretrained and self.weights is None
        return self._packaged().info.trained_on if packaged else ()

    def backbone(self, *, pretrained: bool) -> Net:
        """The network up to its pooled features: (b, 3, s, s) to (b, 96).

        Raises:
            WeightsError: The weights are missing or do not fit.
        """
        from distbench_builtin.shared.mini.nets import build
        from distbench_builtin.shared.mini.zoo_files import load_weights

        net = build(_ARCHITECTURE, 0)
        if pretrained and self.pretrained:
            load_weights(net, self._file())
        return net

    def normalisation(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Mean and standard deviation of the input channels, those of the zoo."""
        from distbench_builtin.shared.mini.zoo_files import MEAN, STD

        return MEAN, STD

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """State dict of one `distbench_builtin.shared.mini.nets.Net`, and how to make that."""
        from distbench_builtin.shared.mini import nets

        mean, std = self.normalisation()
        tensors = {**backbone, **{f"classifier.{k}": v for k, v in head.items()}}
        recipe = {
            "format": "torch",
            "student": self.typed(whole_paths=False),
            "module": "distbench_builtin.shared.mini.nets",
            "call": "build",
            "arguments": {"architecture": _ARCHITECTURE, "num_classes": len(classes)},
            "input": {"channels": "RGB", "range": [0, 1], "mean": list(mean), "std": list(std)},
            "outputs": "logits",
            "classes": list(classes),
            "how_to_load": _HOW_TO_LOAD.format(architecture=_ARCHITECTURE, classes=len(classes)),
            "files": {"architecture.py": Path(nets.__file__).read_text(encoding="utf-8")},
        }
        return tensors, recipe

    def backbone_recipe(self) -> dict[str, Any]:
        """How to make a `distbench_builtin.shared.mini.nets.Net` without classes."""
        from distbench_builtin.shared.mini import nets

        return {
            "format": "torch",
            "student": self.typed(whole_paths=False),
            "how_to_load": _BACKBONE.format(architecture=_ARCHITECTURE),
            "files": {"architecture.py": Path(nets.__file__).read_text(encoding="utf-8")},
        }

    def _file(self) -> Path:
        """The weights to start from; the packaged ones are checked."""
        if self.weights is not None:
            return self.weights
        source = self._packaged()
        source.verify()
        return source.path

    @staticmethod
    def _packaged() -> MiniSource:
        from distbench_builtin.zoos.mini import MiniZoo

        return next(s for s in MiniZoo().sources() if s.info.name == _INITIAL)
