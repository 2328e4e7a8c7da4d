"""Images that lie in two parts or in two classes, byte for byte: said, and refused where many."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from distbench import MOST_COPIES, DataError

Copies = Literal["refuse", "together", "allow"]
DESCRIPTION = (
    f"allow: go on where more than {MOST_COPIES:.0%} of the test or validation images are among "
    "the training images too (byte for byte, as the same picture saved again, or of one group with "
    "some), or of the training images lie in two classes; together: where distbench makes the test "
    "part, what shows the same picture stays in one part (all images are decoded once for that)"
)


class Item(NamedTuple):
    """One image.

    Attributes:
        name: By which it is called in messages.
        label: Its class; None where it has none.
        digest: Of its content.
        group: What it belongs to, if that was named.
        picture: Which picture it shows, if that counts.
    """

    name: str
    label: str | None
    digest: Hashable
    group: str | None = None
    picture: str | None = None


def check_copies(parts: Mapping[str, Sequence[Item]], where: str, copies: Copies) -> list[str]:
    """Notes on images that are in two parts, on groups that are, and on images in two classes.

    Args:
        parts: ``train``, ``test`` and perhaps ``validation``.
        where: What holds the images, for messages.
        copies: Whether to go on where it is many.

    Raises:
        DataError: They are too many, and `copies` is not ``allow``.
    """
    every = [item for items in parts.values() for item in items]
    if len({item.digest for item in every}) == len(every) and all(i.group is None for i in every):
        return []
    return [
        *_in_two_parts(parts, where, copies),
        *_in_two_classes(parts, where, copies),
        *_several_times(parts),
    ]


def _in_two_parts(parts: Mapping[str, Sequence[Item]], where: str, copies: Copies) -> Iterator[str]:
    for part, others in (("test", ("train", "validation")), ("validation", ("train",))):
        items = parts.get(part, ())
        earlier = [item for other in others for item in parts.get(other, ())]
        seen: dict[Hashable, str] = {}
        for item in earlier:
            seen.setdefault(item.digest, item.name)
        both = [(item.name, seen[item.digest]) for item in items if item.digest in seen]
        known = "training" if part == "validation" else "training or validation"
        if both:
            yield _judged(
                f"{len(both)} of {len(items)} {part} images are among the {known} images too, byte "
                f"for byte ({both[0][0]} is {both[0][1]})",
                len(both) > MOST_COPIES * len(items),
                where,
                copies,
            )
        groups = {item.group: item.name for item in earlier if item.group is not None}
        shared = [item for item in items if item.group in groups and item.digest not in seen]
        if shared:
            name, group = shared[0].name, str(shared[0].group)
            yield _judged(
                f"{len(shared)} of {len(items)} {part} images belong to groups that have {known} "
                f"images too ({name} and {groups[group]} are both of {group!r})",
                len(shared) > MOST_COPIES * len(items),
                where,
                copies,
            )


def _in_two_classes(
    parts: Mapping[str, Sequence[Item]], where: str, copies: Copies
) -> Iterator[str]:
    everywhere = _contradicted(item for items in parts.values() for item in items)
    if not everywhere:
        return
    (one, other), number = _pair(everywhere), len(everywhere)
    learnt = [item for item in parts["train"] if item.label is not None]
    yield _judged(
        f"{number} images lie in two classes or more, byte for byte ({one.name} is {one.label!r}, "
        f"{other.name} is {other.label!r})",
        len(_contradicted(learnt)) > MOST_COPIES * len(learnt),
        where,
        copies,
    )


def _contradicted(items: Iterable[Item]) -> list[Item]:
    """Images whose bytes have another label somewhere."""
    labels: dict[Hashable, str] = {}
    labelled = [item for item in items if item.label is not None]
    double = {
        item.digest
        for item in labelled
        if labels.setdefault(item.digest, str(item.label)) != item.label
    }
    return [item for item in labelled if item.digest in double] if double else []


def _pair(items: Sequence[Item]) -> tuple[Item, Item]:
    first = items[0]
    other = next(i for i in items if i.digest == first.digest and i.label != first.label)
    return first, other


def _several_times(parts: Mapping[str, Sequence[Item]]) -> Iterator[str]:
    train = parts["train"]
    if more := len(train) - len({item.digest for item in train}):
        yield (
            f"{more} of {len(train)} training images are copies of others, byte for byte; copies "
            "stay in one part"
        )


def _judged(finding: str, many: bool, where: str, copies: Copies) -> str:
    if many and copies != "allow":
        raise DataError(
            f"{where}: {finding}. Remove one of each, or accept it with copies=allow; results are "
            "worth little then"
        )
    return finding
