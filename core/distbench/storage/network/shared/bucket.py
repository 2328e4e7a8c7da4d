"""Objects by name in a bucket or container, reached by obstore."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from distbench.errors import StoreError, UsageError
from distbench.storage.network.shared.address import VARIABLE

_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT")
LARGEST = 4 * 2**30
"""Bytes of an object; one that is larger is neither read nor written."""
PAGE = 1000
"""Names that a store gives at once."""
_RETRIES = 1000
"""More than fit into the time that a request is given."""
_AT_FIRST = 15.0
"""Seconds for which listing is tried again, at most: a run begins with it, and somebody waits."""
_PAUSE = 1.0
"""Seconds between two attempts of ours."""
_NOISE = re.compile(
    r"Generic \w+ error: |Error performing list request: |, max_retries: .*?(?= - |$)"
    r"|HTTP error: (?=error)|\?\S+"
)
_REQUEST = re.compile(r"Error performing \w+ (\w+://[^/\s]+)\S*")
"""The object is named besides, so that the server alone is left."""
_CAUSE = re.compile(r'message: "([^"<]+)"')
"""What the system said, within what obstore tells to its developers."""

T = TypeVar("T")


class Bucket:
    """Objects below one address.

    Args:
        address: As `store_address` gives it.
        patience: Seconds for which a request is tried again.

    Raises:
        UsageError: The address cannot be used, or obstore is not installed.
    """

    def __init__(self, address: str, patience: float) -> None:
        self.address, self._patience = address, patience
        try:
            import obstore
        except ImportError:
            raise UsageError(
                f"{VARIABLE} needs obstore, which is not installed: "
                "pip install 'distbench[objects]'"
            ) from None
        self._obstore: Any = obstore
        try:
            self._store = _opened(address, patience)
            self._lister = _opened(address, min(patience, _AT_FIRST))
        except Exception as error:  # each kind of store has errors of its own
            raise UsageError(f"{VARIABLE}={address} cannot be used: {_said(error)}") from None

    def get(self, name: str) -> bytes | None:
        """What an object holds, nothing of one above `LARGEST`; None where there is none."""
        try:
            return self._ask("reading", name, lambda: self._read(name), FileNotFoundError)
        except FileNotFoundError:
            return None

    def _read(self, name: str) -> bytes:
        there = self._obstore.get(self._store, name)
        return b"" if there.meta["size"] > LARGEST else bytes(there.bytes())

    def has(self, name: str) -> bool:
        """Whether there is an object of this name."""
        look = partial(self._obstore.head, self._store, name)
        try:
            self._ask("looking for", name, look, FileNotFoundError)
        except FileNotFoundError:
            return False
        return True

    def create(self, name: str, data: bytes) -> bool:
        """Puts an object where there is none of its name; False where there is one, which stays."""
        there = self._obstore.exceptions.AlreadyExistsError
        put = partial(self._obstore.put, mode="create", use_multipart=False)
        try:
            self._ask("writing", name, partial(put, self._store, name, data), there)
        except there:
            return False
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Puts an object, whatever is there."""
        put = partial(self._obstore.put, use_multipart=False)
        self._ask("writing", name, partial(put, self._store, name, data))

    def pages(self, folder: str) -> Iterator[list[str]]:
        """Names of the objects below a folder, as many at once as a store gives."""
        pages = iter(self._obstore.list(self._lister, folder, chunk_size=PAGE))
        while page := self._ask("listing", folder, lambda: next(pages, None)):
            yield [str(facts["path"]) for facts in page]

    def _ask(self, doing: str, name: str, ask: Callable[[], T], *answers: type[Exception]) -> T:
        """Asks the store; what it says is raised as a `StoreError`, and answers as they are."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return _interruptibly(ask)
            except answers:
                raise
            except (self._obstore.exceptions.BaseError, OSError, ValueError) as error:
                if _broke_off(error) and time.monotonic() < until:
                    time.sleep(_PAUSE)
                    continue
                raise StoreError(
                    f"the store {self.address} cannot be used ({doing} {name}: {_said(error)}); "
                    f"see that it can be reached, that {VARIABLE} and the variables of its cloud "
                    "are right, and that you may list, read and write there"
                ) from None


def _interruptibly(ask: Callable[[], T]) -> T:
    """Asks in a thread of its own, where signals would wait for the answer: obstore hears of none.

    Nobody waits for that thread when the process ends.
    """
    if threading.current_thread() is not threading.main_thread():
        return ask()
    answer: Future[T] = Future()

    def asked() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=asked, daemon=True, name="distbench-store").start()
    return answer.result()


def _opened(address: str, patience: float) -> Any:
    from obstore.store import LocalStore, from_url

    if address.startswith("file:"):
        return LocalStore(Path(unquote(urlsplit(address).path)), mkdir=True)
    # A server without TLS is one that was named so.
    plain = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS)
    return from_url(
        address,
        client_options={"allow_http": True} if plain else {},
        retry_config={
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=patience),
            "backoff": {"max_backoff": timedelta(seconds=5)},
        },
    )


def _broke_off(error: Exception) -> bool:
    """Whether a connection broke within an answer, which obstore does not try again by itself."""
    sentence = str(error).partition("\n")[0]
    final = ("after ", "builder error", "non-2xx")
    return (
        "error" in sentence and "HTTP" in sentence and not any(word in sentence for word in final)
    )


def _said(error: Exception) -> str:
    """What went wrong in one line, without what a server answered: that may name a key."""
    whole = str(error)
    text = _NOISE.sub("", whole.partition("\n")[0].partition("<")[0]).rstrip(" :")
    text = _REQUEST.sub(r"\1", text)
    cause = _CAUSE.search(whole)
    return f"{text}, {cause[1].lower()}" if cause and cause[1] not in text else text
