"""Which method is advised: a rule of one line, and the experience that it leans on.

Few validation images cannot tell methods apart, and the best of several on few images is often only
the luckiest. So, after the rule of one standard error (Breiman et al., "Classification and
Regression Trees", 1984)::

    advised = first in the order of experience among the methods m with
              v_m >= max v - SLACK * h

with v the accuracies on validation images and h half the width of the 95 % interval of the best of
them, which shrinks as one over the root of the number of images: with few images experience
decides, with many the task itself. Test images have no say.

Order and slack were chosen on the development tasks of suite `mini`; docs/advise.md says how, and
how far the advice was from the best choice on other tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distbench.workflows.advise.candidates import Candidate

SLACK = 0.5
"""Share of the half width; 0.5 is about one standard error."""

EXPERIENCE = (
    "label_propagation/weighted",
    "label_propagation/equal",
    "label_propagation/nearest",
    "pseudo_labels/weighted",
    "pseudo_labels/nearest",
    "pseudo_labels/equal",
    "finetune",
)
"""Kinds of methods, the one that did best on the development tasks first. Of another kind nothing
is known beforehand: it is advised where it is ahead of all of these by more than the slack."""


@dataclass(frozen=True)
class Choice:
    """What the rule chose.

    Attributes:
        advised: The method.
        leader: The method that is best on validation images.
        near: Methods that the images do not tell from the leader, itself among them.
        slack: How far these may be behind, as a share of 1.
    """

    advised: Candidate
    leader: Candidate
    near: tuple[Candidate, ...]
    slack: float


def choose(candidates: Sequence[Candidate], slack: float = SLACK) -> Choice | None:
    """Applies the rule; None where there is no ranked method.

    Args:
        candidates: Of one task; controls and ceilings are left out.
        slack: Another share, to compare rules.
    """
    ranked = [one for one in candidates if one.role == "ranked"]
    if not ranked:
        return None
    leader = max(ranked, key=lambda one: (one.validation.mean, -_place(one.kind)))
    margin = slack * (leader.validation.half or 0.0)
    near = [one for one in ranked if one.validation.mean >= leader.validation.mean - margin]
    advised = min(near, key=lambda one: (_place(one.kind), -one.validation.mean))
    return Choice(advised, leader, tuple(near), margin)


def _place(kind: str) -> int:
    return EXPERIENCE.index(kind) if kind in EXPERIENCE else len(EXPERIENCE)
