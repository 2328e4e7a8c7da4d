"""A Slurm cluster of two nodes on this machine: munge, slurmctld and two slurmd.

It runs as root, without systemd, cgroups and accounting, from the Debian packages slurmctld,
slurmd, slurm-client and munge. GPUs are device files that behave like /dev/null.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

NODES = ("n1", "n2")
_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={machine}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
SlurmctldPort={ports[0]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
KillWait=5
JobRequeue=1
SchedulerParameters=sched_interval=1
GresTypes=gpu
NodeName=n1 NodeHostName={machine} NodeAddr=127.0.0.1 Port={ports[1]} {node}
NodeName=n2 NodeHostName={machine} NodeAddr=127.0.0.1 Port={ports[2]} {node}
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
_NODE = "CPUs=2 RealMemory=4000 Gres=gpu:2 State=UNKNOWN"
_GPUS = """\
NodeName=n1 Name=gpu File={folder}/gpus/gpu[0-1]
NodeName=n2 Name=gpu File={folder}/gpus/gpu[2-3]
"""


def why_not() -> str | None:
    """Why no cluster can be started here."""
    for name in ("munged", "slurmctld", "slurmd", "sbatch"):
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            return f"{name} is not installed: apt-get install slurmctld slurmd slurm-client munge"
    return None if os.geteuid() == 0 else "slurmd must be started by root"


@dataclass
class Cluster:
    """The two nodes.

    Attributes:
        folder: Where everything of it lies.
        environment: What commands of Slurm need.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        for name in ("state", "log", "gpus", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        for number in range(4):
            os.mknod(self.folder / f"gpus/gpu{number}", 0o666 | 0o020000, os.makedev(1, 3))
        about = {"folder": self.folder, "machine": platform.node().partition(".")[0]}
        configuration = self.folder / "slurm.conf"
        configuration.write_text(_CONFIGURATION.format(**about, ports=_free_ports(3), node=_NODE))
        (self.folder / "gres.conf").write_text(_GPUS.format(**about))
        path = f"{os.environ['PATH']}:/usr/sbin"
        self.environment = {"SLURM_CONF": str(configuration), "PATH": path}
        if subprocess.run(["munge", "-n"], capture_output=True).returncode:
            owner = ("-o", "munge", "-g", "munge")
            subprocess.run(["install", "-d", *owner, "/run/munge"], check=True)
            alone = ("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups")
            self._daemon(*alone, "munged", "--foreground", "--force")
        self._daemon("slurmctld", "-D", "-f", str(configuration))
        for node in NODES:
            self.start_node(node)
        until = time.monotonic() + 30
        while self.asked("sinfo", "-h", "-o", "%T").split() != ["idle"]:
            assert time.monotonic() < until, self.asked("sinfo")
            time.sleep(0.2)

    def start_node(self, node: str) -> None:
        self._nodes[node] = self._daemon("slurmd", "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """As if its power went: slurmd, its job steps and all that they started."""
        self._nodes[node].kill()
        self._nodes[node].wait()
        for process in self.processes_of(node):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def asked(self, *words: str) -> str:
        done = subprocess.run(
            words, env={**os.environ, **self.environment}, capture_output=True, text=True
        )
        return done.stdout

    def stop(self) -> None:
        self.asked("scancel", "--user=root")
        for node in NODES:
            self.kill_node(node)
        for step in self._steps():  # those whose job has ended, which wait to report it for ever
            with contextlib.suppress(ProcessLookupError):
                os.kill(step, signal.SIGKILL)
        for process in self._started:
            process.terminate()
        for process in self._started:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _daemon(self, *words: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        self._started.append(
            subprocess.Popen(
                words,
                env={**os.environ, **self.environment},
                stdin=quiet,
                stdout=quiet,
                stderr=quiet,
                start_new_session=True,
            )
        )
        return self._started[-1]

    def processes_of(self, node: str) -> list[int]:
        """What Slurm started on a node; those that would report its end come first."""
        steps, jobs = [], []
        for process, told in self._processes():
            if f"SLURMD_NODENAME={node}".encode() in told:
                jobs.append(process)
                parent = _parent(process)
                if _proc(parent, "cmdline").startswith(b"slurmstepd"):
                    steps.append(parent)
        return [*steps, *jobs]

    def _steps(self) -> list[int]:
        """Processes that Slurm has for each step of a job."""
        return [p for p, _ in self._processes() if _proc(p, "cmdline").startswith(b"slurmstepd")]

    def _processes(self) -> Iterator[tuple[int, list[bytes]]]:
        """Processes that were told of this cluster, with their variables."""
        for folder in Path("/proc").glob("[0-9]*"):
            told = _proc(process := int(folder.name), "environ").split(b"\0")
            if f"SLURM_CONF={self.folder}/slurm.conf".encode() in told:
                yield process, told


def _proc(process: int, what: str) -> bytes:
    """A file of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{process}/{what}").read_bytes()
    except OSError:
        return b""


def _parent(process: int) -> int:
    fields = _proc(process, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, each another."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
