"""Who offers which name; one that several plugins claim stays the built-in's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from distbench.errors import UnknownNameError, UsageError
from distbench.interfaces.component import Component
from distbench.plugins.discovery import Offer, Origin


@dataclass
class Plugin:
    """A plugin that was found, whether it works or not.

    Attributes:
        origin: Where it comes from.
        offers: Names by kind.
        error: Why it cannot be used.
        clashes: Names that it has to share, and what each is called instead.
    """

    origin: Origin
    offers: dict[str, list[str]] = field(default_factory=dict)
    error: str | None = None
    clashes: list[str] = field(default_factory=list)


class Offers:
    """The names that plugins offer, by kind.

    A name that several claim is the built-in's where one is; the others keep their full one,
    ``DISTRIBUTION/NAME``.
    """

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], list[Offer]] = {}

    def add(self, offer: Offer) -> list[Offer]:
        """Adds an offer; returns all of its name."""
        rivals = self._by_name.setdefault((offer.kind, offer.name), [])
        rivals.append(offer)
        return rivals

    def names(self, kind: str) -> list[str]:
        """All names of one kind, sorted: the full one where others claim the plain one."""
        return sorted(
            self.name_of(offer)
            for (k, _), rivals in self._by_name.items()
            for offer in rivals
            if k == kind
        )

    def name_of(self, offer: Offer) -> str:
        """What an offer is called: its plain name, or the full one where others claim that."""
        alone = len(self._by_name[offer.kind, offer.name]) == 1
        return offer.name if alone else offer.full_name

    def name_of_target(self, kind: str, cls: type[Component]) -> str | None:
        """The name of the offer that stands for a class."""
        place = f"{cls.__module__}:{cls.__qualname__}"
        offers = (o for (k, _), rivals in self._by_name.items() for o in rivals if k == kind)
        return next((self.name_of(o) for o in offers if o.target in (cls, place)), None)

    def find(self, kind: str, name: str, hint: str) -> Offer:
        """Who offers a name.

        Args:
            kind: For example ``"metric"``.
            name: Plain or full.
            hint: What to do where nobody does.

        Raises:
            UnknownNameError: Nobody does; with what is near.
            UsageError: Several plugins do, none of them built in.
        """
        rivals = self._by_name.get((kind, name.rpartition("/")[2]), [])
        named = [o for o in rivals if o.full_name == name] or [o for o in rivals if o.name == name]
        if not named:
            raise UnknownNameError(kind, name, self.names(kind), hint)
        if len(named) > 1:
            wanted = " or ".join(repr(offer.full_name) for offer in named)
            raise UsageError(f"{clash(named)}; write {wanted}")
        return named[0]

    def clashes_of(self, origin: Origin) -> list[str]:
        """The names that a plugin has to share, and what its own are called instead."""
        return [
            f"{clash(rivals)}; this one is {offer.full_name!r}"
            for rivals in self._by_name.values()
            for offer in rivals
            if len(rivals) > 1 and offer.origin == origin and not origin.builtin
        ]


def clash(rivals: Sequence[Offer]) -> str:
    """That several plugins claim a name."""
    both = " and ".join(str(offer.origin) for offer in rivals)
    return f"the {rivals[0].kind} name {rivals[0].name!r} is claimed by {both}"
