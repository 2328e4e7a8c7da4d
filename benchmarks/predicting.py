"""How much of the machine `distbench predict` turns into answers: ``python -m benchmarks.predicting
MODEL IMAGES...``, with an export and what `distbench predict` takes for images.

Measured by turns, so that other work on the machine meets all of them alike, medians of rounds:

- ``forward``: the bare forward pass, batches that were decoded before, as the library spreads it
  over its threads; and with one thread a batch, batches side by side, whichever is faster;
- ``decode``: the images decoded and resized alone, in as many threads as there are cores;
- ``open``: the model opened alone;
- ``predict``: all of `distbench predict`, opening the model and writing a CSV included.

No program that decodes on the cores that run the model is faster than the three of them one after
the other, with all cores busy: that is the ``bound``. Where decoding takes as long as the model, it
is half of the bare forward pass. ``wall`` depends on what else the machine does, ``CPU`` does not:
it is the time of the process on all cores.

Without arguments a MobileNetV2 of random weights sees drawn JPEG files at 224 pixels.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from distbench.storage.system.machine import processor, usable_cores
from distbench.workflows.export.opened import Model, open_model
from distbench.workflows.predict.inputs import Columns, Item, gather
from distbench.workflows.predict.pipeline import BATCH, _seen
from distbench.workflows.predict.predict import predict

ROUNDS, DRAWN, SIDE = 3, 256, 224
Batches = list[list[np.ndarray]]


@contextmanager
def drawn() -> Iterator[tuple[Path, list[str]]]:
    """A network of random weights as an ONNX file, and JPEG files for it."""
    import json

    import onnx
    import timm
    import torch
    from benchmarks.test_stores import pictures

    from distbench import Classifier
    from distbench.workflows.export.forms.onnx_graph import graph_of, network_graph
    from distbench.workflows.export.preprocessing import Preprocessing

    torch.manual_seed(0)
    backbone = timm.create_model("mobilenetv2_050", num_classes=0)
    middle = (0.5, 0.5, 0.5)
    steps = Preprocessing(SIDE, SIDE, middle, middle)
    model = Classifier(backbone, 10, middle, middle).eval()
    graph = graph_of(network_graph(model, torch.rand(2, 3, SIDE, SIDE)), steps)
    about = {"classes": list("abcdefghij"), "preprocessing": steps.as_dict()}
    for key, value in about.items():
        graph.metadata_props.add(key=key, value=json.dumps(value))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        onnx.save_model(graph, folder / "model.onnx")
        (folder / "images").mkdir()
        for number, picture in enumerate(pictures()[:DRAWN]):
            Image.fromarray(picture).save(folder / "images" / f"{number}.jpg", quality=90)
        # Several times: the first batches of a fresh session are dearer, and would count too much.
        yield folder / "model.onnx", [str(folder / "images")] * 4


def decode(model: Model, items: Sequence[Item]) -> list[np.ndarray]:
    """All images as the model takes them."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        return [seen for seen in pool.map(lambda item: _seen(item, model), items)
                if not isinstance(seen, str)]  # fmt: skip


def together(model: Model, batches: Batches) -> None:
    """Batches one after the other, each spread over the library's threads."""
    for batch in batches:
        model.logits(batch)


def side_by_side(model: Model, batches: Batches) -> None:
    """As many batches at once as there are cores."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(model.logits, batches))


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    begin, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - used


def main(path: Path, given: Sequence[str]) -> None:
    one, spread = open_model(path, 1), open_model(path)
    items = gather(given, one, labelled=False, columns=Columns())
    seen = decode(one, items)
    batches = [seen[start : start + BATCH] for start in range(0, len(seen), BATCH)]
    with tempfile.TemporaryDirectory() as folder:
        works: dict[str, Callable[[], Any]] = {
            "forward, library's threads": lambda: together(spread, batches),
            "forward, side by side": lambda: side_by_side(one, batches),
            "decode": lambda: decode(one, items),
            "open": lambda: open_model(path, 1),
            "predict": lambda: predict(path, given, output=Path(folder, "answers.csv")),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for turn in range(ROUNDS + 1):
            for name, work in works.items():
                spent = seconds(work)
                if turn:  # the first one warms up
                    taken[name].append(spent)
    say = sys.stdout.write
    say(f"{len(seen)} images, {usable_cores()} cores of {processor()}, {ROUNDS} rounds\n")
    medians = {
        name: [median(part) for part in zip(*rounds, strict=True)] for name, rounds in taken.items()
    }
    for name, (wall, cpu) in medians.items():
        rate, each = len(seen) / wall, 1000 * cpu / len(seen)
        say(f"{name:28} {rate:8.0f} images/s {each:8.3f} ms CPU an image\n")
    forwards = [medians[name] for name in works if name.startswith("forward")]
    forward = [min(part) for part in zip(*forwards, strict=True)]
    for unit, number in (("wall", 0), ("CPU", 1)):
        whole = medians["predict"][number]
        before = medians["open"][number] + medians["decode"][number]
        say(
            f"{unit}: predict has {forward[number] / whole:.2f} of the bare forward pass, and "
            f"{(forward[number] + before) / whole:.2f} of the bound\n"
        )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        main(Path(sys.argv[1]), sys.argv[2:])
    else:
        with drawn() as (made, images):
            main(made, images)
