"""Spread labels and the sources' own classes, learnt together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from distbench import MethodContext, Need, searched
from distbench_builtin.distillers.label_propagation import LabelPropagation
from distbench_builtin.shared.methods.source_heads import SourceHeads

if TYPE_CHECKING:
    from distbench import Phase


class JointLabels(LabelPropagation):
    """Learns spread labels as `label_propagation` does, and along with them the sources' classes.

    Our own. On unlabelled images the loss is

        (1 - share) * CE(spread labels, q) + share * sum over sources s of alpha_s * CE(p_s, q_s)

    with the second part that of `pseudo_labels`, in the sources' own classes. Spread labels say
    what is asked for, but little more than a label does where they are certain; a source's
    probabilities over a thousand classes say more of an image, but nothing of the target's.
    """

    version: ClassVar[int] = 2
    needs: ClassVar[frozenset[Need]] = frozenset({"features", "logits"})

    share: float = searched(
        0.2, low=0.02, high=0.9, ge=0, le=1, description="of the unlabelled loss, the sources' part"
    )
    temperature: float = Field(1.0, gt=0, description="divides the sources' logits")

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and unlabelled ones with both kinds of targets."""
        return [self.joined(context, SourceHeads(context, self.temperature), self.share)]
