"""As many results as files that mteb reads, and its leaderboard of them: one process each.

``python -m benchmarks.side_by_side.mteb_results write|rank FOLDER MODELS TASKS``
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np


def _tasks(count: int) -> list[Any]:
    """Tasks of mteb's with one subset and one split: a file has one score."""
    import mteb

    single = (t for t in mteb.get_tasks() if len(t.eval_splits) == len(t.hf_subsets) == 1)
    return list(islice(single, count))


def write(folder: Path, models: int, tasks: int) -> None:
    """Result files in mteb's layout, of models that it knows: others have no rank."""
    import mteb

    rng, results = np.random.default_rng(0), _results(tasks)
    for model in islice((meta for meta in mteb.get_model_metas() if meta.name), models):
        own = folder / "results" / model.model_name_as_path() / (model.revision or "none")
        own.mkdir(parents=True)
        meta = json.dumps(model.to_dict(), default=str)
        (own / "model_meta.json").write_text(meta, encoding="utf-8")
        for name, (result, scores, measure) in results.items():
            scores["main_score"] = scores[measure] = round(float(rng.random()), 6)
            (own / f"{name}.json").write_text(json.dumps(result, indent=2), encoding="utf-8")


def _results(tasks: int) -> dict[str, tuple[dict[str, Any], dict[str, Any], str]]:
    """What a file holds, by task; its table of scores; and the name of the task's measure."""
    import mteb

    made = {}
    for task in _tasks(tasks):
        (split,), (subset,), measure = task.eval_splits, task.hf_subsets, task.metadata.main_score
        scores = {split: {subset: {"main_score": 0.0, measure: 0.0}}}
        result = mteb.TaskResult.from_task_results(task, scores, evaluation_time=1.0).to_dict()
        made[task.metadata.name] = result, result["scores"][split][0], measure
    return made


def rank(folder: Path, models: int, tasks: int) -> None:
    """The summary table of all results, as a CSV file."""
    import mteb
    from mteb.benchmarks.benchmark import Benchmark

    benchmark = Benchmark(name="side by side", tasks=_tasks(tasks))
    results = mteb.ResultCache(folder).load_results(tasks=benchmark, include_remote=False)
    table = results.get_benchmark_result()
    if len(table) != models:
        raise ValueError(f"mteb ranks {len(table)} of {models} models")
    table.to_csv(folder / "leaderboard.csv")


if __name__ == "__main__":
    doing = {"write": write, "rank": rank}[sys.argv[1]]
    doing(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
