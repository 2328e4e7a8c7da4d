"""A test part for a folder that has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from distbench import DataError
from distbench_builtin.shared.images.drawing import drawn, note
from distbench_builtin.shared.images.folder_tree import ImageFile

Classes = dict[str, list[ImageFile]]


def draw(images: Classes, share: float, depth: int) -> tuple[Classes, Classes]:
    """Takes a share of each class for testing; which images, hashes of their names decide.

    Args:
        images: By class.
        share: Of each class; at least one image where the class has two, and never all.
        depth: Folders above the class, which do not matter to the hash.

    Returns:
        What stays and what is taken, both by class and in the order given.
    """
    stays: Classes = {}
    taken: Classes = {}
    for name, files in images.items():
        chosen = set(drawn([file.name.split("/", depth)[-1] for file in files], share))
        stays[name] = [file for i, file in enumerate(files) if i not in chosen]
        if chosen:
            taken[name] = [file for i, file in enumerate(files) if i in chosen]
    return stays, taken


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
    """

    parts: dict[str, Classes]
    unlabelled: list[ImageFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, sorted byte by byte."""
        return tuple(sorted(self.parts["train"]))


def make_test(layout: Layout, share: float, depth: int, *, where: str, how: str) -> None:
    """Takes a test part from the training images, and says so.

    Args:
        layout: Gets the test part.
        share: Of each class.
        depth: Folders above the class, whose names do not matter.
        where: What holds the images, for messages.
        how: What to do where no test part can be made, for messages.

    Raises:
        DataError: No class has two images.
    """
    train, test = draw(layout.parts["train"], share, depth)
    if not test:
        raise DataError(f"no class of {where} has two images, so no test part can be made; {how}")
    layout.parts = {**layout.parts, "train": train, "test": test}
    moved = count(test)
    layout.notes.append(note(moved, moved + count(train), share, "their file names"))


def count(classes: Classes) -> int:
    """How many images there are."""
    return sum(map(len, classes.values()))


def untested(layout: Layout) -> Iterable[str]:
    """A note on classes that have no test images."""
    missing = sorted(set(layout.parts["train"]) - set(layout.parts["test"]))
    if missing:
        yield f"no test images of {some(missing, 5)}"


def some(names: Iterable[str], most: int = 3, quote: bool = False) -> str:
    """The first names and how many more there are."""
    every = list(names)
    shown = ", ".join(repr(name) if quote else name for name in every[:most])
    return shown + (f" and {len(every) - most} more" if len(every) > most else "")
