"""Images of a class that are called alike, which are often one picture kept twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from posixpath import basename, splitext

from distbench_builtin.shared.images.folder_tree import ImageFile


def twins_of(parts: Mapping[str, Mapping[str, Sequence[ImageFile]]]) -> dict[str, str]:
    """What twins are called, by place: the same for those of one part and class, and no others.

    Twins have one name but for the suffix (``x.png`` and ``x.jpg``), and lie in one folder or one
    above the other (``x.png`` and ``thumbs/x.png``). Folders side by side may each have their
    ``001.png``.

    Args:
        parts: Images by class, by part.
    """
    twins: dict[str, str] = {}
    for part, classes in parts.items():
        for label, images in classes.items():
            for place, name in _twins_among(images):
                twins[place] = f"{part}/{label}/{name}"
    return twins


def _twins_among(images: Sequence[ImageFile]) -> Iterator[tuple[str, str]]:
    """Place and common name of the twins of a class."""
    stems = [splitext(basename(image.name))[0] for image in images]
    if len(set(stems)) == len(stems):
        return
    often = Counter(stems)
    doubtful = [i for i, stem in enumerate(stems) if often[stem] > 1]
    paths = [PurePosixPath(images[i].name).with_suffix("") for i in doubtful]
    known = set(paths)
    names = [_topmost(path, known) for path in paths]
    times = Counter(names)
    for i, name in zip(doubtful, names, strict=True):
        if times[name] > 1:
            yield images[i].place, str(name)


def _topmost(path: PurePosixPath, known: set[PurePosixPath]) -> PurePosixPath:
    """The path of this name in the highest folder above that has one."""
    above = (folder / path.name for folder in reversed(path.parents))
    return next(other for other in above if other in known)


def note_of_twins(images: Sequence[ImageFile], twins: Mapping[str, str]) -> list[str]:
    """What is said of the twins among images, with an example."""
    if not twins:
        return []
    first = next(iter(twins.values()))
    one, other = [image.name for image in images if twins.get(image.place) == first][:2]
    number = len(twins) - len(set(twins.values()))
    return [
        f"{number} image(s) are called as another of their class but for the suffix or a folder "
        f"below ({one} and {other}): if they are one picture, keep one; they stay in one part"
    ]
