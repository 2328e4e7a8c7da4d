"""Images that belong together are taken together when a part is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence


def take_groups(
    orders: Sequence[Sequence[int]],
    wanted: Sequence[int],
    groups: Sequence[Hashable],
    keep: Sequence[int],
    stay: Collection[Hashable] = (),
) -> set[int]:
    """Takes about so many images of each class as are wanted, but whole groups of them.

    A group is taken if that brings its class nearer to the number wanted; where none is near
    enough, the smallest one, so that no class goes without. Where every image is a group of its
    own, these are the first of each order.

    Args:
        orders: For each class the positions of its images, in the order in which they are drawn.
        wanted: How many of each class.
        groups: By position, to which group an image belongs; one may hold images of many classes.
        keep: How many of each class must be left at least.
        stay: Groups that may not be taken.

    Returns:
        Positions.

    Example::

        >>> patients = ["a", "a", "b", "b", "c", "c"]
        >>> sorted(take_groups([[0, 2, 4], [1, 3, 5]], [1, 1], patients, keep=[1, 1]))
        [0, 1]
    """
    members: dict[Hashable, list[tuple[int, int]]] = {}
    for klass, order in enumerate(orders):
        for position in order:
            members.setdefault(groups[position], []).append((klass, position))
    sizes = {group: Counter(klass for klass, _ in held) for group, held in members.items()}
    left = [len(order) for order in orders]
    gone: set[Hashable] = set(stay)
    taken: set[int] = set()

    def may_go(group: Hashable) -> bool:
        return group not in gone and all(left[k] - n >= keep[k] for k, n in sizes[group].items())

    def take(group: Hashable) -> None:
        gone.add(group)
        taken.update(position for _, position in members[group])
        for klass, number in sizes[group].items():
            left[klass] -= number

    for klass, order in enumerate(orders):
        own = list(dict.fromkeys(groups[position] for position in order))
        for group in own:
            lack = wanted[klass] - (len(order) - left[klass])
            if lack <= 0:
                break
            if sizes[group][klass] <= 2 * lack and may_go(group):
                take(group)
        if wanted[klass] > 0 and left[klass] == len(order):
            small = sorted(filter(may_go, own), key=lambda group: sizes[group][klass])
            if small:
                take(small[0])
    return taken
