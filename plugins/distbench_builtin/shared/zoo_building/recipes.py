"""Zoos that can be trained by name: the same tables as a recipe file holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PARC_DATA = [
    (
        "paper-nabirds",
        "nabirds",
        "birds",
        "Cornell Lab of Ornithology: research only, not to be passed on",
    ),
    ("paper-oxford_pets", "oxford_pets", "pets", "CC-BY-SA-4.0"),
    ("paper-cub200", "cub200", "birds", "non-commercial research and education"),
    ("torchvision:Caltech101:share=0.3", "caltech101", "objects", "CC-BY-4.0"),
    ("paper-stanford_dogs", "stanford_dogs", "dogs", "images of ImageNet: non-commercial research"),
    ("voc2007", "voc2007", "scenes", "images of Flickr, under its terms"),
    ("paper-cifar10", "cifar10", "objects", "none stated"),
]
_PARC28: dict[str, Any] = {
    "architecture": [f"torchvision:{n}" for n in ("resnet50", "resnet18", "googlenet", "alexnet")],
    "init": "imagenet:IMAGENET1K_V1",
    "epochs": 30,
    "image_size": 224,
    "batch": 64,
    "lr": 0.01,
    "weight_decay": 1e-4,
    "augment": "crop",
    "data": [
        dict(zip(("use", "name", "domain", "licence"), row, strict=True)) for row in _PARC_DATA
    ],
}
"""The 28 source models of Bolya et al., NeurIPS 2021, from ImageNet weights.

Theirs are the models, the data, the input size, the 2,501 training images of VOC2007 and the share
of Caltech-101 for testing. How they trained is not published: epochs, rates and views are ours."""

RECIPES: Mapping[str, Mapping[str, Any]] = {"parc28": _PARC28}
