"""What follows when images are sorted: copies left out, twins noted, a test part made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from distbench import DataError
from distbench_builtin.shared.images.bonds import Bonds
from distbench_builtin.shared.images.drawing import drawn_whole, note
from distbench_builtin.shared.images.folder_tree import ImageFile
from distbench_builtin.shared.images.label_sets import Sets, by_class
from distbench_builtin.shared.images.twins import note_of_twins, twins_of

Classes = dict[str, list[ImageFile]]


PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
"""How people call the parts, in lower case."""

UNLABELLED_NAMES = frozenset({"unlabelled", "unlabeled"})
"""How people call images without a class, in lower case."""


@dataclass
class Layout:
    """The images of a task, sorted out.

    Attributes:
        parts: ``train`` and ``test``, perhaps ``validation``: images by class.
        unlabelled: Images without a class.
        notes: What a reader of results should know.
        sets: Classes by the place of an image, where it may show several: then `parts` divide
            images by other things than their class.
    """

    parts: dict[str, Classes]
    unlabelled: list[ImageFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sets: Sets | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, sorted byte by byte."""
        return tuple(sorted(self.of_part("train")))

    def of_part(self, part: str) -> Classes:
        """Images of a part by class; one that shows several is there as often."""
        own = self.parts.get(part, {})
        return own if self.sets is None else by_class(own, self.sets)


def complete(
    layout: Layout,
    further: Sequence[ImageFile],
    share: float,
    depth: int,
    bonds: Bonds,
    *,
    where: str,
    how: str,
) -> None:
    """Leaves unlabelled copies out, and makes a test part where there is none.

    In this order: a copy that is not used must not keep its labelled image out of the test part.

    Args:
        layout: Sorted out.
        further: Images of a further folder without labels.
        share: As `_make_test` takes it, as what follows.
        depth: Likewise.
        bonds: What belongs together; gets the twins.
        where: What holds the images, for messages.
        how: What to do where no test part can be made, for messages.

    Raises:
        DataError: No class has two images, or all that can be taken hang together.
    """
    _add_unlabelled(layout, further, bonds)
    bonds.twins = twins_of(layout.parts)
    if "test" not in layout.parts:
        _make_test(layout, share, depth, bonds, where=where, how=how)
    files = [file for classes in layout.parts.values() for file in _files(classes)]
    layout.notes += [*untested(layout), *note_of_twins(files, bonds.twins)]


def _add_unlabelled(layout: Layout, further: Sequence[ImageFile], bonds: Bonds) -> None:
    """Adds the further images, and leaves out what is among the labelled ones or was added before.

    A method that learns from unlabelled images must not see those that it is judged on.
    """
    known = {
        digest for classes in layout.parts.values() for digest in bonds.digests(_files(classes))
    }
    kept: list[ImageFile] = []
    pools = layout.unlabelled, further
    for pool in pools:
        digests = bonds.digests(pool)
        kept += [i for i, digest in zip(pool, digests, strict=True) if digest not in known]
        known.update(digests)
    total = sum(map(len, pools))
    if left := total - len(kept):
        layout.notes.append(
            f"{left} of {total} unlabelled images left out: they are among the other images, "
            "byte for byte"
        )
    layout.unlabelled = kept


def _make_test(
    layout: Layout, share: float, depth: int, bonds: Bonds, *, where: str, how: str
) -> None:
    """Takes a test part from the training images, and says so.

    Which images, hashes of their names decide. Copies and groups are taken whole or not at all,
    and not if a part that is there already, or the unlabelled images, have some of them.

    Args:
        layout: Gets the test part.
        share: Of each class; at least one image where the class has two, and never all.
        depth: Folders above the class, whose names do not matter.
        bonds: What belongs together.
        where: What holds the images, for messages.
        how: What to do where no test part can be made, for messages.

    Raises:
        DataError: No class has two images, or all that can be taken hang together.
    """
    train, test = _divided(layout, share, depth, bonds, where)
    if not test:
        several = any(len(files) > 1 for files in layout.parts["train"].values())
        lack = "two images that do not belong together" if several else "two images"
        raise DataError(f"no class of {where} has {lack}, so no test part can be made; {how}")
    others = {part: classes for part, classes in layout.parts.items() if part != "train"}
    layout.parts = {"train": train, "test": test, **others}
    moved = count(test)
    layout.notes.append(note(moved, moved + count(train), share, "their file names"))


def _divided(
    layout: Layout, share: float, depth: int, bonds: Bonds, where: str
) -> tuple[Classes, Classes]:
    """What stays and what is taken, both by class and in the order given."""
    files = _files(layout.parts["train"])
    others = [file for part in list(layout.parts)[1:] for file in _files(layout.parts[part])]
    numbers = bonds.numbers([*files, *others, *layout.unlabelled], where)
    ends = list(accumulate(map(len, layout.parts["train"].values()), initial=0))
    classes = [range(start, end) for start, end in pairwise(ends)]
    lots = [file.name.split("/", depth)[-1] for file in files]
    chosen = drawn_whole(classes, lots, share, numbers, set(numbers[len(files) :]))
    stays: Classes = {}
    taken: Classes = {}
    for name, own in zip(layout.parts["train"], classes, strict=True):
        stays[name] = [files[i] for i in own if i not in chosen]
        if gone := [files[i] for i in own if i in chosen]:
            taken[name] = gone
    return stays, taken


def _files(classes: Classes) -> list[ImageFile]:
    return [file for own in classes.values() for file in own]


def count(classes: Classes) -> int:
    """How many images there are."""
    return sum(map(len, classes.values()))


def untested(layout: Layout) -> Iterable[str]:
    """A note on classes that have no test images."""
    missing = sorted(set(layout.of_part("train")) - set(layout.of_part("test")))
    if missing:
        yield f"no test images of {some(missing, 5)}"


def some(names: Iterable[str], most: int = 3, quote: bool = False) -> str:
    """The first names and how many more there are."""
    every = list(names)
    shown = ", ".join(repr(name) if quote else name for name in every[:most])
    return shown + (f" and {len(every) - most} more" if len(every) > most else "")
