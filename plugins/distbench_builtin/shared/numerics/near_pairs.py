"""The nearest images of each by their cosine: all pairs on a device, or those of near cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Near = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Of each of n images its k nearest and their cosines, both (n, k); itself is left out."""

_BLOCK = 2**26
"""Cosines that are held at a time."""
_MEMBERS = 1000
"""Images of a cell in the mean."""
_SAMPLE = 64
"""Images a cell that its centre is found from."""
_ROUNDS = 10
_PROBES = 32
"""Cells that an image is compared with: its own and the nearest others."""


def all_pairs(x: NDArray[np.floating], k: int, device: torch.device) -> Near:
    """The k nearest of each among all, by blocks on a device.

    Args:
        x: (n, d), n > k, of unit length.
        k: How many.
        device: Takes x in float32 and a block of cosines.
    """
    import torch

    rows = torch.from_numpy(x).to(device, torch.float32)
    columns, cosines = _empty(len(x), k)
    height = max(1, _BLOCK // len(x))
    for start in range(0, len(x), height):
        own = rows[start : start + height]
        close = own @ rows.T  # (b, d) @ (d, n) -> (b, n)
        here = torch.arange(len(own), device=device)
        close[here, start + here] = -torch.inf
        best = torch.topk(close, k)  # (b, n) -> (b, k)
        columns[start : start + height] = best.indices.cpu().numpy()
        cosines[start : start + height] = best.values.cpu().numpy()
    return columns, cosines


def near_cells(
    x: NDArray[np.floating], k: int, device: torch.device | None, seed: int, probes: int = _PROBES
) -> Near:
    """The k nearest of each among the images of near cells.

    Images are put into cells of about a thousand by k-means, whose centres are found from a sample;
    each is compared with those of its own cell and of the cells whose centres are the next nearest.
    So the work grows with n * probes * 1000 instead of n * n. On one machine, with one number of
    threads, it gives the same each time.

    Args:
        x: (n, d), n > k, of unit length.
        k: How many.
        device: Computes; None for this processor.
        seed: Of the sample.
        probes: How many cells each is compared with.

    Returns:
        As `all_pairs`; where fewer than k are found, cosines of 0 to the image itself.
    """
    import torch

    count = max(1, len(x) // _MEMBERS)
    probes = min(probes, count)
    rows = torch.from_numpy(x).to(device)
    centres = _centres(rows, count, seed)
    cells = _nearest_cells(rows, centres, probes)  # (n, p), the own one first
    best = torch.full((len(x), k), -torch.inf, device=device)
    places = torch.arange(len(x), device=device)[:, None].repeat(1, k)  # (n, k)
    members, starts = _by_cell(cells[:, :1], count)
    asking, asked_from = _by_cell(cells, count)
    for cell in range(count):
        inside = members[starts[cell] : starts[cell + 1]]
        if not len(inside):
            continue
        there = rows[inside].float()  # (m, d)
        height = max(1, _BLOCK // len(inside))
        for who in torch.split(asking[asked_from[cell] : asked_from[cell + 1]], height):
            close = rows[who].float() @ there.T  # (b, d) @ (d, m) -> (b, m)
            close[who[:, None] == inside] = -torch.inf
            kept = torch.topk(close, min(k, len(inside)))
            values = torch.cat([best[who], kept.values], 1)
            found = torch.cat([places[who], inside[kept.indices]], 1)
            best[who], order = torch.topk(values, k)
            places[who] = torch.gather(found, 1, order)
    return places.cpu().numpy(), torch.where(best.isinf(), 0, best).cpu().numpy()


def _empty(n: int, k: int) -> Near:
    return np.empty((n, k), dtype=np.int64), np.empty((n, k), dtype=np.float32)


def _centres(rows: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    """Centres of cells (c, d), of unit length."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(rows), generator=generator)[: count * _SAMPLE]
    sample = rows[chosen.to(rows.device)].float()  # (s, d)
    centres = sample[:count].clone()
    for _ in range(_ROUNDS):
        own = _nearest_cells(sample, centres, 1)[:, 0]
        order = torch.argsort(own, stable=True)
        sums = torch.zeros_like(centres)
        # One after the other: the sum of a cell must not depend on who comes first.
        sizes = torch.bincount(own, minlength=count).tolist()
        for cell, part in enumerate(torch.split(sample[order], sizes)):
            sums[cell] = part.sum(0) if len(part) else centres[cell]
        centres = torch.nn.functional.normalize(sums, dim=1)
    return centres


def _nearest_cells(rows: torch.Tensor, centres: torch.Tensor, probes: int) -> torch.Tensor:
    """The nearest cells of each image, int32 (n, p)."""
    import torch

    parts = torch.split(rows, max(1, _BLOCK // len(centres)))
    near = [torch.topk(own.float() @ centres.T, probes)[1].to(torch.int32) for own in parts]
    return torch.cat(near)


def _by_cell(cells: torch.Tensor, count: int) -> tuple[torch.Tensor, list[int]]:
    """Images by cell, in order, and where those of each cell begin."""
    import torch

    order = torch.argsort(cells.flatten(), stable=True) // cells.shape[1]
    sizes = torch.bincount(cells.flatten(), minlength=count)
    return order, [0, *torch.cumsum(sizes, 0).tolist()]
