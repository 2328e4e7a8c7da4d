"""Data sets that torchvision can read: their splits, labels and archives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from distbench import CorruptImageError, DataError, home
from distbench_builtin.shared.downloads.archive import Archive, Piece
from distbench_builtin.shared.images.contents import Contents, array_contents
from distbench_builtin.shared.images.pool import Pixels, Pool, of_files

_VGG = "https://www.robots.ox.ac.uk/~vgg/data/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"


@dataclass(frozen=True)
class Set:
    """What is to be known of one of torchvision's classes.

    Attributes:
        splits: Part of a task to the arguments by which the class gives it.
        labels: Attribute with the class number of each image; none of them decodes an image.
        files: Attribute with the paths of the images, if they are files; the images are read
            through the data set itself where there is none.
        classes: Attribute with the class names.
        renamed: Folders that torchvision calls otherwise than the archive.
        by_hand: Where to get what may not be downloaded freely.
    """

    splits: Mapping[str, Mapping[str, Any]]
    labels: str
    files: str | None = None
    classes: str = "classes"
    renamed: tuple[tuple[str, str], ...] = ()
    by_hand: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


_BY_FLAG = {"train": {"train": True}, "test": {"train": False}}
_TWO = {"train": {"split": "train"}, "test": {"split": "test"}}
_THREE = {**_TWO, "validation": {"split": "val"}}
_TO_VAL = {"train": {"split": "train"}, "test": {"split": "val"}}
_WHOLE: Mapping[str, Mapping[str, Any]] = {"train": {}}


def _pieces(base: str, *files: tuple[str, str | None], folder: str = ".") -> tuple[Piece, ...]:
    """Files under one address: name and MD5 of each."""
    return tuple(Piece(base + name, md5 and f"md5:{md5}", folder=folder) for name, md5 in files)


_PIECES: Mapping[str, tuple[Piece, ...]] = {
    "CIFAR10": _pieces(_CIFAR, ("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a")),
    "CIFAR100": _pieces(_CIFAR, ("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85")),
    "Caltech101": _pieces(
        "https://data.caltech.edu/records/mzrjq-6wc02/files/",
        ("caltech-101.zip", "3138e1922a9193bfa496528edbbc45d0"),
        folder="caltech101",
    ),
    "Caltech256": _pieces(
        "https://data.caltech.edu/records/nyy15-4j048/files/",
        ("256_ObjectCategories.tar", "67b4f42ca05d46448c6bb8ecd2220f6d"),
        folder="caltech256",
    ),
    "DTD": _pieces(
        f"{_VGG}dtd/download/",
        ("dtd-r1.0.1.tar.gz", "fff73e5086ae6bdbea199a49dfb8a4c1"),
        folder="dtd",
    ),
    "EuroSAT": _pieces(
        "https://huggingface.co/datasets/torchgeo/eurosat/resolve/"
        "c877bcd43f099cd0196738f714544e355477f3fd/",
        ("EuroSAT.zip", "c8fa014336c82ac7804f0398fcb19387"),
        folder="eurosat",
    ),
    "FashionMNIST": _pieces(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
        folder="FashionMNIST/raw",
    ),
    "FGVCAircraft": _pieces(f"{_VGG}fgvc-aircraft/archives/", ("fgvc-aircraft-2013b.tar.gz", None)),
    "Flowers102": _pieces(
        f"{_VGG}flowers/102/",
        ("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa"),
        ("imagelabels.mat", "e0620be6f572b9609742df49c70aed4d"),
        ("setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c"),
        folder="flowers-102",
    ),
    "Food101": _pieces(
        "http://data.vision.ee.ethz.ch/cvl/",
        ("food-101.tar.gz", "85eeb15f3717b99a5da872d97d918f87"),
    ),
    "Imagenette": _pieces(
        "https://s3.amazonaws.com/fast-ai-imageclas/",
        ("imagenette2.tgz", "fe2fc210e6bb7c5664d602c3cd71e612"),
    ),
    "OxfordIIITPet": _pieces(
        f"{_VGG}pets/data/",
        ("images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c"),
        ("annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f"),
        folder="oxford-iiit-pet",
    ),
    "Places365": _pieces(
        "http://data.csail.mit.edu/places/places365/",
        ("filelist_places365-standard.tar", "35a0585fee1fa656440f3ab298f8479c"),
        ("train_256_places365standard.tar", "53ca1c756c3d1e7809517cc47c5561c5"),
        ("val_256.tar", "e27b17d8d44f4af9a78502beb927f808"),
    ),
    "STL10": _pieces(
        "http://ai.stanford.edu/~acoates/stl10/",
        ("stl10_binary.tar.gz", "91f7769df0f17e558f3565bffb0c7dfb"),
    ),
    "SUN397": _pieces(
        "http://vision.princeton.edu/projects/2010/SUN/",
        ("SUN397.tar.gz", "8ca2778205c41d23104230ba66911c7a"),
    ),
}
"""What is fetched, with checksums as torchvision has them."""

_FILES = ("_labels", "_image_files")

SETS: Mapping[str, Set] = {
    "CIFAR10": Set(_BY_FLAG, "targets"),
    "CIFAR100": Set(_BY_FLAG, "targets"),
    "Caltech101": Set(_WHOLE, "y", classes="categories"),
    "Caltech256": Set(_WHOLE, "y", classes="categories"),
    "DTD": Set(_THREE, *_FILES),
    "EuroSAT": Set(_WHOLE, "targets", "samples"),
    "FashionMNIST": Set(_BY_FLAG, "targets"),
    "FGVCAircraft": Set(_THREE, *_FILES),
    "Flowers102": Set(_THREE, *_FILES),
    "Food101": Set(_TWO, *_FILES),
    "ImageNet": Set(
        _TO_VAL,
        "targets",
        "samples",
        by_hand="get ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and "
        "ILSVRC2012_devkit_t12.tar.gz from https://www.image-net.org/download.php and put them "
        "into {place}, where torchvision unpacks them when it first reads them",
    ),
    "Imagenette": Set(_TO_VAL, "_samples", "_samples"),
    "OxfordIIITPet": Set(
        {"train": {"split": "trainval"}, "test": {"split": "test"}}, "_labels", "_images"
    ),
    "Places365": Set(
        {"train": {"split": "train-standard"}, "test": {"split": "val"}},
        "targets",
        "imgs",
        renamed=(("data_256", "data_256_standard"),),
        arguments={"small": True},
    ),
    "STL10": Set(_TWO, "labels"),
    "SUN397": Set(_WHOLE, *_FILES),
}
"""By the names of torchvision's classes."""


def archive(name: str) -> Archive:
    """What is fetched for a data set."""
    known, place = SETS[name], home() / "data" / "torchvision" / name
    by_hand = known.by_hand and known.by_hand.format(place=place)
    return Archive(
        f"torchvision's {name}", place, _PIECES.get(name, ()), by_hand, renamed=known.renamed
    )


def open_set(name: str, root: Path) -> tuple[tuple[str, ...], dict[str, Pool]]:
    """Class names and the images of each split; decodes none and contacts nothing.

    Args:
        name: One of `SETS`.
        root: The folder that torchvision calls so.

    Raises:
        DataError: The data are not there, or not as torchvision expects.
    """
    import torchvision

    known, pools = SETS[name], {}
    classes: tuple[str, ...] = ()
    for part, arguments in known.splits.items():
        try:
            data = getattr(torchvision.datasets, name)(root, **arguments, **known.arguments)
            classes = tuple(_text(value) for value in getattr(data, known.classes))
            labels = [_number(value) for value in getattr(data, known.labels)]
        except (RuntimeError, OSError, ValueError, KeyError, AttributeError) as error:
            reason = " ".join(str(error).split()).replace(
                " You can use download=True to download it", ""
            )
            raise DataError(
                f"torchvision cannot read {name} in {root}: {reason.rstrip('.')}. Complete the "
                "folder, or remove it and fetch it again"
            ) from None
        pools[part] = _pool(data, known, part, root, [classes[i] for i in labels])
    return classes, pools


def _pool(data: Any, known: Set, part: str, root: Path, labels: Sequence[str]) -> Pool:
    if known.files is not None:
        files = [entry[0] if isinstance(entry, tuple) else entry for entry in _list(data, known)]
        base = root.absolute()
        paths = [Path(path).absolute().relative_to(base).as_posix() for path in files]
        order = sorted(range(len(paths)), key=paths.__getitem__)
        return of_files(base, [(paths[i], labels[i]) for i in order])
    names = [f"{part}-{i:06d}" for i in range(len(labels))]
    return Pool(names, labels, partial(_read, data, names), _contents(data))


def _contents(data: Any) -> Contents | None:
    """Of a set that keeps its images as one array."""
    pixels = getattr(data, "data", None)
    return None if pixels is None else array_contents(np.asarray(pixels))


def _list(data: Any, known: Set) -> Sequence[Any]:
    return list(getattr(data, known.files or ""))


def _read(
    data: Any, names: Sequence[str], positions: Sequence[int], side: int | None = None
) -> list[Pixels]:
    """Images of a set that keeps them otherwise than in files of its own."""
    entries = []
    for i in positions:
        try:
            entries.append(np.array(data[i][0].convert("RGB"), dtype=np.uint8))
        except Exception as error:  # decoders meet broken data with exceptions of every kind
            raise CorruptImageError(names[i], str(error) or type(error).__name__) from None
    return entries


def _number(value: Any) -> int:
    return int(value[1] if isinstance(value, tuple) else value)


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
