"""Tasks of a Ray cluster."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import Field, PrivateAttr

from distbench import (
    Executor,
    UnitQueue,
    UsageError,
    admit,
    primary,
    usable_cores,
    visible_gpus,
)
from distbench_builtin.shared.clusters.engines import CONNECT, own_signals, quiet, require, said
from distbench_builtin.shared.clusters.ray_units import Dispatch, Nodes

_STORE = 100_000_000
"""Bytes of the object store of a Ray of our own: outcomes are all that passes through it."""
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_TOKEN = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


class Ray(Executor):
    """Computes units as tasks of a Ray cluster: of one that runs, or of one that it starts here.

    `ray:HOST:6379` and `ray:auto` join the cluster that this machine is a node of,
    `ray:ray://HOST:10001` reaches one from outside; a bare `ray` starts one on this machine and
    stops it again. A task takes as many CPUs and GPUs as its unit does, and a process serves one
    after the other, with a warm worker. A unit whose process or node is gone is lost, and the run's
    `retries` decide. Needs the extra `ray`. Moritz et al., Ray: A Distributed Framework for
    Emerging AI Applications, OSDI 2018.
    """

    address: str | None = primary(
        None, description="HOST:PORT of a cluster, ray://HOST:PORT, or auto; one of our own if none"
    )
    patience: float = Field(
        300.0, gt=0, description="seconds without any node for a unit after which the run gives up"
    )
    fixed: bool = Field(
        False,
        description="no node is added meanwhile: units wait here until there is room for them, and "
        "go where the images of their task lie",
    )

    _gpus_there: bool = PrivateAttr(False)

    @property
    def here(self) -> bool:  # noqa: D102
        return self.address is None

    def ready(self) -> None:  # noqa: D102
        require("ray", "ray")
        if self.address not in (None, "auto"):
            _check_port(self.address)
        if self.address is not None:
            with self._connected() as ray:
                self._gpus_there = Nodes(ray).most("GPU") > 0

    def gpus_a_unit(self, device: str) -> int:
        """One where nodes have GPUs, or the device is named."""
        if self.here:
            return super().gpus_a_unit(device)
        return int(device.startswith("cuda") or (device == "auto" and self._gpus_there))

    def capacity(self, device: str, threads: int) -> int | None:
        """As `local` on this machine; elsewhere as many as the cluster has room for."""
        if not self.here:
            return None
        return _gpus(device) or max(usable_cores() // threads, 1)

    def drain(self, queue: UnitQueue) -> None:
        """Hands tasks to the cluster until nothing is left."""
        if not queue.open:
            return
        with self._connected((queue.workers or 1) * queue.threads, queue.device) as ray:
            Dispatch(queue, ray, self.patience, grows=not (self.here or self.fixed)).drain()

    @contextmanager
    def _connected(self, cpus: int = 1, device: str = "cpu") -> Iterator[Any]:
        """Ray, connected; what was begun here is ended again, a Ray that runs is left alone.

        Raises:
            UsageError: No cluster answers.
        """
        _settle(own=self.address is None)
        import ray

        if ray.is_initialized():  # by whoever calls us, as in a notebook
            yield ray
            return
        with _folder(own=self.address is None) as folder:
            own: dict[str, Any] = {
                "num_cpus": cpus,
                "num_gpus": _gpus(device),
                "include_dashboard": False,
                "object_store_memory": _STORE,
                "_temp_dir": folder,
            }
            with quiet("ray"), own_signals():
                try:
                    ray.init(
                        address=self.address or "local",
                        logging_level=logging.CRITICAL,
                        log_to_driver=False,
                        **({} if self.address else own),
                    )
                except (OSError, ValueError, RuntimeError) as error:
                    where = f"answers at {self.address}" if self.address else "can be started here"
                    raise UsageError(f"executor ray: no Ray {where} ({said(error)})") from None
            try:
                yield ray
            finally:
                with quiet("ray"), own_signals():
                    ray.shutdown()


def _gpus(device: str) -> int:
    """How many GPUs of this machine a run may use."""
    return len(visible_gpus()) if device in ("auto", "cuda") else 0


def _check_port(address: str) -> None:
    """Looks whether anything listens at an address: Ray itself would end the process over it.

    Raises:
        UsageError: Nothing does, or it is no address.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal():
        raise UsageError(f"executor ray: {address!r} is no address; write HOST:PORT, or auto")
    admit(host)
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"executor ray: nothing answers at {address} ({said(error)}); name a Ray cluster that "
            "runs, e.g. ray:HOST:6379"
        ) from None


def _settle(*, own: bool) -> None:
    """Sets variables that Ray reads as it is imported, where nobody else has.

    A Ray of our own gets a token that its processes know one another by, or it would write one into
    the person's home folder, and Rays that are started later would ask for that.
    """
    os.environ.update({k: v for k, v in _SETTINGS.items() if k not in os.environ})
    if own and not any(name in os.environ for name in _TOKEN):
        os.environ[_TOKEN[0]] = secrets.token_hex(32)


@contextmanager
def _folder(*, own: bool) -> Iterator[str]:
    """A folder for a Ray of our own, removed with it."""
    if not own:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        yield folder
