"""Chooses the settings of suite `mini` on its development tasks: the same trials for each method.

Every method gets `TRIALS` settings drawn at random from its grid, with a fixed seed. A setting's
worth is its mean validation accuracy over the four development tasks and two seeds; the tasks get
more train images than those of the suite, all of them for validation, so that the pool stays as
large as in the suite. No target task and no test image is looked at. Writes every trial to
mini-tuning.json and prints the settings to be put into the suite.

    python docs/results/tune_mini.py
"""

from __future__ import annotations

import json
import random
from itertools import product
from pathlib import Path

import distbench

TRIALS = 16
SEEDS = 2
TASKS = ("objects", "birds", "land", "skin")
TRAIN, VALIDATION = 2000, 0.49  # 1020 images stay in the pool, as many as 0.85 of the suite's 1200

RATES = {"lr": (0.005, 0.01, 0.02, 0.05, 0.1), "head_lr": (1, 3, 10)}
GRIDS: dict[str, dict[str, tuple[object, ...]]] = {
    "finetune": {**RATES, "weight_decay": (0.0005, 0.005)},
    "scratch": {"lr": (0.02, 0.05, 0.1, 0.2, 0.4), "head_lr": (1, 3), "weight_decay": (5e-4, 5e-3)},
    "fixmatch": {**RATES, "threshold": (0.7, 0.8, 0.9, 0.95), "mu": (2, 3)},
    "pseudo_labels": {
        **RATES,
        "lam": (0.05, 0.1, 0.25, 0.5),
        "temperature": (1, 2, 4),
        "power": (3, 6, 9, 12),
    },
}
HERE = Path(__file__).parent


def trials(method: str) -> list[dict[str, object]]:
    """The settings that a method is tried with."""
    grid = GRIDS[method]
    everything = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    return random.Random(f"mini {method}").sample(everything, TRIALS)


def specification(method: str, setting: dict[str, object]) -> str:
    """A setting as one types it."""
    given = ",".join(f"{key}={value}" for key, value in setting.items() if key != "power")
    return f"{method}:{given}"


def worth(runs: list[distbench.Row]) -> dict[str, float]:
    """Mean validation accuracy by method."""
    found: dict[str, list[float]] = {}
    for row in runs:
        if row.result is None or row.result.validation_accuracy is None:
            raise SystemExit(f"{row.method.id} on {row.task.id}: {row.status}, {row.reason}")
        found.setdefault(row.method.id, []).append(row.result.validation_accuracy)
    return {method: sum(values) / len(values) for method, values in found.items()}


def run(**options: object) -> dict[str, float]:
    """Runs methods on the development tasks."""
    tasks = tuple(f"mini-dev-{name}:train={TRAIN}" for name in TASKS)
    made = distbench.run(suite="mini", task=tasks, validation=VALIDATION, seeds=SEEDS, **options)
    return worth(list(made.rows))


def main() -> None:
    results: dict[str, list[dict[str, object]]] = {}
    baselines = ("finetune", "scratch", "fixmatch")
    specs = {method: {specification(method, s): s for s in trials(method)} for method in GRIDS}
    flat = tuple(spec for method in baselines for spec in specs[method])
    values = run(distiller="none", baseline=flat, name="tune-baselines")
    labels = {_label("baseline", spec): spec for spec in flat}
    for method in baselines:
        results[method] = []
    for label, value in values.items():
        spec = labels[label]
        method = spec.partition(":")[0]
        results[method].append({**specs[method][spec], "validation": round(value, 4)})
    results["pseudo_labels"] = []
    for power in GRIDS["pseudo_labels"]["power"]:
        chosen = {spec: s for spec, s in specs["pseudo_labels"].items() if s["power"] == power}
        if not chosen:
            continue
        values = run(
            distiller=tuple(chosen),
            strategy=f"weighted:power={power}",
            baseline="none",
            name=f"tune-weighted-{power}",
        )
        labels = {_label("distiller", spec): spec for spec in chosen}
        for label, value in values.items():
            setting = chosen[labels[label.partition("/")[0]]]
            results["pseudo_labels"].append({**setting, "validation": round(value, 4)})
    for method, tried in results.items():
        tried.sort(key=lambda t: -float(str(t["validation"])))
        print(method, json.dumps(tried[0]))
    HERE.joinpath("mini-tuning.json").write_text(json.dumps(results, indent=1) + "\n")


def _label(kind: str, spec: str) -> str:
    from distbench.plugins import registry

    return registry().make(kind, spec).label


if __name__ == "__main__":
    main()
