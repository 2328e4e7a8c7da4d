"""Which data a model has learnt from, read off the names that its makers gave it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class PretrainingData(NamedTuple):
    """A data set that models are trained on.

    Attributes:
        name: As tasks and the table of overlaps call it.
        domain: What it shows.
        captions: Whether it pairs images with texts, so that its models have no classes.
        labels: Whether its models have learnt labels of its images, or only the images.
    """

    name: str
    domain: str = "general"
    captions: bool = False
    labels: bool = True


_KNOWN = {
    # ImageNet and its relatives. 12k: those of the 21,841 classes with many images (timm's own).
    "in1k": PretrainingData("imagenet-1k"),
    "in12k": PretrainingData("imagenet-12k"),
    "in21k": PretrainingData("imagenet-21k"),
    "in22k": PretrainingData("imagenet-22k"),
    "inw21k": PretrainingData("imagenet-21k-winter"),
    "ssld": PretrainingData("imagenet-22k"),  # distilled on images that were chosen from it
    "bamboo": PretrainingData("bamboo"),
    # Without labels, by the names of the methods, which were all run on ImageNet-1k in timm.
    "dino": PretrainingData("imagenet-1k", labels=False),
    "mae": PretrainingData("imagenet-1k", labels=False),
    "fcmae": PretrainingData("imagenet-1k", labels=False),
    "lvd142m": PretrainingData("lvd-142m", labels=False),
    "lvd1689m": PretrainingData("lvd-1689m", labels=False),
    "sat493m": PretrainingData("sat-493m", "satellite", labels=False),
    "sa1b": PretrainingData("sa-1b"),
    "m30m": PretrainingData("merged-30m", labels=False),
    "m38m": PretrainingData("merged-38m", labels=False),
    "seer": PretrainingData("instagram-1b", labels=False),
    # Weak labels of the web.
    "ig1b": PretrainingData("instagram-1b"),
    "swag": PretrainingData("instagram-3.6b"),
    "jft": PretrainingData("jft-300m"),
    "yfcc100m": PretrainingData("yfcc-100m"),
    # Images with captions.
    "openai": PretrainingData("wit-400m", captions=True),
    "laion400m": PretrainingData("laion-400m", captions=True),
    "laion2b": PretrainingData("laion-2b", captions=True),
    "laiona": PretrainingData("laion-aesthetic", captions=True),
    "merged2b": PretrainingData("merged-2b", captions=True),
    "datacomp1b": PretrainingData("datacomp-1b", captions=True),
    "datacompxl": PretrainingData("datacomp-xl", captions=True),
    "dfn2b": PretrainingData("dfn-2b", captions=True),
    "dfn5b": PretrainingData("dfn-5b", captions=True),
    "dfndr2b": PretrainingData("dfndr-2b", captions=True),
    "mclip": PretrainingData("datacompdr-1b", captions=True),
    "metaclip": PretrainingData("metaclip", captions=True),
    "metaclip2": PretrainingData("metaclip-worldwide", captions=True),
    "webli": PretrainingData("webli", captions=True),
    "yfcc15m": PretrainingData("yfcc-15m", captions=True),
    "cc12m": PretrainingData("cc-12m", captions=True),
    # What models of the Hub were fine-tuned on.
    "inat21": PretrainingData("inat21", "organisms"),
    "df20": PretrainingData("danish-fungi-2020", "fungi"),
    "df20m": PretrainingData("danish-fungi-2020", "fungi"),
    "df24": PretrainingData("danish-fungi-2024", "fungi"),
    "cifar10": PretrainingData("cifar10", "objects"),
    "cifar100": PretrainingData("cifar100", "objects"),
    "caltech101": PretrainingData("caltech101", "objects"),
    "cub200": PretrainingData("cub200", "birds"),
    "nabirds": PretrainingData("nabirds", "birds"),
    "oxford_pet": PretrainingData("oxford_pets", "pets"),
    "oxford_pets": PretrainingData("oxford_pets", "pets"),
    "oxford_iiit_pet": PretrainingData("oxford_pets", "pets"),
    "stanford_dogs": PretrainingData("stanford_dogs", "dogs"),
    "stanford_cars": PretrainingData("stanford_cars", "cars"),
    "fgvc_aircraft": PretrainingData("fgvc_aircraft", "aircraft"),
    "flowers102": PretrainingData("flowers102", "flowers"),
    "food101": PretrainingData("food101", "food"),
    "eurosat": PretrainingData("eurosat", "satellite"),
    "cxr": PretrainingData("chestx-ray14", "chest x-ray"),
    "chexpert": PretrainingData("chexpert", "chest x-ray"),
    "covidx": PretrainingData("covidx", "chest x-ray"),
    "kather100k": PretrainingData("kather100k", "histology"),
    "isic19": PretrainingData("isic2019", "skin"),
    "ham10000": PretrainingData("ham10000", "skin"),
}
"""By the word that stands for it in timm's tags and in names of repositories."""

_LONGEST_FIRST = sorted(_KNOWN, key=len, reverse=True)
_WORD = re.compile(rf"(?<![a-z0-9])({'|'.join(_LONGEST_FIRST)})(?![a-z0-9])")


def data_in(name: str) -> list[PretrainingData]:
    """The data sets that a tag or a name speaks of, in its order: what came last comes last."""
    text = re.sub(r"[^a-z0-9]+", "_", name.lower())
    return list(dict.fromkeys(_KNOWN[word] for word in _WORD.findall(text)))


def names_of(learnt: Sequence[PretrainingData]) -> tuple[str, ...]:
    """Their names, each once."""
    return tuple(dict.fromkeys(data.name for data in learnt))


def without_labels(learnt: Sequence[PretrainingData]) -> tuple[str, ...]:
    """Names of those whose labels a model has not learnt, on its way through all of them."""
    labelled = {data.name for data in learnt if data.labels}
    return tuple(name for name in names_of(learnt) if name not in labelled)


def unknown_data(name: str) -> PretrainingData:
    """What stands for the data of a model whose name does not tell."""
    return PretrainingData(f"unknown:{name}", "unknown")
