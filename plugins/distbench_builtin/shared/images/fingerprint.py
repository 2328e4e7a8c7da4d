"""By what a set of images is known: their names, classes, parts and contents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from distbench_builtin.shared.caching.list_digest import list_digest
from distbench_builtin.shared.images.copies import Item


def fingerprint_of(
    items: Mapping[str, Sequence[Item]], groups: Mapping[str, NDArray[np.int64] | None]
) -> str:
    """SHA-256 over name, class, part and content of every image, and what belongs together."""
    facts = sorted(
        (item.name, item.label or "", part, str(item.digest))
        for part, own in items.items()
        for item in own
    )
    whole = list_digest(facts)
    for part, numbers in sorted(groups.items()):
        if numbers is not None:
            whole.update(json.dumps([part, numbers.tolist()]).encode())
    return whole.hexdigest()
