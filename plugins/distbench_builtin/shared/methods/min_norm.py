"""The weights of the shortest mean of vectors, within bounds."""

from __future__ import annotations

import torch

_NONE = 1e-12
"""Weight that counts as none, and room up to a bound that does."""


def min_norm_weights(gram: torch.Tensor, most: torch.Tensor, steps: int = 300) -> torch.Tensor:
    """Weights w (m, s) of argmin |sum_s w_s g_s|^2 with 0 <= w_s <= most_s and sum_s w_s = 1.

    In each step weight goes from the vector where it stands worst to the one where it stands best,
    as much as is best: sequential minimal optimisation (Platt, 1998), as in the one-class support
    vector machine that is this very problem.

    Args:
        gram: Inner products of the vectors, (m, s, s), of m problems.
        most: (s,), upper bounds, whose sum is 1 at least.
        steps: How many at most.
    """
    gram = gram.double()
    bound = most.to(gram).expand(len(gram), -1)  # (m, s)
    w = (bound / bound.sum(1, keepdim=True)).clone()  # (m, s)
    rows = torch.arange(len(gram), device=gram.device)
    for _ in range(steps):
        slope = torch.einsum("mst,mt->ms", gram, w)  # half the gradient
        worst = torch.where(w > _NONE, slope, -torch.inf).argmax(1)  # (m,)
        best = torch.where(bound - w > _NONE, slope, torch.inf).argmin(1)
        gain = slope[rows, worst] - slope[rows, best]
        curve = gram[rows, worst, worst] + gram[rows, best, best] - 2 * gram[rows, worst, best]
        room = torch.minimum(w[rows, worst], bound[rows, best] - w[rows, best])
        step = torch.minimum(gain.clamp_min(0) / curve.clamp_min(1e-30), room)
        # Where no weight has room to grow, slopes are infinite and nothing moves.
        step = torch.where(torch.isfinite(gain) & (gain > 0), step, 0.0)
        if not step.any():
            break
        w[rows, worst] -= step
        w[rows, best] += step
    return w
