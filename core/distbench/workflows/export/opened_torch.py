"""Exported students that torch runs: by their ``load.py``, as a program, or as a folder of timm."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.errors import WeightsError, reason_of
from distbench.workflows.export.own_imports import own_imports
from distbench.workflows.export.preprocessing import Preprocessing, normalised
from distbench.workflows.export.quiet import quiet

Network = Callable[[torch.Tensor], torch.Tensor]
Logits = Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.floating]]


def _by_loader(folder: Path) -> Network:
    """What the code of the folder makes of its weights, from pixels to logits."""
    with own_imports(folder):
        there = runpy.run_path(str(folder / "load.py"))
        network = there["load"]()
    of_pixels = there["logits"]
    return lambda pixels: of_pixels(network, pixels)


def _program(folder: Path) -> Network:
    with quiet():
        return torch.export.load(folder / "model.pt2").module()


def _timm(folder: Path, about: Mapping[str, Any]) -> Network:
    import timm

    network = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    names = Preprocessing.__dataclass_fields__
    steps = Preprocessing(**{name: about[name] for name in names if name in about})
    return lambda pixels: network(normalised(pixels, steps))


def _opening(
    load: Callable[[Path, Mapping[str, Any]], Network],
) -> Callable[[Path, Mapping[str, Any], int | None], Logits]:
    """How a form is opened: its network over batches of squares, with so many threads."""

    def opened(folder: Path, about: Mapping[str, Any], threads: int | None) -> Logits:
        try:
            network = load(folder, about)
        except Exception as error:  # whatever code, files and libraries meet
            raise WeightsError(
                f"{folder} cannot be read: {reason_of(error)}; export it again"
            ) from error

        @torch.inference_mode()
        def logits(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.floating]:
            pixels = np.stack([image.transpose(2, 0, 1) for image in images])
            with _threads(threads):
                answer: NDArray[np.floating] = network(torch.from_numpy(pixels)).numpy()
            return answer

        return logits

    return opened


@contextmanager
def _threads(wanted: int | None) -> Iterator[None]:
    """So many threads for the operations of the calling thread, as far as it is said."""
    before = torch.get_num_threads()
    if wanted is None or wanted == before:
        yield
        return
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


OPENED = {
    "pt2": _opening(lambda folder, about: _program(folder)),
    "timm": _opening(_timm),
    "torch": _opening(lambda folder, about: _by_loader(folder)),
}
"""How each form is opened, by its name."""
