"""What holds the image files of a task together while their parts are drawn and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from distbench_builtin.shared.images.copies import Item
from distbench_builtin.shared.images.folder_tree import ImageFile
from distbench_builtin.shared.images.grouping import Namer, checked_groups, namer, united
from distbench_builtin.shared.images.pictures import note_of_pictures

Alike = Callable[[Sequence[ImageFile], Sequence[str]], Sequence[str]]
"""From images and the digests of their content to the name of the picture that each shows."""


class Bonds:
    """Contents and groups of image files, each found once.

    Args:
        read: Digests of the files at some places.
        group: The parameter `group`, if it was given.
        alike: Says what pictures images show, where those of one belong together.

    Attributes:
        group: The same.
        of_rows: Group of an image by its place, where a column of a table says it.
        twins: What `twins_of` gives: images that seem to be one picture.
    """

    def __init__(
        self,
        read: Callable[[Sequence[str]], list[str]],
        group: str | None,
        alike: Alike | None = None,
    ) -> None:
        self.group = group
        self.of_rows: dict[str, str] | None = None
        self.twins: dict[str, str] = {}
        self._read = read
        self._namer: Namer | None = None
        self._digests: dict[str, str] = {}
        self._alike = alike
        self._pictures: dict[str, str] = {}

    def by_name(self, columns: Sequence[str] = (), depth: int | None = None) -> None:
        """Has groups looked for in names, if they were asked for; as `namer` takes it.

        Raises:
            DataError: The parameter says nothing that can be looked for.
        """
        if self.group is not None:
            self._namer = namer(self.group, columns, depth)

    def digests(self, images: Sequence[ImageFile]) -> list[str]:
        """SHA-256 of the images' content."""
        new = [image.place for image in images if image.place not in self._digests]
        self._digests.update(zip(new, self._read(new), strict=True))
        return [self._digests[image.place] for image in images]

    def groups(self, images: Sequence[ImageFile], where: str) -> Sequence[str | None]:
        """The group of each image.

        Raises:
            DataError: None has any, though it was asked for.
        """
        groups = self._groups(images)
        return groups if self.group is None else checked_groups(self.group, groups, where)

    def _groups(self, images: Sequence[ImageFile]) -> list[str | None]:
        if self.of_rows is not None:
            return [self.of_rows.get(image.place) for image in images]
        if self._namer is not None:
            return [self._namer(image.name) for image in images]
        return [None] * len(images)

    def numbers(self, images: Sequence[ImageFile], where: str) -> list[int]:
        """A number for each image, the same for those that belong together."""
        groups = self.groups(images, where) if self.group else None
        twins = [self.twins.get(image.place) for image in images]
        return united(self.digests(images), groups, twins, self._shown_by(images))

    def _shown_by(self, images: Sequence[ImageFile]) -> list[str] | None:
        """What picture each image shows, where that counts: the same for those that show one."""
        if self._alike is None:
            return None
        digests = self.digests(images)
        if not self._pictures.keys() >= set(digests):
            self._pictures = dict(zip(digests, self._alike(images, digests), strict=True))
        return [self._pictures[digest] for digest in digests]

    def notes(self, images: Sequence[ImageFile]) -> list[str]:
        """What is said of images that show one picture, where that counts."""
        return note_of_pictures(self._shown_by(images) or [])

    def items(self, rows: Sequence[tuple[str | None, ImageFile]]) -> list[Item]:
        """Labels and images as `check_copies` takes them."""
        images = [image for _, image in rows]
        bonds = zip(rows, self.digests(images), self._groups(images), strict=True)
        return [Item(image.name, label, digest, group) for (label, image), digest, group in bonds]
