"""A control: what a ranking by chance is worth."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from distbench import Declined, Metric, Probe, Role


class Random(Metric):
    """A random number per source: what a metric must beat to say anything.

    A control, not a method. The number is drawn from the seed of the probe and from the name and
    the weights' fingerprint of the source, so it is the same in every run and on every machine,
    differs between sources, and depends neither on images nor on labels::

        first 53 bits of SHA-256("random", seed, name, fingerprint) / 2^53

    Where nothing is known of the source it depends on the seed alone: all sources tie.

    Range: [0, 1), uniform. Needs source_info. Cost: O(1).

    Example::

        >>> facts = {"name": "a", "fingerprint": "b"}
        >>> round(distbench.score("random", labels=[0, 1], source_info=facts), 3)
        0.095
    """

    needs: ClassVar = frozenset({"source_info"})
    kinds: ClassVar = frozenset({"single", "several"})
    role: ClassVar[Role] = "control"

    def score(self, probe: Probe) -> float:
        """The number of this source and seed."""
        try:
            name, fingerprint = probe.source.name, probe.source.fingerprint
        except Declined:
            name = fingerprint = ""
        key = "\0".join(["random", str(probe.seed), name, fingerprint])
        bits = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 11
        return bits / 2**53
