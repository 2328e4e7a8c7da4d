"""Variables of the environment that a unit needs wherever it is computed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from distbench.storage.home import home

_HANDED = (
    *("DISTBENCH_OFFLINE", "DISTBENCH_PLUGINS", "DISTBENCH_STRICT_PLUGINS", "DISTBENCH_SCRATCH"),
    *("HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE"),
    *("HF_DATASETS_OFFLINE", "TORCH_HOME", "XDG_CACHE_HOME"),
    *("DISTBENCH_STORE", "DISTBENCH_STORE_PATIENCE"),
    # Where a cloud is; who may use it each machine knows by itself, since this is written to files.
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AWS_REGION"),
    *("AWS_DEFAULT_REGION", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "AZURE_STORAGE_ACCOUNT_NAME"),
)
_BOUNDS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_before: dict[str, str | None] = {}
"""What was set here before a run's variables took its place; None where nothing was."""


def handed_over(threads: int) -> dict[str, str]:
    """What `distbench.execute_unit` sets before anything else.

    Args:
        threads: CPU threads of a unit.
    """
    given = {name: os.environ[name] for name in _HANDED if name in os.environ}
    return {**given, **dict.fromkeys(_BOUNDS, str(threads)), "DISTBENCH_HOME": str(home())}


def take_over(environment: Mapping[str, str]) -> None:
    """Sets the variables of a run, and nothing else of the run that this process served before."""
    while _before:
        name, value = _before.popitem()
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    for name, value in environment.items():
        _before[name] = os.environ.get(name)
        os.environ[name] = value
