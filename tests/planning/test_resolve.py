from __future__ import annotations

from pathlib import Path

from distbench.planning.config import RunConfig
from distbench.planning.resolve import ResolvedRun

METRICS = """
from distbench import Metric
class Demanding(Metric):
    "Needs a number."
    k: int
    def score(self, probe): return 1.0
class Broken(Metric):
    "Cannot be made."
    def model_post_init(self, context): raise SystemExit(0)
    def score(self, probe): return 1.0
"""


def test_metrics_that_cannot_be_made_stop_no_other() -> None:
    Path("odd.py").write_text(METRICS)
    run = ResolvedRun(RunConfig(metric=("all",), plugin=(Path("odd.py"),)))
    made = {component.name for component in run.components("metric")}
    assert {"logme", "knn"} < made
    assert not made & {"demanding", "broken"}
    assert run.metrics_left_out["demanding"].endswith("demanding needs k=...")
    assert "cannot be made: SystemExit: 0" in run.metrics_left_out["broken"]
    assert not ResolvedRun(RunConfig(plugin=(Path("odd.py"),))).metrics_left_out
