"""The eight target tasks of "Distilling from Similar Tasks", as a table.

Counts are those of the data sets themselves. Mirrors without a revision have no commit that is
known for sure; the commit that was fetched is part of the task's fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping

from distbench_builtin.shared.downloads.archive import Piece
from distbench_builtin.tasks.paper import names, official
from distbench_builtin.tasks.paper.entry import PaperEntry
from distbench_builtin.tasks.paper.mirrors import HubMirror, Official, TorchvisionMirror

_TWO = {"train": ("train",), "test": ("test",)}
_ISIC = "https://isic-archive.s3.amazonaws.com/challenges/2018/ISIC2018_Task3_"

ISIC_OFFICIAL = Official(
    "isic2018",
    "https://challenge.isic-archive.com/data/#2018",
    official.isic,
    tuple(
        Piece(f"{_ISIC}{part}_{what}.zip")
        for part in ("Training", "Validation", "Test")
        for what in ("Input", "GroundTruth")
    ),
)

ENTRIES: Mapping[str, PaperEntry] = {
    "cifar10": PaperEntry(
        "CIFAR-10",
        (
            HubMirror("uoft-cs/cifar10", _TWO, size=143_646_000),
            HubMirror("tanganke/cifar10", _TWO, size=143_000_000),
            TorchvisionMirror("CIFAR10", _TWO),
        ),
        names.CIFAR10,
        {"train": 50_000, "test": 10_000},
        {"train": 5_000, "test": 1_000},
        aliases={"plane": "airplane", "car": "automobile"},
        seen_by=("cifar10",),
        licence="none stated",
    ),
    "cub200": PaperEntry(
        "CUB-200-2011",
        (
            HubMirror(
                "bentrevett/caltech-ucsd-birds-200-2011",
                _TWO,
                "1ef09e021b0b65b40337f6f285909656f407f6e0",
                label="label",
                size=1_150_000_000,
            ),
            HubMirror("Donghyun99/CUB-200-2011", _TWO, label="label"),
            Official(
                "cub200",
                "https://www.vision.caltech.edu/datasets/cub_200_2011/",
                official.birds,
                (
                    Piece(
                        (
                            "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
                            "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz"
                            "?download=1",
                        ),
                        "md5:97eceeb196236b17998738112f37df78",
                    ),
                ),
            ),
        ),
        names.CUB200,
        {"train": 5_994, "test": 5_794},
        seen_by=("cub200",),
        licence="non-commercial research and education",
    ),
    "chestx": PaperEntry(
        "ChestX",
        (
            HubMirror(
                "timm/nih-chest-xray-14",
                _TWO,
                "c1bf579641b3256b4d49924436984b82bee5834d",
                image="image",
                label="label_names",
                size=20_000_000_000,
            ),
            Official(
                "chestx",
                "https://nihcc.app.box.com/v/ChestXray-NIHCC",
                official.chestx,
                by_hand="get images_001.tar.gz to images_012.tar.gz, Data_Entry_2017_v2020.csv, "
                "train_val_list.txt and test_list.txt from "
                "https://nihcc.app.box.com/v/ChestXray-NIHCC and unpack them into {place}",
                size=45_000_000_000,
            ),
        ),
        names.CHESTX,
        {"all": 25_848},
        drops=True,
        seen_by=("chestx", "chestx-ray14"),
        licence="no restriction; link the NIH site, cite Wang et al. (CVPR 2017), acknowledge NIH",
    ),
    "eurosat": PaperEntry(
        "EuroSAT",
        (
            HubMirror(
                "timm/eurosat-rgb",
                {"all": ("train", "validation", "test")},
                "b4e28552cd5f3932b6abc37eb20d3e84901ad728",
                label="label",
                size=92_100_000,
            ),
            TorchvisionMirror("EuroSAT", {"all": ("train",)}),
            HubMirror("blanchon/EuroSAT_RGB", {"all": ("train", "validation", "test")}),
        ),
        names.EUROSAT,
        {"all": 27_000},
        {"all": (3000, 3000, 3000, 2500, 2500, 2000, 2500, 3000, 2500, 3000)},
        seen_by=("eurosat",),
        licence="MIT",
    ),
    "isic2018": PaperEntry(
        "ISIC 2018, task 3",
        (
            HubMirror("parvpareek/skinclass", _TWO, label="label", size=3_240_000_000),
            HubMirror("vigneshwar472/ISIC_2018", _TWO),
            ISIC_OFFICIAL,
        ),
        names.ISIC2018,
        {"train": 10_015, "test": 1_512},
        {"train": (1113, 6705, 514, 327, 1099, 115, 142)},
        aliases=names.SKIN,
        seen_by=("isic2018", "ham10000"),
        licence="CC-BY-NC-4.0",
    ),
    "nabirds": PaperEntry(
        "NABirds",
        (
            Official(
                "nabirds",
                "https://dl.allaboutbirds.org/nabirds",
                official.birds,
                (Piece(None, "md5:df21a9e4db349a14e2b08adfd45873bd", "nabirds.tar.gz"),),
                by_hand="accept the terms at https://dl.allaboutbirds.org/nabirds, put "
                "nabirds.tar.gz into {data} and fetch again (it is checked and unpacked), or "
                f"unpack it into {{place}} yourself; expected there: {official.NABIRDS_TREE}",
                size=9_800_000_000,
            ),
        ),
        555,
        {"train": 23_929, "test": 24_633},
        seen_by=("nabirds",),
        licence="Cornell Lab of Ornithology: research only, not to be passed on",
    ),
    "oxford_pets": PaperEntry(
        "Oxford-IIIT Pets",
        (
            HubMirror(
                "timm/oxford-iiit-pet",
                _TWO,
                "089695c834a7deb60505b7cc506672db1c31a6aa",
                label="label",
                size=790_000_000,
            ),
            HubMirror("Donghyun99/Oxford-IIIT-Pet", _TWO, label="label"),
            TorchvisionMirror("OxfordIIITPet", _TWO),
        ),
        names.PETS,
        {"train": 3_680, "test": 3_669},
        seen_by=("oxford_pets",),
        licence="CC-BY-SA-4.0",
    ),
    "stanford_dogs": PaperEntry(
        "Stanford Dogs",
        (
            HubMirror("maurice-fp/stanford-dogs", _TWO, label="label"),
            HubMirror("Donghyun99/Stanford-Dogs", _TWO, label="label", size=776_000_000),
        ),
        names.DOGS,
        {"train": 12_000, "test": 8_580},
        {"train": 100},
        seen_by=("stanford_dogs",),
        licence="images of ImageNet: non-commercial research",
    ),
}
"""By the names that follow ``paper-``."""
