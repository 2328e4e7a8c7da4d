"""Models of images and texts in open_clip's format: where they lie, what is known of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from distbench import DistbenchError, UsageError, WeightsError
from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.downloads.weights import HubWeights
from distbench_builtin.shared.models.cost import COUNTED, Cost, measured

if TYPE_CHECKING:
    import torch

CONFIG = "open_clip_config.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
"""Of models whose sentences are split by a tokenizer of the Hub; CLIP's own is in open_clip."""
FOLDER = "local-dir:"
HUB = "hf-hub:"


@dataclass(frozen=True)
class OpenClipModel:
    """A folder that open_clip reads, with its weights on this machine.

    Attributes:
        name: What the source is called.
        file: Its weights.
    """

    name: str
    file: Path

    @property
    def folder(self) -> Path:
        """Where configuration, weights and perhaps a tokenizer lie."""
        return self.file.parent

    @property
    def config(self) -> dict[str, Any]:
        """What `CONFIG` says.

        Raises:
            WeightsError: It cannot be read, or says nothing of an image tower.
        """
        place = self.folder / CONFIG
        try:
            config = from_json(place.read_bytes())
            config["model_cfg"]["vision_cfg"]["image_size"], config["model_cfg"]["embed_dim"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WeightsError(
                f"{place} is no configuration of open_clip with model_cfg, vision_cfg and "
                f"embed_dim ({type(error).__name__}: {error})"
            ) from None
        return dict(config)

    def digest(self) -> str:
        """Digest of the configuration and the tokenizer, on which outputs depend too."""
        total = hashlib.sha256()
        for name in (CONFIG, *TOKENIZER):
            file = self.folder / name
            total.update(name.encode() + (file.read_bytes() if file.is_file() else b"-"))
        return total.hexdigest()

    def load(self) -> Any:
        """The whole model in evaluation mode.

        Raises:
            WeightsError: It cannot be read, or its weights do not fit.
        """
        with _naming(self.folder):
            model = _open_clip().create_model(f"{FOLDER}{self.folder}")
        return model.eval()

    def tokenizer(self) -> Any:
        """From a list of sentences to what the text tower takes.

        Raises:
            WeightsError: Its files are missing, or a library that it takes.
        """
        with _naming(self.folder):
            return _open_clip().get_tokenizer(f"{FOLDER}{self.folder}")

    def cost(self) -> Cost:
        """What the image tower costs; counted once."""
        config = self.config["model_cfg"]
        size = int(config["vision_cfg"]["image_size"])
        key = {"open_clip": self.digest(), "version": _open_clip().__version__, "counted": COUNTED}

        def find() -> dict[str, Any]:
            place = f"{FOLDER}{self.folder}"
            return dict(
                measured(
                    f"the image tower of {self.name}",
                    # What it raises on the meta device has `measured` try again on the CPU.
                    lambda: _open_clip().create_model(place, load_weights=False).visual,
                    _called,
                    size,
                    WeightsError,
                )
            )

        return cast("Cost", remembered("open-clip-size", key, find))


def weights_of(name: str) -> HubWeights:
    """What has to be on this machine of a repository of the Hub."""
    more = TOKENIZER if "siglip" in name.lower() else ()
    return HubWeights(f"weights of {name}", name, WEIGHTS, (CONFIG, *more))


def in_folder(path: str) -> OpenClipModel:
    """A model in a folder of the user's.

    Raises:
        WeightsError: There is none.
    """
    folder = Path(path).expanduser().absolute()
    file = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if file is None or not (folder / CONFIG).is_file():
        raise WeightsError(
            f"{folder} holds no model of open_clip: {CONFIG} and {' or '.join(WEIGHTS)} are wanted"
        )
    return OpenClipModel(folder.name, file)


def _called(tower: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    pooled: torch.Tensor = tower(images)
    return pooled


def _open_clip() -> Any:
    try:
        import open_clip
    except ImportError:
        raise UsageError(
            "models of images and texts are loaded by open_clip; pip install 'distbench[text]'"
        ) from None
    return open_clip


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """Tells in one clause what open_clip raises of a folder."""
    try:
        yield
    except DistbenchError:
        raise
    except Exception as error:  # whatever torch, safetensors and open_clip raise
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(f"open_clip cannot load {folder}: {reason}") from None
