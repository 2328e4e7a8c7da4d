"""Steps of FixMatch: ours beside USB's, and both beside the same on ready-made views.

Equal are the student (the same module, in the same layout in memory), images, labelled images of a
step, `mu`, the three kinds of views with two operations of RandAugment, one joint pass, the loss
(which is compared first), the moving average, SGD and one thread with images made in the process
that trains.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.absent import AbsentError, version
from benchmarks.side_by_side import usb
from benchmarks.side_by_side.report import Absent, Found, rates
from benchmarks.side_by_side.steps import READY, Case, ours, ready_batches, same_loss
from benchmarks.side_by_side.turns import Prepared, in_turns
from benchmarks.test_training import BATCH, LABELS, context, student

from distbench.interfaces.training.phase import Phase
from distbench.plugins.registry import registry

MU = 7
CASES = (Case("mini", 32, 12), Case("timm:mobilenetv2_035", 64, 6))
_SURE = 0.05
"""A threshold that untrained networks pass, so that both terms of the loss are compared."""


def compared(turns: int, cases: tuple[Case, ...] = CASES) -> Iterator[Found]:
    """Images a second of each case: every view of every image counts."""
    for case in cases:
        yield from _compared(case, turns)


def _compared(case: Case, turns: int) -> Iterator[Found]:
    what, phase = f"FixMatch, {case.title}", _phase(case)

    def by_usb() -> Prepared:
        algorithm = _usb(case, phase)
        return lambda: algorithm.train()

    variants, peers = ours(case, phase), [READY]
    try:
        _see_that_losses_are_equal(case)
    except AbsentError as error:
        yield Absent(what, "USB", str(error))
    else:
        name = f"USB ({version('semilearn')})"
        variants[name] = by_usb
        peers.insert(0, name)
    seconds = in_turns(variants, turns)
    yield from rates(what, seconds, case.steps * BATCH * (1 + 2 * MU), peers)


def _phase(case: Case, threshold: float = 0.95) -> Phase:
    phase: Phase
    method: Any = registry().make("baseline", f"fixmatch:mu={MU},threshold={threshold}")
    with tempfile.TemporaryDirectory() as folder:
        width = student(case.student).num_features
        (phase,) = method.phases(context(0, "mini", width, case.steps, Path(folder)))
    return phase


def _usb(case: Case, phase: Phase, threshold: float = 0.95) -> Any:
    parts = {name: stream.positions for name, stream in phase.streams.items()}
    return usb.fixmatch(
        case.setting().images,
        LABELS,
        parts,
        lambda: student(case.student),
        case.normalise(),
        steps=case.steps,
        batch=BATCH,
        mu=MU,
        threshold=threshold,
    )


def _see_that_losses_are_equal(case: Case) -> None:
    phase = _phase(case, _SURE)
    theirs = _usb(case, phase, _SURE)
    batches = ready_batches(phase, case.setting())
    own = phase.loss(student(case.student).train(), batches).detach()
    same_loss(own, usb.loss(theirs, batches, case.normalise()))
