"""Hand-made caches in the formats of the Hub's client, of timm's folders and of PyTorch."""

from __future__ import annotations

import hashlib
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def snapshot(hub: Path, repository: str, commit: str = COMMIT, branch: str = "main") -> Path:
    """The folder of a repository's files, as after a download of one branch."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / branch).write_text(commit)
    files = folder / "snapshots" / commit
    files.mkdir(parents=True, exist_ok=True)
    return files


def registry_model(hub: Path, name: str, file: str = "model.safetensors", **arguments):
    """A model of timm's registry with random weights, and its file in the Hub's cache."""
    torch.manual_seed(0)
    model = timm.create_model(name, **arguments).eval()
    folder = snapshot(hub, f"timm/{name}")
    if file.endswith(".safetensors"):
        save_file(model.state_dict(), folder / file)
    else:
        torch.save(model.state_dict(), folder / file)
    return model, folder / file


def saved(folder: Path, name: str, classes: int, **config):
    """A folder as timm writes it for the Hub, of a model with random weights."""
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=classes).eval()
    timm.models.save_for_hf(model, folder, model_config=config or None, safe_serialization=True)
    return model


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
