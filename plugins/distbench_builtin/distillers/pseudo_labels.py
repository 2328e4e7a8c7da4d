"""The multi-source distillation of DistillNearest and DistillWeighted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from distbench import Distiller, MethodContext

if TYPE_CHECKING:
    import torch

    from distbench import Batch, Phase, StudentModel


class PseudoLabels(Distiller):
    """Matches the soft pseudo-labels of weighted sources, each in its own classes.

    Borup, Phoo and Hariharan, "Distilling from Similar Tasks for Transfer Learning on a Budget",
    ICCV 2023: lam * CE on labels + (1 - lam) * sum over sources s of alpha_s * CE(p_s, q_s), where
    p_s are source s's probabilities on an unlabelled image and q_s those of an extra linear head
    on the student's features. The heads are dropped afterwards. With the strategy `nearest` this is
    DistillNearest, with `weighted` DistillWeighted, with `equal` DistillEqual.

    The pseudo-labels come from the cached embeddings of the plain images, the student sees an
    augmented view. For sources with sigmoid outputs the cross-entropy is binary, summed over their
    classes. The paper's lam and temperature are unknown; the defaults are ours.
    """

    lam: float = Field(0.25, ge=0, le=1, description="share of the loss on labels")
    temperature: float = Field(1.0, gt=0, description="divides the sources' logits")
    lr: float = Field(0.03, gt=0, description="peak learning rate")
    head_lr: float = Field(1.0, gt=0, description="learning rate of all heads, times lr")
    ratio: int = Field(1, ge=1, description="unlabelled images for each labelled one")
    weight_decay: float = Field(5e-4, ge=0)

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and unlabelled ones with cached pseudo-labels."""
        import torch

        from distbench.training import Phase, Stream

        infos = [source.info for source in context.sources]
        heads = torch.nn.Linear(context.num_features, sum(i.num_classes for i in infos))
        matching = _Matching(
            [i.num_classes for i in infos],
            [source.weight for source in context.sources],
            [i.activation == "sigmoid" for i in infos],
            self.temperature,
        )

        def loss(student: StudentModel, batch: Mapping[str, Batch]) -> torch.Tensor:
            labelled, unlabelled = batch["labelled"], batch["unlabelled"]
            images = [labelled.views["weak"], unlabelled.views["weak"]]
            features = student.features(torch.cat(images))
            known, unknown = features[: len(images[0])], features[len(images[0]) :]
            supervised = torch.nn.functional.cross_entropy(student.classify(known), labelled.labels)
            targets = [unlabelled.targets[info.name] for info in infos]
            distilled = matching(heads(unknown), targets)
            return self.lam * supervised + (1 - self.lam) * distilled

        batch = context.protocol.batch
        return [
            Phase(
                steps=context.protocol.steps,
                streams={
                    "labelled": Stream(context.labelled, batch, labels=context.labels),
                    "unlabelled": Stream(
                        context.unlabelled,
                        self.ratio * batch,
                        targets={s.info.name: s.embedding.logits for s in context.sources},
                    ),
                },
                loss=loss,
                lr=self.lr,
                modules={"heads": heads},
                module_lr={"heads": self.head_lr},
                head_lr=self.head_lr,
                weight_decay=self.weight_decay,
            )
        ]


class _Matching:
    """sum_s alpha_s CE(p_s, q_s), sources of equal width and kind in one operation.

    Args:
        widths: Classes of each source.
        weights: alpha_s.
        sigmoid: Whether a source's outputs are sigmoids.
        temperature: Divides the sources' logits.
    """

    def __init__(
        self,
        widths: Sequence[int],
        weights: Sequence[float],
        sigmoid: Sequence[bool],
        temperature: float,
    ) -> None:
        self._temperature = temperature
        self._weights = weights
        starts = [sum(widths[:i]) for i in range(len(widths))]
        groups: dict[tuple[int, bool], list[int]] = {}
        for number, kind in enumerate(zip(widths, sigmoid, strict=True)):
            groups.setdefault(kind, []).append(number)
        self._groups = [
            (width, is_sigmoid, members, [starts[m] for m in members])
            for (width, is_sigmoid), members in groups.items()
        ]

    def __call__(self, outputs: torch.Tensor, targets: Sequence[torch.Tensor]) -> torch.Tensor:
        """The loss.

        Args:
            outputs: (b, sum of widths), of the heads side by side.
            targets: Logits of each source, (b, width).
        """
        import torch

        total = outputs.new_zeros((), dtype=torch.float32)
        for width, is_sigmoid, members, starts in self._groups:
            ours = torch.stack([outputs[:, s : s + width] for s in starts], 1).float()
            theirs = torch.stack([targets[m] for m in members], 1) / self._temperature
            alpha = torch.tensor([self._weights[m] for m in members], device=ours.device)
            if is_sigmoid:
                each = torch.nn.functional.binary_cross_entropy_with_logits(
                    ours, theirs.sigmoid(), reduction="none"
                ).sum(2)
            else:
                each = -(theirs.softmax(2) * ours.log_softmax(2)).sum(2)
            total = total + (each.mean(0) * alpha).sum()
        return total
