"""Which data a model has learnt from, read off the names that its makers gave it."""

from __future__ import annotations

import re
from typing import NamedTuple


class Data(NamedTuple):
    """A data set that models are trained on.

    Attributes:
        name: As tasks and the table of overlaps call it.
        domain: What it shows.
        captions: Whether it pairs images with texts, so that its models have no classes.
    """

    name: str
    domain: str = "general"
    captions: bool = False


_KNOWN = {
    # ImageNet and its relatives. 12k: those of the 21,841 classes with many images (timm's own).
    "in1k": Data("imagenet-1k"),
    "in12k": Data("imagenet-12k"),
    "in21k": Data("imagenet-21k"),
    "in22k": Data("imagenet-22k"),
    "inw21k": Data("imagenet-21k-winter"),
    "ssld": Data("imagenet-22k"),  # distilled on images that were chosen from it
    "bamboo": Data("bamboo"),
    # Without labels, by the names of the methods, which were all run on ImageNet-1k in timm.
    "dino": Data("imagenet-1k"),
    "mae": Data("imagenet-1k"),
    "fcmae": Data("imagenet-1k"),
    "lvd142m": Data("lvd-142m"),
    "lvd1689m": Data("lvd-1689m"),
    "sat493m": Data("sat-493m", "satellite"),
    "sa1b": Data("sa-1b"),
    "m30m": Data("merged-30m"),
    "m38m": Data("merged-38m"),
    "seer": Data("instagram-1b"),
    # Weak labels of the web.
    "ig1b": Data("instagram-1b"),
    "swag": Data("instagram-3.6b"),
    "jft": Data("jft-300m"),
    "yfcc100m": Data("yfcc-100m"),
    # Images with captions.
    "openai": Data("wit-400m", captions=True),
    "laion400m": Data("laion-400m", captions=True),
    "laion2b": Data("laion-2b", captions=True),
    "laiona": Data("laion-aesthetic", captions=True),
    "merged2b": Data("merged-2b", captions=True),
    "datacomp1b": Data("datacomp-1b", captions=True),
    "datacompxl": Data("datacomp-xl", captions=True),
    "dfn2b": Data("dfn-2b", captions=True),
    "dfn5b": Data("dfn-5b", captions=True),
    "dfndr2b": Data("dfndr-2b", captions=True),
    "mclip": Data("datacompdr-1b", captions=True),
    "metaclip": Data("metaclip", captions=True),
    "metaclip2": Data("metaclip-worldwide", captions=True),
    "webli": Data("webli", captions=True),
    "yfcc15m": Data("yfcc-15m", captions=True),
    "cc12m": Data("cc-12m", captions=True),
    # What models of the Hub were fine-tuned on.
    "inat21": Data("inat21", "organisms"),
    "df20": Data("danish-fungi-2020", "fungi"),
    "df20m": Data("danish-fungi-2020", "fungi"),
    "df24": Data("danish-fungi-2024", "fungi"),
    "cifar10": Data("cifar10", "objects"),
    "cifar100": Data("cifar100", "objects"),
    "caltech101": Data("caltech101", "objects"),
    "cub200": Data("cub200", "birds"),
    "nabirds": Data("nabirds", "birds"),
    "oxford_pet": Data("oxford_pets", "pets"),
    "oxford_pets": Data("oxford_pets", "pets"),
    "oxford_iiit_pet": Data("oxford_pets", "pets"),
    "stanford_dogs": Data("stanford_dogs", "dogs"),
    "stanford_cars": Data("stanford_cars", "cars"),
    "fgvc_aircraft": Data("fgvc_aircraft", "aircraft"),
    "flowers102": Data("flowers102", "flowers"),
    "food101": Data("food101", "food"),
    "eurosat": Data("eurosat", "satellite"),
    "cxr": Data("chestx-ray14", "chest x-ray"),
    "chexpert": Data("chexpert", "chest x-ray"),
    "covidx": Data("covidx", "chest x-ray"),
    "kather100k": Data("kather100k", "histology"),
    "isic19": Data("isic2019", "skin"),
    "ham10000": Data("ham10000", "skin"),
}
"""By the word that stands for it in timm's tags and in names of repositories."""

_LONGEST_FIRST = sorted(_KNOWN, key=len, reverse=True)
_WORD = re.compile(rf"(?<![a-z0-9])({'|'.join(_LONGEST_FIRST)})(?![a-z0-9])")


def data_in(name: str) -> list[Data]:
    """The data sets that a tag or a name speaks of, in its order: what came last comes last."""
    text = re.sub(r"[^a-z0-9]+", "_", name.lower())
    return list(dict.fromkeys(_KNOWN[word] for word in _WORD.findall(text)))


def unknown_data(name: str) -> Data:
    """What stands for the data of a model whose name does not tell."""
    return Data(f"unknown:{name}", "unknown")
