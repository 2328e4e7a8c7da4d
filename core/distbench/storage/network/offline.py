"""Going without a network: nothing is contacted, in this process and those it starts."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
from typing import Any

from distbench.errors import DistbenchError

_FLAG = "DISTBENCH_OFFLINE"
_OTHERS = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
_guarded = False
_admitted: set[str] = set()
"""Names and addresses of other machines that are contacted all the same."""

_SENDING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
"""Events of the system's sockets that name an address; the socket comes first."""

_LOOKING_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
"""A name is turned into addresses."""

_NAMING = frozenset({"socket.gethostbyaddr", "socket.getnameinfo"})
"""An address is turned into a name: of any but these, a name server is asked."""
_NAMED = frozenset({"localhost", "127.0.0.1", "::1"})

_WITHIN = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
)
"""Families of sockets that never leave the machine."""


class OfflineError(DistbenchError, OSError):
    """Something tried to use the network although distbench is offline."""


def offline() -> bool:
    """Whether distbench is offline: by ``--offline``, or ``DISTBENCH_OFFLINE=1``.

    Example::

        >>> offline()
        False
    """
    return os.environ.get(_FLAG) == "1"


def go_offline() -> None:
    """Refuses every connection to another machine from now on, in this process.

    The libraries of the Hugging Face Hub are told. What tries all the same by a function of
    `socket`, as all of Python does, raises `OfflineError` before a packet leaves: connecting and
    sending (TCP, UDP and others), and looking up names and addresses. This machine is still
    reached, by ``localhost``, its loopback addresses and sockets that are files.

    Not held are connections that were open before, libraries that open sockets themselves without
    Python's, and programs that are started. Processes started from here are offline too once they
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


def admit(host: str) -> None:
    """Lets a machine be contacted although distbench is offline.

    For a cluster that a person named to compute on, and for nothing that data could be read from.

    Args:
        host: Its name or address.

    Example::

        >>> admit("scheduler.cluster")
    """
    if not host or not offline():
        return
    _admitted.add(host.lower())
    with contextlib.suppress(OSError):  # whoever contacts it says so
        for *_, address in socket.getaddrinfo(host, None):
            _admitted.add(_host(address))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket.") or not offline():
        return
    if event in _SENDING:
        end, address = arguments[:2]
        away = address is not None and end.family not in _WITHIN and not _here(_host(address))
    elif event in _LOOKING_UP:
        address, away = arguments[0], not _here(_host(arguments[0]))
    elif event in _NAMING:
        address, away = arguments[0], _host(arguments[0]) not in _NAMED | _admitted
    else:
        return
    if away:
        raise OfflineError(f"offline: {_host(address)} is not contacted")


def _host(address: Any) -> str:
    """The host in an address, or that an address is, as text."""
    host = address[0] if isinstance(address, tuple) and address else address
    if isinstance(host, (bytes, bytearray)):
        host = host.decode(errors="replace")
    return str("" if host is None else host).lower()


def _here(host: str) -> bool:
    """Whether a host is this machine, as no host is, or was admitted."""
    if host in ("", "localhost") or host in _admitted:
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified
