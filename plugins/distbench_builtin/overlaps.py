"""Which data sets hold images of which others, as far as it is known."""

from __future__ import annotations

from typing import NamedTuple


class Overlap(NamedTuple):
    """A data set that holds another, or so much of it that its models have seen it.

    Attributes:
        holder: What a model was trained on.
        held: What it has seen through that.
        why: How it is known.
    """

    holder: str
    held: str
    why: str


KNOWN = (
    Overlap("imagenet-1k", "stanford_dogs", "Dogs were chosen from ImageNet (Khosla et al. 2011)"),
    Overlap("imagenet-12k", "imagenet-1k", "its classes are those of ImageNet with most images"),
    Overlap("imagenet-21k", "imagenet-1k", "ILSVRC 2012 was drawn from it"),
    Overlap("imagenet-22k", "imagenet-1k", "the same as ImageNet-21k, counted with one root more"),
    Overlap("imagenet-21k-winter", "imagenet-1k", "the release of 2021 keeps nearly all of it"),
    Overlap("bamboo", "imagenet-21k", "one of its sources (arXiv:2203.07845)"),
    Overlap("merged-30m", "imagenet-21k", "one of its parts (EVA, arXiv:2211.07636)"),
    Overlap("merged-38m", "imagenet-21k", "one of its parts (EVA-02, arXiv:2303.11331)"),
    Overlap("lvd-142m", "imagenet-22k", "taken in as a whole (DINOv2, arXiv:2304.07193)"),
    Overlap("lvd-1689m", "imagenet-22k", "mixed in in training (DINOv3, arXiv:2508.10104)"),
    Overlap("tiny-images", "cifar10", "labelled subset of it (Krizhevsky 2009)"),
    Overlap("tiny-images", "cifar100", "labelled subset of it (Krizhevsky 2009)"),
    Overlap("chestx-ray14", "chestx", "the task's images are those of ChestX-ray14"),
    Overlap("chestx-ray8", "chestx", "the first release of ChestX-ray14, the same images"),
    Overlap("ham10000", "isic2018", "HAM10000 is the training set of ISIC 2018 task 3"),
    Overlap("isic2018", "ham10000", "HAM10000 is the training set of ISIC 2018 task 3"),
    Overlap("isic2019", "isic2018", "its training set contains HAM10000"),
)
"""Only what is documented and large: a share of a data set that an accuracy would show.

Not here, though they are known of: some dozens of CUB-200's images, and few of Oxford Pets and
Caltech-101, lie in ImageNet too. To leave out every ImageNet model for them would leave little, and
the students themselves start from ImageNet. A suite or task that wants that says
``seen_by = ["imagenet-1k"]``. Nothing is known of what collections of the web hold."""

SPELLINGS = {
    "cifar10": ("cifar-10",),
    "cifar100": ("cifar-100",),
    "cub200": ("cub-200", "cub-200-2011", "cub_200_2011"),
    "caltech101": ("caltech-101",),
    "voc2007": ("voc-2007", "pascal-voc-2007"),
    "nabirds": ("nabird",),
    "oxford_pets": ("oxford-pets", "oxford-iiit-pet", "oxford_iiit_pet"),
    "stanford_dogs": ("stanford-dogs",),
    "chestx-ray14": ("nih-chest-xray-14", "nih-chest-x-ray"),
    "eurosat": ("eurosat-rgb",),
    "ham10000": ("ham-10000",),
    "isic2018": ("isic-2018",),
    "isic2019": ("isic-2019",),
    "imagenet-1k": ("imagenet", "imagenet1k", "in1k", "in-1k", "ilsvrc2012", "ilsvrc-2012"),
    "imagenet-12k": ("imagenet12k", "in12k", "in-12k"),
    "imagenet-21k": ("imagenet21k", "in21k", "in-21k"),
    "imagenet-22k": ("imagenet22k", "in22k", "in-22k"),
}
"""Other ways to write a name; what is said of one holds for all. Capitals, ``-``, ``_`` and blanks
are one to the engine, but not where one of them is left out."""


def table() -> dict[str, list[str]]:
    """What each data set holds, for the hook `distbench_overlaps`."""
    datasets: dict[str, list[str]] = {}
    for overlap in KNOWN:
        datasets.setdefault(overlap.holder, []).append(overlap.held)
    for name, others in SPELLINGS.items():
        for other in others:
            datasets.setdefault(name, []).append(other)
            datasets.setdefault(other, []).append(name)
    return datasets
