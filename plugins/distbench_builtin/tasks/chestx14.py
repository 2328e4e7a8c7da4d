"""ChestX-ray14 with all findings of an image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from distbench_builtin.shared.images.pool import Pool, stem
from distbench_builtin.tasks.paper import names, official
from distbench_builtin.tasks.paper.entry import PaperEntry
from distbench_builtin.tasks.paper.mirrors import HubMirror, Official
from distbench_builtin.tasks.paper.table import ENTRIES
from distbench_builtin.tasks.paper.task import PaperTask

_PATIENT = re.compile(r"(\d+)_\d+")
"""Names of images begin with the number of the patient."""


def _entry() -> PaperEntry:
    """The data set of `paper-chestx` with nothing left out of it."""
    some = ENTRIES["chestx"]
    mirrors = [
        replace(mirror, several=True)
        if isinstance(mirror, HubMirror)
        else replace(mirror, reader=official.chestx14)
        for mirror in some.mirrors
        if isinstance(mirror, HubMirror | Official)
    ]
    return PaperEntry(
        "ChestX-ray14",
        tuple(mirrors),
        names.CHESTX14,
        {"train": 86_524, "test": 25_596},
        seen_by=some.seen_by,
        licence=some.licence,
    )


ENTRY = _entry()


class ChestXray14(PaperTask):
    """ChestX-ray14, multi-label: a chest X-ray shows any of 14 findings, or none.

    Wang et al., ChestX-ray8: Hospital-scale chest X-ray database (CVPR 2017), with the official
    lists of training and test images. Images of one patient stay together. Methods are usually
    compared by AUROC: ``--measure auroc``.
    """

    def _entry(self) -> PaperEntry:
        return ENTRY

    def _groups(self, pools: Mapping[str, Pool]) -> dict[str, list[str | None]]:
        return {part: [_patient(name) for name in pool.names] for part, pool in pools.items()}


def _patient(image: str) -> str | None:
    match = _PATIENT.fullmatch(stem(image))
    return match[1] if match else None
