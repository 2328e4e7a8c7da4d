"""Where timm's pretrained weights are, and whether they can be had, found out before training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict, cast
from urllib.error import URLError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from distbench import UsageError, WeightsError
from distbench_builtin._facts import remembered

_TIMEOUT = 10.0
"""Seconds that a server has to say whether it has a file."""


class Card(TypedDict):
    """What timm's registry says of an architecture and its pretrained weights.

    Attributes:
        hub: Repository on the Hugging Face Hub, perhaps with ``@revision``; None without one.
        files: Names that the weights may have there, the preferred one first.
        url: Where else they lie.
        classifier: Names of the classifier's layers.
        num_classes: Outputs of the pretrained classifier.
        input_size: Side of the square input, pixels.
        mean: Of the input channels.
        std: Of the input channels.
    """

    hub: str | None
    files: list[str]
    url: str | None
    classifier: list[str]
    num_classes: int
    input_size: int
    mean: Sequence[float]
    std: Sequence[float]


def card(architecture: str) -> Card:
    """Looks an architecture up; imports timm (and torch) only the first time.

    Raises:
        UsageError: timm does not know it; with what is near.
    """
    key = {"architecture": architecture, "timm": version("timm")}
    return cast("Card", remembered("timm-card", key, lambda: dict(_look_up(architecture))))


def _look_up(architecture: str) -> Card:
    from distbench_builtin._timm import check

    check(architecture, {}, error=UsageError)
    import timm

    cfg = timm.models.get_pretrained_cfg(architecture) or timm.models.PretrainedCfg()
    names = (cfg.classifier,) if isinstance(cfg.classifier, str) else cfg.classifier or ()
    stored = cfg.hf_hub_filename or "pytorch_model.bin"
    safe = stored.replace("pytorch_model", "model").removesuffix(".bin") + ".safetensors"
    return {
        "hub": cfg.hf_hub_id,
        "files": [stored] if stored.endswith(".safetensors") else [safe, stored],
        "url": cfg.url if isinstance(cfg.url, str) and cfg.url else None,
        "classifier": list(names),
        "num_classes": cfg.num_classes,
        "input_size": cfg.input_size[-1],
        "mean": cfg.mean,
        "std": cfg.std,
    }


def identity(architecture: str) -> str:
    """By what the pretrained weights are known; checks that they are here or can be fetched.

    Raises:
        UsageError: timm does not know the architecture.
        WeightsError: They cannot be had; says how to go on.
    """
    found = _with_weights(architecture)
    if _cached(found) is None:
        _locate(architecture, found)
    return f"hub:{found['hub'] or found['url']}"


def fetch(architecture: str) -> Path | None:
    """The file of the pretrained weights, downloaded if need be.

    Returns:
        None where timm must download them itself, since they are not on the Hub.

    Raises:
        WeightsError: They cannot be had; says how to go on.
    """
    found = _with_weights(architecture)
    held = _cached(found)
    name = _locate(architecture, found) if held is None else held.name
    if held is not None or not found["hub"]:
        return held if found["hub"] else None
    from huggingface_hub import hf_hub_download

    repository, _, revision = found["hub"].partition("@")
    try:
        return Path(hf_hub_download(repository, name, revision=revision or None))
    except Exception as error:  # HTTP, network and disk errors of several libraries
        raise _unavailable(architecture, _clause(error)) from None


def _with_weights(architecture: str) -> Card:
    found = card(architecture)
    if not found["hub"] and not found["url"]:
        raise _unavailable(architecture, "timm has none")
    return found


def _unavailable(architecture: str, why: str) -> WeightsError:
    return WeightsError(
        f"the pretrained weights of timm's {architecture!r} cannot be had: {why}. Name a file with "
        "weights=PATH, or start from random weights with pretrained=false"
    )


def _cached(found: Card) -> Path | None:
    """The weights, if they were downloaded before."""
    if found["hub"]:
        from huggingface_hub import try_to_load_from_cache

        repository, _, revision = found["hub"].partition("@")
        for name in found["files"]:
            path = try_to_load_from_cache(repository, name, revision=revision or None)
            if isinstance(path, str):
                return Path(path)
        return None
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    folder = Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser()
    file = folder / "hub" / "checkpoints" / Path(urlparse(found["url"] or "").path).name
    return file if file.is_file() else None


def _locate(architecture: str, found: Card) -> str:
    """Name of the file that a server has; asks without downloading and without retrying.

    Raises:
        WeightsError: None has it, or none can be reached.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    if constants.HF_HUB_OFFLINE:
        raise _unavailable(architecture, "they are in no cache, and HF_HUB_OFFLINE is set")
    if not found["hub"]:
        address = found["url"] or ""
        try:
            with urlopen(Request(address, method="HEAD"), timeout=_TIMEOUT):
                return address
        except (URLError, OSError) as error:
            raise _unavailable(architecture, f"{address}: {_clause(error)}") from None
    repository, _, revision = found["hub"].partition("@")
    for name in found["files"]:
        try:
            get_hf_file_metadata(
                hf_hub_url(repository, name, revision=revision or None), timeout=_TIMEOUT
            )
        except EntryNotFoundError:
            continue
        except Exception as error:  # HTTP and network errors of several libraries
            raise _unavailable(architecture, f"{repository} on the Hub: {_clause(error)}") from None
        return name
    names = " or ".join(found["files"])
    raise _unavailable(architecture, f"{repository} on the Hub has no {names}")


def _clause(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
