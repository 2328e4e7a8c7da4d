"""Steps of FixMatch: ours beside USB's, and both beside the same on ready-made views.

Equal are the student (the same module, in the same layout in memory), images, labelled images of a
step, `mu`, the three kinds of views with two operations of RandAugment, one joint pass, the moving
average, SGD and one thread with images made in the process that trains.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.absent import AbsentError, version
from benchmarks.side_by_side import usb
from benchmarks.side_by_side.report import Absent, Found, rates
from benchmarks.side_by_side.steps import READY, Case, ours
from benchmarks.side_by_side.turns import Prepared, in_turns
from benchmarks.test_training import BATCH, LABELS, context, student

from distbench.plugins.registry import registry

MU = 7
CASES = (Case("mini", 32, 12), Case("timm:mobilenetv2_035", 64, 6))


def compared(turns: int, cases: tuple[Case, ...] = CASES) -> Iterator[Found]:
    """Images a second of each case: every view of every image counts."""
    for case in cases:
        yield from _compared(case, turns)


def _compared(case: Case, turns: int) -> Iterator[Found]:
    what = f"FixMatch, {case.title}"
    method = registry().make("baseline", f"fixmatch:mu={MU}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        given = context(0, "mini", student(case.student).num_features, case.steps, place)
    (phase,) = method.phases(given)  # type: ignore[attr-defined]
    images = case.setting().images
    parts = {"labelled": given.labelled, "unlabelled": given.unlabelled}

    def by_usb() -> Prepared:
        sizes = {"steps": case.steps, "batch": BATCH, "mu": MU}
        made = usb.fixmatch(images, LABELS, parts, lambda: student(case.student), **sizes)
        return lambda: made.train()

    variants, peers = ours(case, phase), [READY]
    try:
        by_usb()
    except AbsentError as error:
        yield Absent(what, "USB", str(error))
    else:
        name = f"USB ({version('semilearn')})"
        variants[name] = by_usb
        peers.insert(0, name)
    seconds = in_turns(variants, turns)
    yield from rates(what, seconds, case.steps * BATCH * (1 + 2 * MU), peers)
