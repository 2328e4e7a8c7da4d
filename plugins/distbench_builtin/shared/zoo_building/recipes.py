"""Zoos that can be trained by name: the same tables as a recipe file holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
        {
            "use": "paper-nabirds",
            "name": "nabirds",
            "domain": "birds",
            "licence": "Cornell Lab of Ornithology: research only, not to be passed on",
        },
        {
            "use": "paper-oxford_pets",
            "name": "oxford_pets",
            "domain": "pets",
            "licence": "CC-BY-SA-4.0",
        },
        {
            "use": "paper-cub200",
            "name": "cub200",
            "domain": "birds",
            "licence": "non-commercial research and education",
        },
        {
            "use": "torchvision:Caltech101:share=0.3",
            "name": "caltech101",
            "domain": "objects",
            "licence": "CC-BY-4.0",
        },
        {
            "use": "paper-stanford_dogs",
            "name": "stanford_dogs",
            "domain": "dogs",
            "licence": "images of ImageNet: non-commercial research",
        },
        {
            "use": "voc2007",
            "name": "voc2007",
            "domain": "scenes",
            "licence": "images of Flickr, under its terms",
        },
        {"use": "paper-cifar10", "name": "cifar10", "domain": "objects", "licence": "none stated"},
    ],
}
"""The 28 source models of Bolya et al., NeurIPS 2021, from ImageNet weights.

Theirs are the models, the data, the input size, the 2,501 training images of VOC2007 and the share
of Caltech-101 for testing. How they trained is not published: epochs, rates and views are ours."""

RECIPES: Mapping[str, Mapping[str, Any]] = {"parc28": _PARC28}
