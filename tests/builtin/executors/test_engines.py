"""What keeps executors on an engine from beginning is said in one line, before any work."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import socket
import sys
from typing import Any

import pytest

from distbench import UsageError
from distbench.plugins.registry import registry
from distbench_builtin.shared.clusters.engines import own_signals


def made(spec: str) -> Any:
    return registry(()).make("executor", spec)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.mark.parametrize(
    ("spec", "package", "extra"),
    [
        ("dask", "distributed", "dask"),
        ("dask:cluster=slurm", "dask_jobqueue", "dask"),
        ("ray:auto", "ray", "ray"),
    ],
)
def test_a_library_that_is_not_installed(
    spec: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "distbench_builtin.shared.clusters.engines.find_spec",
        lambda name: None if name == package else find("json"),
    )
    with pytest.raises(UsageError) as refused:
        made(spec).ready()
    assert str(refused.value) == (
        f"executor {extra} needs the package {package!r}, which is not installed: "
        f"pip install 'distbench[{extra}]'"
    )


def test_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    monkeypatch.setattr("distbench_builtin.executors.dask.CONNECT", 0.5)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(UsageError, match=f"no Dask scheduler answers at {address} "):
        made(f"dask:{address}").ready()
    with pytest.raises(UsageError, match="no Dask scheduler answers at nonsense://x"):
        made("dask:nonsense://x").ready()


def test_no_ray_answers() -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    port = free_port()
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(UsageError, match=f"nothing answers at {address} "):
            made(f"ray:{address}").ready()
    with pytest.raises(UsageError, match="'somewhere' is no address; write HOST:PORT, or auto"):
        made("ray:somewhere").ready()


def test_only_a_bare_name_computes_here() -> None:
    for name in ("dask", "ray"):
        assert made(name).here
        assert made(name).capacity("cpu", 1) >= 1
    for spec in ("dask:tcp://h:1", "dask:cluster=pbs", "ray:h:1", "ray:auto"):
        assert not made(spec).here
        assert made(spec).capacity("auto", 1) is None
        assert made(spec).gpus_a_unit("cuda") == 1
        assert made(spec).gpus_a_unit("auto") == 0
    assert made("dask:cluster=slurm,gpus=2").gpus_a_unit("auto") == 1


@pytest.mark.parametrize(
    ("spec", "device", "gpus"),
    [("", "auto", 0), ("", "cuda", 1), (",gpus=0", "cuda", 0), (",gpus=2", "auto", 2)],
)
def test_a_job_has_a_gpu_where_the_run_computes_on_one(spec: str, device: str, gpus: int) -> None:
    assert made(f"dask:cluster=slurm{spec}")._pilots(device).gpus == gpus


def test_one_cluster_at_a_time() -> None:
    with pytest.raises(UsageError, match=r"give an address or cluster=\.\.\., not both"):
        made("dask:tcp://h:1:cluster=slurm")


NO_JOBQUEUE = importlib.util.find_spec("dask_jobqueue") is None


@pytest.mark.skipif(NO_JOBQUEUE, reason="needs the extra dask")
class TestPilots:
    def test_where_no_jobs_can_be_submitted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(UsageError, match="there is no bsub here; run it where jobs of lsf"):
            made("dask:cluster=lsf").ready()

    @pytest.mark.parametrize(
        ("spec", "directives", "units"),
        [
            ("cores=8", [], 4),
            ("cores=8,gpus=1", ["--gres=gpu:1"], 1),
            ("gpus=2,directives=--gpus-per-node=2+--qos=high", None, 2),
        ],
    )
    def test_what_a_job_asks_for(
        self, spec: str, directives: Any, units: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: dict[str, Any] = {}

        class Recorder:
            def __init__(self, **more: Any) -> None:
                given.update(more)

            def sync(self, submitted: Any) -> None:
                asyncio.run(submitted())

            def scale(self, jobs: int) -> None:
                given["jobs"] = jobs

            async def _correct_state(self) -> None:
                pass

        executor = made(f"dask:cluster=slurm,jobs=3,memory=4GB,walltime=04:00:00,queue=q,{spec}")
        with own_signals():
            monkeypatch.setattr("dask_jobqueue.SLURMCluster", Recorder)
        executor._pilots("auto").cluster(threads=2)
        assert (given["jobs"], given["memory"]) == (3, "4GB")
        assert (given["walltime"], given["queue"]) == ("04:00:00", "q")
        assert "account" not in given
        assert given["worker_extra_args"][:2] == ["--nthreads", str(units)]
        wanted = ["--gpus-per-node=2", "--qos=high"] if directives is None else directives
        assert given["job_extra_directives"] == wanted

    def test_what_happens_on_a_signal_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in sys.modules if name.startswith("dask_jobqueue")]:
            monkeypatch.delitem(sys.modules, name)

        def nameless() -> str:
            raise OSError("no name")

        monkeypatch.setattr(socket, "gethostname", nameless)
        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(OSError, match="no name"):
            made("dask:cluster=slurm")._pilots("cpu").cluster(1)
        assert "dask_jobqueue.runner" in sys.modules
        assert signal.getsignal(signal.SIGINT) is before
