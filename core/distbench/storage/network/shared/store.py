"""What machines share: files under a key, put once and taken by all."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from distbench.storage.hashing import digest
from distbench.storage.network.shared.address import patience, store_address
from distbench.storage.network.shared.bucket import LARGEST, PAGE, Bucket
from distbench.storage.network.shared.packed import Files, packed, unpacked

_AT_ONCE = 16
"""Requests on their way at a time."""
_FEW = 100
"""Keys that are asked for one by one where a store has more names than fit on a page."""

T = TypeVar("T")


class SharedStore:
    """Files under a kind and a key, in a bucket; see `shared_store`.

    Every method raises a `StoreError` where the bucket cannot be reached.

    Args:
        bucket: Where they lie.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @property
    def address(self) -> str:
        """Where it is."""
        return self._bucket.address

    def get(self, kind: str, key: str) -> dict[str, bytes] | None:
        """The files under a key, none of them where they were altered; None where nothing is."""
        data = self._bucket.get(_name(kind, key))
        try:
            return None if data is None else unpacked(data)
        except ValueError:
            return {}

    def offer(
        self, kind: str, key: str, files: Files, usable: Callable[[Files], bool] = bool
    ) -> dict[str, bytes] | None:
        """Puts files under a key, unless another has done so.

        Args:
            kind: Of what they are.
            key: The key.
            files: Its files.
            usable: Says of others' whether they are what they should be; they are replaced if not.

        Returns:
            The files of whoever was first; None where these are there now, or are too large.
        """
        name, data = _name(kind, key), packed(files)
        if len(data) > LARGEST:
            return None
        if self._bucket.create(name, data):
            return None
        there = self.get(kind, key)
        if there is not None and usable(there):
            return there
        # Two who find it damaged may both do this; what either of them puts is whole.
        self._bucket.replace(name, data)
        return None

    def present(self, kind: str, keys: Collection[str]) -> set[str]:
        """Of some keys those that have files.

        By one request where the store is small or many are asked for, a page of names each; a few
        keys of a large store are asked for one by one.
        """
        if not keys:
            return set()
        pages = self._bucket.pages(kind)
        names = set(next(pages, ()))
        if len(names) >= PAGE and len(keys) <= _FEW:
            return {key for key, there in self.each(self._has(kind), keys) if there}
        for page in pages:
            names.update(page)
        return {key for key in keys if _name(kind, key) in names}

    def each(self, ask: Callable[[str], T], keys: Iterable[str]) -> Iterator[tuple[str, T]]:
        """What is answered for each key; many are asked at once."""
        keys = list(keys)
        if len(keys) == 1:
            yield keys[0], ask(keys[0])
            return
        with ThreadPoolExecutor(_AT_ONCE, "distbench-store") as asking:
            yield from zip(keys, asking.map(ask, keys), strict=True)

    def _has(self, kind: str) -> Callable[[str], bool]:
        return lambda key: self._bucket.has(_name(kind, key))


def shared_store() -> SharedStore | None:
    """The store at ``$DISTBENCH_STORE``; None where none is named.

    Raises:
        UsageError: The variable is no address of a store, or what reaches it is not installed.
    """
    address = store_address()
    if address is None:
        return None
    clouds = ("AWS_", "GOOGLE_", "AZURE_")
    named = {name: value for name, value in os.environ.items() if name.startswith(clouds)}
    return _opened(address, patience(), digest(named))


@lru_cache(maxsize=4)
def _opened(address: str, patience: float, environment: str) -> SharedStore:
    """A store, with its connections, for all that is done with it under these variables."""
    return SharedStore(Bucket(address, patience))


def _name(kind: str, key: str) -> str:
    return f"{kind}/{key[:2]}/{key}.tar"
