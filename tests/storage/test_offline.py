"""Offline: by no function of `socket` is another machine named or reached; this one is."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import json, socket, sys, threading
from distbench.storage.network.offline import go_offline, OfflineError
go_offline()
udp = lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp6 = lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
"""

AWAY = {
    "getaddrinfo": "socket.getaddrinfo('example.org', 80)",
    "getaddrinfo of bytes": "socket.getaddrinfo(b'example.org', 80)",
    "gethostbyname": "socket.gethostbyname('example.org')",
    "gethostbyname_ex": "socket.gethostbyname_ex('example.org')",
    "gethostbyaddr": "socket.gethostbyaddr('192.0.2.1')",
    "gethostbyaddr of a name": "socket.gethostbyaddr('example.org')",
    "a loopback address without a name": "socket.gethostbyaddr('127.9.8.7')",
    "getnameinfo": "socket.getnameinfo(('192.0.2.1', 80), 0)",
    "getnameinfo of IPv6": "socket.getnameinfo(('2001:db8::1', 80, 0, 0), 0)",
    "connect": "socket.create_connection(('192.0.2.1', 80), timeout=1)",
    "connect_ex": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "connect of UDP": "udp().connect(('192.0.2.1', 80))",
    "a name that begins as this machine": "socket.gethostbyname('localhost.example.org')",
    "sendto": "udp().sendto(b'x', ('192.0.2.1', 80))",
    "sendto with flags": "udp().sendto(b'x', 0, ('192.0.2.1', 80))",
    "sendmsg": "udp().sendmsg([b'x'], [], 0, ('192.0.2.1', 80))",
    "sendmsg of IPv6": "udp6().sendmsg([b'x'], [], 0, ('2001:db8::1', 80))",
    "a mapped address": "udp6().sendto(b'x', ('::ffff:192.0.2.1', 80))",
}


def outcomes(attempts: dict[str, str]) -> dict[str, str]:
    """What comes of expressions in a process that is offline."""
    code = BEGIN + (
        "ends = {}\n"
        f"for name, text in {attempts!r}.items():\n"
        "    try:\n"
        "        eval(text)\n"
        "        ends[name] = 'done'\n"
        "    except OfflineError as error:\n"
        "        ends[name] = str(error)\n"
        "    except OSError as error:\n"
        "        ends[name] = type(error).__name__\n"
        "print(json.dumps(ends))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_no_function_of_socket_reaches_another_machine() -> None:
    for name, outcome in outcomes(AWAY).items():
        assert outcome.startswith("offline: "), (name, outcome)
        assert outcome.endswith(" is not contacted"), name


def test_getfqdn_asks_nobody() -> None:
    """It catches what refuses and gives the name back as it is."""
    code = BEGIN + "print(socket.getfqdn('192.0.2.1'), socket.getfqdn('example.org'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["192.0.2.1", "example.org"]


def test_this_machine_is_reached_by_every_name_and_family(tmp_path: Path) -> None:
    here = {
        "getaddrinfo": "socket.getaddrinfo('LocalHost', 80)",
        "for a server": "socket.getaddrinfo(None, 80)",
        "gethostbyname": "socket.gethostbyname('localhost')",
        "gethostbyname_ex": "socket.gethostbyname_ex('localhost')",
        "getnameinfo": "socket.getnameinfo(('127.0.0.1', 80), 0)",
        "numbers": "socket.getaddrinfo('127.0.0.1', 80)",
        "sendto": "udp().sendto(b'x', ('127.0.0.1', 9))",
        "sendmsg": "udp().sendmsg([b'x'], [], 0, ('127.0.0.1', 9))",
        "bind": "udp().bind(('0.0.0.0', 0))",
        "a pair": "[one.sendmsg([b'x']) for one, other in [socket.socketpair()]]",
    }
    if hasattr(socket, "AF_UNIX"):
        path = str(tmp_path / "s")
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        here["a socket that is a file"] = f"socket.socket(socket.AF_UNIX).connect({path!r})"
        ends = outcomes(here)
        server.close()
    else:
        ends = outcomes(here)
    assert ends == dict.fromkeys(here, "done")


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="there is no netlink here")
def test_what_stays_in_the_kernel_is_let_through() -> None:
    talk = "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).connect((0, 0))"
    assert outcomes({"netlink": talk}) == {"netlink": "done"}


def test_a_machine_that_is_admitted_is_contacted_and_no_other() -> None:
    begin = "__import__('distbench').admit('192.0.2.1')"
    ends = outcomes(
        {
            "before": "udp().connect(('192.0.2.1', 80))",
            "admitted": begin,
            "after": "udp().connect(('192.0.2.1', 80))",
            "another": "udp().connect(('192.0.2.2', 80))",
        }
    )
    assert ends == {
        "before": "offline: 192.0.2.1 is not contacted",
        "admitted": "done",
        "after": "done",
        "another": "offline: 192.0.2.2 is not contacted",
    }
