"""What the executor `slurm` asks of the cluster, and when it refuses to begin."""

from __future__ import annotations

import importlib.util
import shutil
from typing import Any

import pytest

from distbench import UsageError
from distbench.plugins.registry import registry
from distbench_builtin.executors.slurm import Slurm
from distbench_builtin.shared.pilots.pilot import own_gpu


def made(text: str) -> Slurm:
    executor = registry().make("executor", text)
    assert isinstance(executor, Slurm)
    return executor


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match=r"finds no `sbatch` here; start the run on a login node"):
        Slurm().ready()
    made("slurm:cluster=local").ready()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("distbench_builtin.executors.slurm.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'distbench\[slurm\]'"):
        Slurm().ready()


@pytest.mark.parametrize(
    ("text", "device", "units", "gpus"),
    [
        ("slurm:8", "auto", 8, 0),
        ("slurm:8:gpus=1", "auto", 8, 1),
        ("slurm:8:gpus=4", "auto", 32, 1),
        ("slurm:8:gpus=1", "cpu", 8, 0),
        ("slurm:8", "cuda", 8, 1),
    ],
)
def test_capacity(text: str, device: str, units: int, gpus: int) -> None:
    assert made(text).capacity(device, 1) == units
    assert made(text).gpus_a_unit(device) == gpus


def test_what_a_job_asks_for(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    submitit = pytest.importorskip("submitit")
    from submitit.slurm.slurm import SlurmExecutor

    monkeypatch.setattr(SlurmExecutor, "affinity", classmethod(lambda cls: 2))
    executor = made(
        "slurm:2:partition=gpu,account=lab,time=90,gpus=2,cpus=3,memory=16,constraint=a100,"
        'setup="module load cuda; export X=1",directives.mail_type=END,directives.exclusive=true'
    )
    asking = submitit.AutoExecutor(tmp_path, cluster="slurm")
    asking.update_parameters(tasks_per_node=2, **executor._asked("auto", 1))
    text = asking._executor._make_submission_file_text("python", "1")
    for line in (
        *("--partition=gpu", "--account=lab", "--time=90", "--gpus-per-node=2", "--mem=16GB"),
        *("--cpus-per-task=3", "--constraint=a100", "--ntasks-per-node=2", "--mail-type=END"),
        *("--exclusive", "--requeue"),
    ):
        assert f"#SBATCH {line}\n" in text
    assert "\nmodule load cuda; export X=1\n" in text
    assert "srun --unbuffered" in text and " --cpus-per-task=3 python" in text


@pytest.mark.parametrize(
    ("text", "device", "gpus"),
    [
        ("slurm", "auto", None),
        ("slurm", "cuda", 1),
        ("slurm:gpus=0", "cuda", None),
        ("slurm:gpus=2", "auto", 2),
        ('slurm:directives.gres="gpu:a100:1"', "cuda", None),
        ("slurm:directives.gpus_per_task=1", "cuda", None),
    ],
)
def test_a_job_asks_for_a_gpu_where_the_run_computes_on_one(
    text: str, device: str, gpus: int | None
) -> None:
    assert made(text)._asked(device, 1)["gpus_per_node"] == gpus


def test_each_pilot_of_a_job_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert own_gpu(1) == {"CUDA_VISIBLE_DEVICES": "5"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert own_gpu(0) == {}
