"""Differences between methods of a table, by groups of tasks and by tasks: the tables of mini.md.

python docs/results/differences.py registry/results
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.analysis.reports import BoardReport, reports
from distbench.leaderboard.statistics import Difference, holm, over_groups, paired_t
from distbench.workflows.collect import collect

PAIRS = (
    ("weighted - fine-tune", "pseudo_labels/weighted", "finetune"),
    ("weighted - linear probe", "pseudo_labels/weighted", "linear_probe"),
    ("weighted - FixMatch", "pseudo_labels/weighted", "fixmatch"),
    ("weighted - FlexMatch", "pseudo_labels/weighted", "flexmatch"),
    ("weighted - nearest", "pseudo_labels/weighted", "pseudo_labels/nearest"),
    ("weighted - equal", "pseudo_labels/weighted", "pseudo_labels/equal"),
    ("weighted - nearest domain", "pseudo_labels/weighted", "pseudo_labels/nearest_domain"),
    ("nearest domain - nearest", "pseudo_labels/nearest_domain", "pseudo_labels/nearest"),
    ("weighted - one per domain", "pseudo_labels/weighted", "pseudo_labels/one_per_domain"),
    ("weighted - generalist", "pseudo_labels/weighted", "distill_generalist"),
    ("task_oriented - weighted", "task_oriented/weighted", "pseudo_labels/weighted"),
    ("task_agnostic - weighted", "task_agnostic/weighted", "pseudo_labels/weighted"),
    ("label_propagation - weighted", "label_propagation/weighted", "pseudo_labels/weighted"),
    ("label_propagation - task_oriented", "label_propagation/weighted", "task_oriented/weighted"),
    ("joint_labels - weighted", "joint_labels/weighted", "pseudo_labels/weighted"),
    ("joint_labels - label_propagation", "joint_labels/weighted", "label_propagation/weighted"),
    ("FixMatch - fine-tune", "fixmatch", "finetune"),
    ("FlexMatch - fine-tune", "flexmatch", "finetune"),
)
FIELD = (
    ("joint_linear - label_propagation", "joint_linear/weighted", "label_propagation/weighted"),
    ("joint_linear - weighted", "joint_linear/weighted", "pseudo_labels/weighted"),
    ("peft_ensemble - label_propagation", "peft_ensemble/weighted", "label_propagation/weighted"),
    ("peft_ensemble - task_oriented", "peft_ensemble/weighted", "task_oriented/weighted"),
    ("ae_kd - task_oriented", "ae_kd/weighted", "task_oriented/weighted"),
    ("ca_mkd - task_oriented", "ca_mkd/weighted", "task_oriented/weighted"),
    ("logit_matching - task_oriented", "logit_matching/weighted", "task_oriented/weighted"),
    ("agglomerative - task_agnostic", "agglomerative/weighted", "task_agnostic/weighted"),
    ("feature_matching - task_agnostic", "feature_matching/weighted", "task_agnostic/weighted"),
    ("FreeMatch - FlexMatch", "freematch", "flexmatch"),
    ("SoftMatch - FlexMatch", "softmatch", "flexmatch"),
    ("AdaMatch - FlexMatch", "adamatch", "flexmatch"),
    ("Mean Teacher - fine-tune", "mean_teacher", "finetune"),
    ("LP-FT - fine-tune", "lp_ft", "finetune"),
    ("another head - fine-tune", "head_finetune", "finetune"),
    ("logit adjustment - fine-tune", "logit_adjusted", "finetune"),
    ("several views - fine-tune", "view_averaging", "finetune"),
)
"""The methods of the field that came later, each beside the nearest that was there."""
METRICS = ("logme", "parc")
IN_README = (0, 2, 4, 6, 5, 12, 14)
"""Those of README's table, in its order, whose p values are adjusted for these alone."""

Pairs = Sequence[tuple[str, str, str]]
"""What a difference is called, and its two methods."""
Accuracies = dict[str, dict[str, dict[int, float]]]
"""Method to task to seed to accuracy."""


def accuracies(report: BoardReport) -> Accuracies:
    """What each method of a table reached."""
    reached: Accuracies = defaultdict(lambda: defaultdict(dict))
    for row in report.rows:
        if row.result is not None:
            reached[row.method.id][row.task.id][row.seed] = row.result.accuracy
    return reached


def difference(
    reached: Accuracies, ours: str, theirs: str, tasks: Sequence[str], groups: Sequence[str]
) -> Difference | None:
    """Of two methods over groups of tasks; None where one of them is not in the table."""
    if ours not in reached or theirs not in reached:
        return None
    gaps = []
    for task in tasks:
        a, b = reached[ours][task], reached[theirs][task]
        gaps.append(np.mean([a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())]))
    return paired_t(over_groups(gaps, groups))


def _of(method: str, metric: str, reached: Accuracies) -> str:
    """A method with a metric, where it takes one."""
    whole = f"{method}/{metric}"
    return whole if whole in reached else method


def shown(found: Difference | None) -> str:
    """A difference in points."""
    if found is None or found.half is None:
        return ""
    return f"{100 * found.mean:+.1f} ± {100 * found.half:.1f}"


def adjusted(differences: Sequence[Difference | None]) -> NDArray[np.float64]:
    """Their p values by Holm; NaN where there is none."""
    return holm([np.nan if d is None or d.p is None else d.p for d in differences])


def main(path: str) -> None:
    """Prints the table of the largest board below a path."""
    report = reports(collect([Path(path)]))[0]
    board, reached = report.board, accuracies(report)

    def found(pairs: Pairs, metric: str, groups: Sequence[str]) -> list[Difference | None]:
        return [
            difference(
                reached, _of(a, metric, reached), _of(b, metric, reached), board.tasks, groups
            )
            for _, a, b in pairs
        ]

    columns: list[list[str]] = [[name for name, *_ in PAIRS]]
    for metric in METRICS:
        by_group = found(PAIRS, metric, board.groups)
        columns.append([shown(d) for d in by_group])
        columns.append(["" if np.isnan(p) else f"{p:.3f}" for p in adjusted(by_group)])
        columns.append([shown(d) for d in found(PAIRS, metric, board.tasks)])
    count, tasks = len(set(board.groups)), len(board.tasks)
    heads = ["difference"]
    for metric in METRICS:
        heads += [f"{metric}, {count} groups", "p (Holm)", f"{metric}, {tasks} tasks"]
    print("| " + " | ".join(heads) + " |\n" + "| --- " * len(heads) + "|")
    for line in zip(*columns, strict=True):
        print("| " + " | ".join(line) + " |")
    for name, pairs in (("README", [PAIRS[i] for i in IN_README]), ("of the field", FIELD)):
        print(f"\n| {name} | logme | p (Holm) |\n| --- | --- | --- |")
        by_group = found(pairs, "logme", board.groups)
        for (what, *_), one, p in zip(pairs, by_group, adjusted(by_group), strict=True):
            print(f"| {what} | {shown(one)} | {p:.3f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
