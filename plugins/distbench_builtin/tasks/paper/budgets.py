"""Label budgets and splits of "Knowledge Transfer from Vision Foundation Models", as a table.

Which images are labelled stands in lists that the authors published; they are fetched from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from distbench import DataError, UrlFile, home
from distbench_builtin.shared.images.pool import Pool, stem
from distbench_builtin.tasks.paper import names
from distbench_builtin.tasks.paper.entry import PaperEntry
from distbench_builtin.tasks.paper.mirrors import HubMirror, TorchvisionMirror
from distbench_builtin.tasks.paper.table import ENTRIES, ISIC_OFFICIAL

PREFIX = "taskoriented-"
_LISTS = (
    "https://raw.githubusercontent.com/apple/ml-vfm-kt/"
    "234af0404d65a2aa0fd6ef6addb5f3d8312ed636/datasplits/"
)
_TWO = {"train": ("train",), "test": ("test",)}


@dataclass(frozen=True)
class NameList:
    """A published list of images.

    Attributes:
        file: Below the folder of lists.
        size: Bytes, if known.
        sha256: Checksum, if known.
    """

    file: str
    size: int | None = None
    sha256: str | None = None

    def download(self) -> UrlFile:
        """What is fetched."""
        return UrlFile(
            f"list of images {self.file}",
            _LISTS + self.file,
            home() / "data" / "ml-vfm-kt" / self.file,
            self.size,
            self.sha256 and f"sha256:{self.sha256}",
        )


@dataclass(frozen=True)
class Budgeted:
    """A task with its published budgets.

    Attributes:
        entry: The data set.
        budgets: Name of a budget to the list of its labelled training images.
        parts: Lists of validation and test images, where a part is divided by lists.
        divide: Divides the images by a rule, where there is one.
    """

    entry: PaperEntry
    budgets: Mapping[str, NameList]
    parts: Mapping[str, NameList] = field(default_factory=dict)
    divide: Callable[[Pool], dict[str, Pool]] | None = None


def by_number(pool: Pool) -> dict[str, Pool]:
    """EuroSAT: of each class the first 70 % of the files test, the next 10 train, 20 validate.

    Raises:
        DataError: The images' names do not end with the numbers of the files.
    """
    numbers: dict[str, dict[int, int]] = {}
    for row, (name, label) in enumerate(zip(pool.names, pool.labels, strict=True)):
        match = re.fullmatch(r"[A-Za-z]+_(\d+)", stem(name))
        if match is None or label is None:
            raise DataError(
                f"image {name!r} is not called CLASS_NUMBER, by which EuroSAT is divided; fetch "
                "the official archive with mirror=torchvision-EuroSAT"
            )
        numbers.setdefault(label, {})[int(match[1])] = row
    rows: dict[str, list[int]] = {"train": [], "test": [], "validation": []}
    for classes in numbers.values():
        ordered = [classes[number] for number in sorted(classes)]
        first, second = len(ordered) * 7 // 10, len(ordered) * 8 // 10
        rows["test"] += ordered[:first]
        rows["train"] += ordered[first:second]
        rows["validation"] += ordered[second:]
    return {part: pool.take(chosen) for part, chosen in rows.items()}


def _lists(folder: str, table: str) -> dict[str, NameList]:
    """Lists by the budget that their name tells, or by part.

    Args:
        folder: Where they lie.
        table: Of each its checksum, bytes and file; ``- -`` where they are not known.
    """
    lists = {}
    for line in table.strip().splitlines():
        sha256, size, file = line.split()
        number = re.search(r"\d+", file)
        name = number[0] if number else {"val": "validation"}.get(file, file)
        facts = (int(size), sha256) if size != "-" else (None, None)
        lists[name] = NameList(f"{folder}/{file}.txt", *facts)
    return lists


_EUROSAT = """
8af9bf7ce5dc7d32b9afad345b65f28f895dad9d4e94b49fc25a2b349f4c6efe 1510 train_5img_per_class
90f30502e1aa3eaa14b5d1441a45905062a6d25c0630309a9636bcbb972f036d 3020 train_10img_per_class
7199e4558220b12197ab7d7c7e1b61e8e9bfc56e8d10e4697092309953f50457 7550 train_25img_per_class
"""
_HAM10K = """
64942831ea0c02653bea058755b365e8a831f73993fc7a171da708aadc21e322 14800 train_100img_max_per_class
baf0b9779336016d958f0fc70cc04dac86640c2e9610ce79c1b7ccc65c3d74b8 31924 train_250img_max_per_class
458bcfaee59baaf1d4bf9fb4eaa078d84e28d3f66c36ba1c5d8688161fba4c1b 54445 train_500img_max_per_class
1899abc5dff2a03b16bfb68ff01a9e10077c67753ced53621cda2efa1f792c39 85739 train_1000img_max_per_class
"""
_PLACES365 = """
67195b0faa951060e27422786d31d4901930de5999cd96ba99291a3fe62b0caa 456700 train_50img_per_class
42577ccdfb6b5d09f4c6f53ee5ec30c97e297f1081ee98f841f271687e533f63 2283500 train_250img_per_class
- - train_1000img_per_class
"""
_PLACES365_PARTS = """
06bfe6ceeae2398565360d42671b940ad3387a25d89de4b5842def76196ff943 142651 val
a180e7a6edba4cb2ec367f9474a03a1939614ab997bda3062bce2b6fbf4bb0a4 1281749 test
"""
_IMAGENET = """
585c3487e0e816c974d7d01b5ea8bd963154ca10ac77bba662e91f2e66c228e0 388433 train_1percent
2cbe3a1b709f5a3ddb19a4d8cde8afd443bfdcfb3835c051baedc91ca46b81ce 3884328 train_10percent
- - train_25percent
- - train_50percent
"""

BUDGETED: Mapping[str, Budgeted] = {
    "eurosat": Budgeted(
        PaperEntry(
            "EuroSAT",
            (TorchvisionMirror("EuroSAT", {"all": ("train",)}), ENTRIES["eurosat"].mirrors[0]),
            names.EUROSAT,
            {"all": 27_000},
            ENTRIES["eurosat"].per_class,
            seen_by=ENTRIES["eurosat"].seen_by,
            licence="MIT",
        ),
        _lists("EuroSAT", _EUROSAT),
        divide=by_number,
    ),
    "ham10000": Budgeted(
        PaperEntry(
            "HAM10000",
            (ISIC_OFFICIAL,),
            names.ISIC2018,
            {"train": 10_015, "validation": 193, "test": 1_512},
            {
                "train": (1113, 6705, 514, 327, 1099, 115, 142),
                "validation": (21, 123, 15, 8, 22, 1, 3),
                "test": (171, 909, 93, 43, 217, 44, 35),
            },
            seen_by=ENTRIES["isic2018"].seen_by,
            licence="CC-BY-NC-4.0",
        ),
        _lists("HAM10K", _HAM10K),
    ),
    "places365": Budgeted(
        PaperEntry(
            "Places365",
            (TorchvisionMirror("Places365", _TWO),),
            365,
            {"train": 1_803_460, "test": 36_500},
            {"test": 100},
            seen_by=("places365",),
            licence="http://places2.csail.mit.edu/download-private.html",
        ),
        _lists("Places365", _PLACES365),
        _lists("Places365", _PLACES365_PARTS),
    ),
    "imagenet": Budgeted(
        PaperEntry(
            "ImageNet",
            (
                HubMirror(
                    "ILSVRC/imagenet-1k",
                    {"train": ("train",), "test": ("validation",)},
                    label="label",
                    # Without the card, which speaks of test files that are not fetched.
                    patterns=("data/train*", "data/val*"),
                    size=150_000_000_000,
                ),
                TorchvisionMirror("ImageNet", _TWO),
            ),
            1000,
            {"train": 1_281_167, "test": 50_000},
            {"test": 50},
            seen_by=("imagenet-1k",),
            licence="https://www.image-net.org/download.php",
        ),
        _lists("ImageNet", _IMAGENET),
    ),
}
"""By the names that follow ``taskoriented-``."""
