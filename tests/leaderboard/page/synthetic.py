"""Leaderboards whose truth is known, of any size, as rows and as run folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

TASKS = tuple(
    f"mini-{t}" for t in ("cifar10", "cub", "chestx", "eurosat", "isic", "nabirds", "pets", "dogs")
)
METRICS = ("logme", "parc", "leep", "hscore", "random")
SOURCES = tuple(f"{d}-{a}" for d in ("birds", "cats", "cars", "food") for a in ("res", "dw", "vit"))


def component(name: str, version: int = 1, **params: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "params": params}


def plain_row(
    method: str,
    task: str,
    seed: int,
    accuracy: float,
    components: dict[str, Any],
    *,
    role: str = "ranked",
    scores: dict[str, float] | None = None,
    weights: dict[str, float] | None = None,
    macs: int = 10**10,
    steps: int = 10,
    **fields: Any,
) -> dict[str, Any]:
    """A row as the table that its JSON holds."""
    weights = weights or {}
    curve = [
        {"step": 30 * (i + 1), "loss": 2.5 / (i + 1), "validation_accuracy": accuracy * i / steps}
        for i in range(steps)
    ]
    row: dict[str, Any] = {
        "schema_version": 2,
        "key": f"{method}|{task}|{seed}",
        "status": "done",
        "method": {"id": method, "role": role, "components": components},
        "task": {"id": task, "use": task, "fingerprint": f"f-{task}", "classes": ["a", "b", "c"]},
        "seed": seed,
        "suite": "mini",
        "suite_version": 1,
        "protocol": {"version": 1, "labelled": "4-per-class", "image_size": 32, "steps": 300},
        "student": {"name": "mini", "params": {"pretrained": True}, "version": 1},
        "zoo": "mini@8b22" if weights else None,
        "plugins": {"distbench": "0.1.0"},
        "result": {
            "accuracy": round(accuracy, 4),
            "balanced_accuracy": round(accuracy * 0.97, 4),
            "validation_accuracy": round(accuracy, 4),
            "predictions_digest": "0" * 64,
            "curve": curve,
            "sources": {
                "eligible": list(weights),
                "excluded": {"saw-it": f"saw this task ({task})"} if weights else {},
                "scores": scores or {},
                "weights": weights,
                "fingerprints": dict.fromkeys(weights, "a" * 64),
            },
            "parts": {
                "labelled": 40,
                "unlabelled": 400,
                "validation": 60,
                "test": 10_000,
                "split_seed": seed,
            },
            "declared": {"steps": 300, "images_per_step": 64.0},
            "student_digest": f"{method}|{task}|{seed}|{accuracy}",
        },
        "cost": {
            "parameters": 55152,
            "student_macs": 1495296,
            "teacher_macs": 10**8 if weights else 0,
            "training_macs": macs,
            "teacher_pass_macs": macs if weights else None,
            "steps": 300,
            "train_seconds": macs / 1e10,
            "teacher_pass_seconds": 1.0,
            "teacher_training_seconds": 0.0,
            "total_seconds": 9.0,
            "latency_ms": 0.2,
            "peak_memory_mb": 900.0,
        },
        "environment": {"device": "cpu", "threads": 1, "machine": "x86_64"},
    }
    return {**row, **fields}


def small_board(seeds: int = 3) -> Iterator[dict[str, Any]]:
    """A few methods of every kind: ranked, control, ceiling, incomplete, single sources, markup."""
    rng = np.random.default_rng(0)
    hard = {task: 0.05 * i for i, task in enumerate(TASKS)}
    good = {source: rng.normal(0, 0.06) for source in SOURCES}
    levels = {"finetune": 0.5, "fixmatch": 0.53, "flexmatch": 0.531}

    def noisy(level: float, task: str) -> float:
        return float(np.clip(level + hard[task] + rng.normal(0, 0.012), 0, 1))

    for task in TASKS:
        lucky = {source: good[source] + rng.normal(0, 0.02) for source in SOURCES}
        for seed in range(seeds):
            for name, level in levels.items():
                parts = {"baseline": component(name, lr=0.1)}
                macs = 10**10 * (1 + len(name) % 4)
                yield plain_row(name, task, seed, noisy(level, task), parts, macs=macs)
            parts = {"baseline": component("scratch")}
            yield plain_row(
                "scratch", task, seed, noisy(0.2, task), parts, role="control", macs=10**10
            )
            parts = {"distiller": component("finetune_source")}
            yield plain_row(
                "finetune_source", task, seed, noisy(0.64, task), parts, role="ceiling", macs=10**12
            )
            if (task, seed) != (TASKS[-1], seeds - 1):
                parts = {"baseline": component("evil", note="</script><b>bold</b>")}
                evil = "<img src=x onerror=alert(1)>/<script>alert(2)</script>"
                yield plain_row(evil, task, seed, noisy(0.45, task), parts)
            for rank, metric in enumerate(METRICS):
                noise = 0.02 + 0.03 * rank if metric != "random" else 10.0
                scores = {s: lucky[s] + rng.normal(0, noise) for s in SOURCES}
                best = max(scores, key=lambda s: scores[s])
                share = np.exp(30 * np.array(list(scores.values())).clip(-1, 1))
                spread = dict(zip(SOURCES, (share / share.sum()).tolist(), strict=True))
                for strategy in ("nearest", "weighted"):
                    one = {s: float(s == best) for s in SOURCES}
                    parts = {
                        "distiller": component("pseudo_labels", temperature=1.0, ratio=1),
                        "strategy": component(strategy, power=9.0),
                        "metric": component(metric),
                    }
                    yield plain_row(
                        f"pseudo_labels/{strategy}/{metric}",
                        task,
                        seed,
                        noisy(0.58 + lucky[best] + 0.01 * (strategy == "weighted"), task),
                        parts,
                        role="control" if metric == "random" else "ranked",
                        scores=scores,
                        weights=one if strategy == "nearest" else spread,
                        macs=2 * 10**10 * (1 + 7 * (strategy == "weighted")) + rank,
                    )
            for source in SOURCES:
                parts = {
                    "distiller": component("pseudo_labels", temperature=1.0, ratio=1),
                    "strategy": component("only", source=source),
                }
                yield plain_row(
                    f"pseudo_labels/only:{source}",
                    task,
                    seed,
                    noisy(0.58 + lucky[source], task),
                    parts,
                    role="control",
                    weights={s: float(s == source) for s in SOURCES},
                    macs=2 * 10**10,
                )


def large_board(methods: int, seeds: int, sources: int = 28) -> Iterator[dict[str, Any]]:
    """Many methods on eight tasks, each row with all sources and a curve, as real ones have."""
    rng = np.random.default_rng(1)
    names = [f"source-{i:02}" for i in range(sources)]
    level = rng.normal(0.6, 0.05, methods)
    for number in range(methods):
        base = number == 0
        strategy = f"weighted:power={number % 40}"
        metric = f"metric_{number // 40}"
        method = "finetune" if base else f"pseudo_labels/{strategy}/{metric}"
        parts = (
            {"baseline": component("finetune")}
            if base
            else {
                "distiller": component("pseudo_labels"),
                "strategy": component("weighted", power=float(number % 40)),
                "metric": component(metric),
            }
        )
        for task in TASKS:
            for seed in range(seeds):
                draw = rng.random(sources)
                yield plain_row(
                    method,
                    task,
                    seed,
                    float(np.clip(level[number] + rng.normal(0, 0.01), 0, 1)),
                    parts,
                    scores={} if base else dict(zip(names, draw.tolist(), strict=True)),
                    weights=(
                        {} if base else dict(zip(names, (draw / draw.sum()).tolist(), strict=True))
                    ),
                    macs=10**10 + 10**8 * number,
                )


def run_folder(folder: Path, rows: Iterator[dict[str, Any]], seeds: int = 3) -> Path:
    """A run's folder with these rows."""
    folder.mkdir(parents=True)
    plan = {"schema": 2, "tasks": [{"id": task} for task in TASKS], "seeds": list(range(seeds))}
    (folder / "plan.json").write_text(json.dumps(plan))
    with (folder / "rows.jsonl").open("w") as file:
        for row in rows:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
    return folder
