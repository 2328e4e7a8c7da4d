"""The ceiling: the selected source itself, fine-tuned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from distbench import Distiller, MethodContext, Need, Role, searched
from distbench_builtin.shared.methods.labelled_phase import labelled_phase
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty

if TYPE_CHECKING:
    from distbench import Phase


class FineTuneSource(Distiller):
    """Fine-tunes the heaviest source itself on the labels, big as it is: a ceiling.

    "Fine-tune the selected source" of Borup et al., ICCV 2023, where larger networks than the
    student may be used: what selection is worth if nothing has to be small. The source's last
    layer is replaced by a new classifier; images come in the source's own size. Parameters and
    operations of its row are the source's.

    Of several weighted sources the one of highest weight is trained and the others are not used:
    weights that name the same source give the same result. It needs a source with a trainable
    form, so none that is an ONNX file. The paper's settings are unknown; the defaults are ours.
    A source whose normalisation was folded into its kernels, as some are published, has nothing
    that holds its activations in place: give it a lower rate, such as ``lr=0.001``.
    """

    role: ClassVar[Role] = "ceiling"
    initialisation: ClassVar[Literal["pretrained", "random", "source"]] = "source"
    needs: ClassVar[frozenset[Need]] = frozenset()
    kinds: ClassVar = frozenset({"single", "several"})

    lr: float = searched(0.01, low=5e-4, high=0.2, log=True, gt=0, description="peak learning rate")
    head_lr: float = head_rate(10.0, "learning rate of the new classifier, times lr")
    weight_decay: float = weight_penalty()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase on the labelled images."""
        return [
            labelled_phase(
                context, lr=self.lr, head_lr=self.head_lr, weight_decay=self.weight_decay
            )
        ]
