"""What twice the labels bring to a linear probe, and what its curve has one expect: docs/advise.md.

python docs/results/more_labels.py FOLDERS_OF_IMAGES...
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from distbench.engine.workspace import Workspace
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan
from distbench.workflows.advise.label_curve import probe_curve, some_labels
from distbench.workflows.advise.probes import probe_hits

SOURCES = ("dogs-plain", "objects-res", "textures-plain")
LABELS = (50, 100, 200, 400)


def gains(folder: Path) -> Iterator[tuple[float, float]]:
    """Expected and real gain of a doubling, for some sources of `mini` and numbers of labels."""
    config = RunConfig.make(
        task=(f"folder:path={folder}",),
        zoo="mini",
        student="mini",
        labelled=0.99,
        validation=0.2,
        image_size=32,
        baseline=("none",),
    )
    plan = make_plan(config)
    (task,) = plan.tasks
    context = Workspace(plan).context(task, 0)
    for source in SOURCES:
        for count in LABELS:
            if 2 * count > len(context.labelled):
                continue
            few = some_labels(context, count / len(context.labelled), 99)
            curve = probe_curve(replace(context, labelled=few), source)
            if curve is None or curve.next_doubling is None:
                continue
            others = np.setdiff1d(context.labelled, few)
            drawn = np.random.default_rng(count).permutation(others)[: len(few)]
            twice = probe_hits(context, source, np.sort(np.concatenate([few, drawn])))
            yield curve.next_doubling[0], float(twice.mean()) - curve.points[-1].accuracy.mean


def main(folders: list[Path]) -> None:
    print("| images | tries | expected | came | mean error | between 0 and twice |")
    print("| --- | --- | --- | --- | --- | --- |")
    for folder in folders:
        expected, came = np.array(list(gains(folder))).T
        inside = (came >= 0) & (came <= 2 * expected)
        error = np.abs(came - expected).mean()
        shown = (f"{100 * value:.1f}" for value in (expected.mean(), came.mean(), error))
        print(f"| {folder.name} | {len(came)} | {' | '.join(shown)} | {inside.sum()} |", flush=True)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
