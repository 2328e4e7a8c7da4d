"""What timm knows of pretrained models; remembered, so that timm itself stays out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

from pydantic_core import from_json

from distbench import WeightsError
from distbench_builtin.shared.caching.facts import remembered

CONFIG = "config.json"
WEIGHTS = (
    "model.safetensors",
    "pytorch_model.bin",
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""Names that weights have on the Hub, the preferred one first."""


class Card(TypedDict):
    """What is known of a pretrained model.

    Attributes:
        name: With the tag of its weights.
        architecture: Name in timm's registry, without a tag.
        tag: Of the weights: recipe and data.
        hub: Repository on the Hugging Face Hub, perhaps with ``@revision``; None without one.
        files: Names that the weights may have there, the preferred one first.
        url: Where else they lie.
        classifier: Names of the classifier's layers.
        num_classes: Outputs of the pretrained classifier.
        input_size: Side of the square input, pixels.
        fixed_size: Whether another side is an argument ``img_size`` of the architecture.
        mean: Of the input channels.
        std: Of the input channels.
        interpolation: How its images are resized.
        crop: Share of a square image's side that its test images showed.
        licence: Of the weights.
        model_args: What a folder's configuration gives the architecture.
    """

    name: str
    architecture: str
    tag: str
    hub: str | None
    files: list[str]
    url: str | None
    classifier: list[str]
    num_classes: int
    input_size: int
    fixed_size: bool
    mean: Sequence[float]
    std: Sequence[float]
    interpolation: Literal["bilinear", "bicubic"]
    crop: float
    licence: str
    model_args: dict[str, Any]


def card(architecture: str) -> Card:
    """Looks an architecture up; imports timm (and torch) only the first time.

    Raises:
        UsageError: timm does not know it; with what is near.
    """
    key = {"architecture": architecture, "timm": version("timm"), "form": 4}
    return cast("Card", remembered("timm-card", key, lambda: _look_up(architecture)))


def pretrained_names() -> list[str]:
    """All names of the registry that have weights, with their tags."""

    def find() -> dict[str, Any]:
        import timm

        return {"names": timm.list_pretrained()}

    return list(remembered("timm-names", {"timm": version("timm")}, find)["names"])


def folder_card(folder: Path) -> Card:
    """Reads what the configuration in a folder says, as timm resolves it.

    Raises:
        WeightsError: There is none, or timm makes no model of it.
    """
    key = {"config": config_digest(folder), "timm": version("timm"), "form": 3}
    return cast("Card", remembered("timm-folder", key, lambda: _read(folder)))


def config_digest(folder: Path) -> str:
    """SHA-256 of the configuration in a folder.

    Raises:
        WeightsError: There is none.
    """
    try:
        return hashlib.sha256((folder / CONFIG).read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(
            f"no model of timm in {folder}: cannot read {CONFIG} ({error.strerror}); "
            "timm.models.save_for_hf writes such folders"
        ) from None


def weights_in(folder: Path) -> Path | None:
    """The file of weights in a folder, by the names of the Hub, else the only one of its kind."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    for suffix in (".safetensors", ".pth", ".bin"):
        files = sorted(folder.glob(f"*{suffix}"))
        if files:
            return files[0] if len(files) == 1 else None
    return None


def _look_up(architecture: str) -> dict[str, Any]:
    from distbench_builtin.shared.models.timm_create import check

    check(architecture, {})
    import timm

    cfg = timm.models.get_pretrained_cfg(architecture) or timm.models.PretrainedCfg()
    base = architecture.partition(".")[0]
    stored = cfg.hf_hub_filename or WEIGHTS[1]
    safe = stored.replace("pytorch_model", "model").removesuffix(".bin") + ".safetensors"
    return {
        "name": f"{base}.{cfg.tag}" if cfg.tag and (cfg.hf_hub_id or cfg.url) else base,
        "hub": cfg.hf_hub_id,
        "files": [stored] if stored.endswith(".safetensors") else [safe, stored],
        "url": cfg.url if isinstance(cfg.url, str) and cfg.url else None,
        "model_args": {},
        **_facts(base, vars(cfg)),
    }


def _read(folder: Path) -> dict[str, Any]:
    import timm
    import torch
    from timm import data

    from distbench_builtin.shared.models.timm_create import FOLDER

    try:
        with torch.device("meta"):
            model: Any = timm.create_model(f"{FOLDER}{folder}")
        config = from_json((folder / CONFIG).read_bytes())
        resolved: Any = data.resolve_model_data_config(model)  # type: ignore[attr-defined,no-untyped-call]
        cfg = {**model.pretrained_cfg, **resolved}
    except Exception as error:  # a configuration may be wrong in every way there is
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise WeightsError(f"timm makes no model of {folder / CONFIG}: {reason}") from None
    base, _, tag = str(config["architecture"]).partition(".")
    cfg = {"tag": tag, **cfg, "num_classes": model.num_classes}
    return {
        "name": f"{base}.{cfg['tag']}" if cfg["tag"] else base,
        "hub": None,
        "files": [],
        "url": None,
        "model_args": config.get("model_args") or {},
        **_facts(base, cfg),
    }


def _facts(architecture: str, cfg: Mapping[str, Any]) -> dict[str, Any]:
    """What registry and configuration have in common."""
    layers = cfg.get("classifier")
    size = cfg.get("input_size") or (3, 224, 224)
    return {
        "architecture": architecture,
        "tag": cfg.get("tag") or "",
        "classifier": [layers] if isinstance(layers, str) else list(layers or ()),
        "num_classes": cfg.get("num_classes", 1000),
        "input_size": max(size[1:]),
        "fixed_size": bool(cfg.get("fixed_input_size")),
        "mean": list(cfg.get("mean") or (0.485, 0.456, 0.406)),
        "std": list(cfg.get("std") or (0.229, 0.224, 0.225)),
        "interpolation": "bicubic" if cfg.get("interpolation") == "bicubic" else "bilinear",
        "crop": cfg.get("crop_pct") or 1.0 if cfg.get("crop_mode") in (None, "center") else 1.0,
        "licence": cfg.get("license") or "unknown",
    }
