"""Going without a network: nothing is contacted, in this process and those it starts."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

from distbench.errors import DistbenchError

_FLAG = "DISTBENCH_OFFLINE"
_OTHERS = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
_guarded = False


class OfflineError(DistbenchError, OSError):
    """Something tried to use the network although distbench is offline."""


def offline() -> bool:
    """Whether distbench is offline: by ``--offline``, or ``DISTBENCH_OFFLINE=1``."""
    return os.environ.get(_FLAG) == "1"


def go_offline() -> None:
    """Refuses every connection to another machine from now on.

    The libraries of the Hugging Face Hub are told, and what tries all the same raises
    `OfflineError` before a packet leaves. Processes started from here are offline too, once they
    call `guard`, as workers do.
    """
    for name in (_FLAG, *_OTHERS):
        os.environ[name] = "1"
    if constants := sys.modules.get("huggingface_hub.constants"):
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined] # it reads this once
    guard()


def guard() -> None:
    """Installs the refusal where distbench is offline."""
    global _guarded
    if offline() and not _guarded:
        _guarded = True
        sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if offline() and not _here(host):
        raise OfflineError(f"offline: {host} is not contacted")


def _here(host: Any) -> bool:
    """Whether a host is this machine."""
    text = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if text == "localhost":
        return True
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
