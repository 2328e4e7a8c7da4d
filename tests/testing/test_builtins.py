"""What comes with distbench passes the suite that it asks of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distbench.testing.run import Case, cases_of

_RUNS = ("listens", "again", "end_to_end")
ELSEWHERE = {
    "reporter:mlflow": _RUNS,  # tests/builtin/reporters
    "reporter:wandb:mode=offline": _RUNS,
    "executor:local": ("end_to_end",),  # tests/workflows/test_run.py
    "executor:dask": ("end_to_end",),  # tests/cluster
    "executor:ray": ("end_to_end",),
    # tests/builtin/students, tests/workflows/export and tests/engine/training
    "student:torchvision:shufflenet_v2_x0_5:pretrained=false": (
        "onnx",
        "gradients",
        "memory_format",
    ),
    "student:timm:test_efficientnet:pretrained=false": ("onnx", "gradients"),
}
"""What takes long and has tests of its own, of the same or a longer way."""
_ONE_OF_THEM = ("task:mini-cub", "task:paper-cub200", "task:taskoriented-eurosat")
_RUN = ("metric:logme", "metric:cka", "metric:plasticity", "metric:zero_shot")
"""Metrics that read features, a reference, another metric, and texts: others go the same way."""
_FAMILIES = ("task:mini-", "task:paper-", "task:taskoriented-")


def chosen() -> list[Case]:
    """All, but of tasks that are one class with another name each only the first, and few runs."""
    found = []
    for case in cases_of("builtin"):
        if case.component.startswith(_FAMILIES) and case.component not in _ONE_OF_THEM:
            continue
        is_metric = case.component.startswith("metric:")
        if is_metric and case.check == "end_to_end" and case.component not in _RUN:
            continue
        if case.check in ELSEWHERE.get(case.component, ()):
            continue
        found.append(case)
    return found


CASES = chosen()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_built_in(case: Case) -> None:
    verdict = case.run()
    if verdict.result in ("declined", "skipped"):
        pytest.skip(f"{verdict.result}: {verdict.note}")
    assert verdict.result == "passed", f"{verdict.note}; {verdict.remedy}"


def test_nothing_is_left_out() -> None:
    from distbench.interfaces.kinds import KINDS

    assert {case.component.partition(":")[0] for case in CASES} == set(KINDS)
    assert len({case.component for case in CASES}) > 60


@pytest.mark.parametrize("spec", ["folder:path=images", "images:path=images/train"])
@pytest.mark.slow
def test_tasks_of_ones_own_images(spec: str) -> None:
    rng = np.random.default_rng(0)
    for number in range(40):
        folder = Path("images", "test" if number % 4 == 3 else "train", f"class-{number % 2}")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    found = [case.run() for case in cases_of(f"task:{spec}")]
    wrong = [v for v in found if v.result == "failed"]
    if spec.startswith("images"):
        # Images to distil on: they have neither classes nor a test part.
        assert {v.check for v in wrong} <= {"index", "end_to_end"}
    else:
        assert wrong == []
    passed = {v.check for v in found if v.result == "passed"}
    assert passed >= {"images", "threads", "read_reduced", "fingerprint"}
