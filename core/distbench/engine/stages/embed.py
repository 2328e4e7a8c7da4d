"""Stage 2: features and logits of sources on the train images of one task."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch

from distbench.engine.stages.embedding_writer import EmbeddingWriter
from distbench.engine.stages.shares import BATCH, shared_out
from distbench.engine.stages.source_checks import Outputs, check_source, checked_outputs
from distbench.engine.training.batches import batches, shown_to
from distbench.engine.training.precision import effective, mixed_precision
from distbench.interfaces.zoo import Forward, Source, SourceInfo
from distbench.storage.npy import Images

_BEHIND = 2


@dataclass(frozen=True)
class Order:
    """One embedding that is wanted.

    Attributes:
        source: The source.
        folder: Takes ``features.npy`` (n, d), ``logits.npy`` (n, c) and ``facts.json``.
        partial: Where to keep what there is when the work is interrupted, and where to go on from;
            nobody else may use it meanwhile. None to keep nothing.
    """

    source: Source
    folder: Path
    partial: Path | None = None


def embed_many(
    orders: Sequence[Order],
    images: Images,
    device: torch.device,
    *,
    precision: str = "fp32",
) -> None:
    """Runs sources over images in one pass and stores the features and logits of each.

    Each batch of images is read once, and resized once for all sources of one input size.
    Features are stored in float32, logits in float16 unless that would overflow. What is stored
    is the same whether sources run alone or together, and whether or not the work was interrupted.

    Args:
        orders: The sources; all are held in memory at once.
        images: uint8 (n, s, s, 3).
        device: Where they run.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``, as `mixed_precision` explains.

    Raises:
        WeightsError: The outputs of a source do not have the declared shapes.
    """
    how = {
        "stored": images.shape[1],
        "batch": BATCH,
        "device": device.type,
        "precision": effective(device, precision),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    with ExitStack() as stack, torch.inference_mode():
        outputs = []
        for order in orders:
            draft = order.partial or order.folder / "draft"
            outputs.append(EmbeddingWriter(order.source.info, len(images), draft, how))
            stack.callback(outputs[-1].stop)
        _run([order.source for order in orders], outputs, images, device, precision)
        stack.pop_all()
    for order, output in zip(orders, outputs, strict=True):
        output.finish(order.folder)
        if order.partial is None:
            shutil.rmtree(order.folder / "draft")


def _run(
    sources: Sequence[Source],
    outputs: Sequence[EmbeddingWriter],
    images: Images,
    device: torch.device,
    precision: str,
) -> None:
    """Feeds the sources that are not ready; a thread writes their outputs while they go on."""
    todo = [
        (source.info, source.open(device), output, output.rows)
        for source, output in zip(sources, outputs, strict=True)
        if output.rows < len(images)
    ]
    if not todo:
        return
    sizes = sorted({shown_to(info) for info, *_ in todo})
    checked: set[str] = set()
    start = min(rows for *_, rows in todo)
    how = effective(device, precision)
    pending: deque[Future[None]] = deque()
    with ThreadPoolExecutor(max_workers=1) as writer:
        for first, batch in batches(images, sizes, BATCH, device, start):
            for info, forward, output, rows in todo:
                if first < rows:
                    continue
                images_in = batch[shown_to(info)]  # (b, 3, s, s) in 0..1
                with mixed_precision(device, precision):
                    features, logits = _outputs(info, forward, images_in)  # (b, d), (b, c)
                    if info.name not in checked or first + BATCH >= len(images):
                        checked.add(info.name)
                        shown = normalise(images_in, info.mean, info.std)
                        check_source(info, forward, shown, (features, logits), how)
                while len(pending) >= _BEHIND:
                    pending.popleft().result()
                pending.append(writer.submit(_write, output, features, logits))
        while pending:
            pending.popleft().result()


def _outputs(info: SourceInfo, forward: Forward, images: torch.Tensor) -> Outputs:
    """Features and logits of a batch in 0..1, share by share."""
    parts = [
        checked_outputs(info, forward, normalise(some, info.mean, info.std))
        for some in shared_out(images, images.shape[-1])
    ]
    features, logits = zip(*parts, strict=True)
    return (torch.cat(features), torch.cat(logits)) if len(parts) > 1 else parts[0]


@torch.inference_mode()
def _write(output: EmbeddingWriter, features: torch.Tensor, logits: torch.Tensor) -> None:
    output.append(features.float().cpu().numpy(), logits.float().cpu().numpy())


def normalise(
    images: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]
) -> torch.Tensor:
    """Images in 0..1, (b, 3, s, s), with a mean and standard deviation for each channel."""
    shift = torch.tensor(mean, device=images.device).view(1, -1, 1, 1)  # (1, 3, 1, 1)
    scale = torch.tensor(std, device=images.device).view(1, -1, 1, 1)
    return (images - shift).div_(scale)
