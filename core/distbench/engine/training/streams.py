"""Streams of batches: order, views and targets of the images of every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.engine.training.augment import VIEWS
from distbench.engine.training.batches import central, to_floats
from distbench.engine.training.read_ahead import RowReader
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.steps.descent import Blame, nobody
from distbench.engine.training.views import ReadyView
from distbench.errors import ArgumentError
from distbench.interfaces.task import UNLABELLED
from distbench.interfaces.training.stream import Batch, Named, Stream


def stream_finding(stream: Stream, images: int) -> str | None:
    """What in a stream does not fit so many images; None where everything does."""
    outside = (stream.positions < 0) | (stream.positions >= images)
    if outside.any():
        return f"has positions outside 0..{images - 1}"
    arrays = {} if stream.labels is None else {"labels": stream.labels}
    arrays |= {f"targets {name!r}": values for name, values in stream.targets.items()}
    for name, values in arrays.items():
        if (shape := np.shape(values))[:1] != (images,):
            return (
                f"has {name} of shape {tuple(shape)} for {images} images; labels and targets are "
                f"aligned with the {stream.of} images, not with positions"
            )
    return None


_PIXELS = "pixels"


class BatchStream:
    """An endless stream of batches: every image once before any comes again, or by weights.

    Args:
        stream: What is wanted.
        setting: The images, and where batches are brought.
        seed: Of order and views, unless the stream has its own.
        blame: Whose views these are.

    Raises:
        ArgumentError: Its positions, labels or targets do not fit the images.
    """

    def __init__(
        self, stream: Stream, setting: TrainingSetting, seed: int, blame: Blame = nobody
    ) -> None:
        self._stream, self._setting, self._blame = stream, setting, blame
        own = stream.seed
        self._generator = torch.Generator().manual_seed(seed if own is None else own)
        pixels = setting.pixels(stream.of)
        if wrong := stream_finding(stream, len(pixels)):
            raise ArgumentError(f"a stream {wrong}")
        targets = {f"target {name}": np.asanyarray(rows) for name, rows in stream.targets.items()}
        self._rows = RowReader({_PIXELS: pixels, **targets}, frozenset(targets), setting.device)
        self._waiting = np.empty(0, dtype=np.int64)
        self._weights = None if stream.weights is None else torch.tensor(stream.weights)

    def __next__(self) -> Batch:
        stream, device = self._stream, self._setting.device
        chosen = self._next_positions()  # (b,)
        rows = self._rows.rows(chosen)
        if self._weights is None and len(self._waiting) >= stream.batch:
            self._rows.expect(self._waiting[: stream.batch])
        positions = torch.from_numpy(chosen).to(device)
        views = self._views(rows[_PIXELS], positions)
        known = np.full(len(chosen), UNLABELLED) if stream.labels is None else stream.labels[chosen]
        labels = torch.from_numpy(known).to(device)  # (b,) or (b, c)
        targets = {name: rows[f"target {name}"] for name in stream.targets}  # (b, ...)
        return Batch(views, labels, Named("target", targets), positions)

    def _next_positions(self) -> NDArray[np.int64]:
        stream, waiting = self._stream, self._waiting
        if self._weights is not None:
            drawn = torch.multinomial(
                self._weights, stream.batch, replacement=True, generator=self._generator
            )
            chosen: NDArray[np.int64] = stream.positions[drawn.numpy()]
            return chosen
        while len(waiting) < stream.batch:
            order = torch.randperm(len(stream.positions), generator=self._generator).numpy()
            left = waiting[:0] if stream.drop_last else waiting
            waiting = np.concatenate([left, stream.positions[order]])
        self._waiting = waiting[stream.batch :]
        return waiting[: stream.batch]

    def _views(self, stored: torch.Tensor, positions: torch.Tensor) -> Named[torch.Tensor]:
        """Views of stored images, uint8 (b, s, s, 3)."""
        views, generator = self._stream.views, self._generator
        asked = views if isinstance(views, Mapping) else dict(zip(views, views, strict=True))
        size, flip = self._setting.image_size, self._setting.flip
        images = None
        made = {}
        for name, view in asked.items():
            if isinstance(view, str):
                if images is None:
                    images = to_floats(stored, size, crop=self._setting.crop)  # (b, 3, size, size)
                made[name] = VIEWS[view](images, generator, flip)
            elif isinstance(view, ReadyView):
                shown = stored if view.whole else central(stored, self._setting.crop)
                made[name] = view.make(shown, size, flip, generator)
            else:
                with self._blame(f"view {name!r}"):
                    made[name] = view(stored.clone(), positions.clone(), generator)
        return Named("view", made)

    def state_dict(self) -> dict[str, Any]:
        """What the next batches depend on."""
        waiting = torch.from_numpy(self._waiting.copy())
        return {"waiting": waiting, "generator": self._generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where another stream of the same kind was."""
        self._waiting = state["waiting"].numpy()
        self._generator.set_state(state["generator"])
