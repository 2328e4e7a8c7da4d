"""The multi-source distillation of DistillNearest and DistillWeighted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from distbench import MethodContext, searched
from distbench_builtin.shared.methods.on_unlabelled import OnUnlabelled
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty
from distbench_builtin.shared.methods.source_heads import SourceHeads
from distbench_builtin.shared.methods.transfer_set import TransferDistiller, joined

if TYPE_CHECKING:
    import torch

    from distbench import Batch, Classifier, Phase
    from distbench_builtin.shared.methods.transfer_set import Pool, Targets


class PseudoLabels(OnUnlabelled, TransferDistiller):
    """Matches the soft pseudo-labels of weighted sources, each in its own classes.

    Borup, Phoo and Hariharan, "Distilling from Similar Tasks for Transfer Learning on a Budget",
    ICCV 2023: lam * CE on labels + (1 - lam) * sum over sources s of alpha_s * CE(p_s, q_s), where
    p_s are source s's probabilities on an unlabelled image and q_s those of an extra linear head
    on the student's features. The heads are dropped afterwards. With the strategy `nearest` this is
    DistillNearest, with `weighted` DistillWeighted, with `equal` DistillEqual.

    With ``views=cached`` the pseudo-labels come from the cached embeddings of the plain images,
    while the student sees an augmented view. With ``views=online`` the sources run on that very
    view in every step, which costs a pass through all of them each time. ``on=all`` distils on the
    labelled batch too; the unlabelled images hold the labelled ones in any case.

    For sources with sigmoid outputs the cross-entropy is binary (`SoftTargetCrossEntropy`). The
    paper's lam, temperature, views and whether labelled images are distilled on are unknown; the
    defaults are ours. Its distillation is on the task's own unlabelled images. Where an image may
    show several of the task's classes, the loss on labels is binary too (`labelled_loss`).
    """

    version: ClassVar[int] = 2
    kinds: ClassVar = frozenset({"single", "several"})

    lam: float = searched(
        0.25, low=0.02, high=0.9, ge=0, le=1, description="share of the loss on labels"
    )
    temperature: float = searched(
        1.0, low=0.3, high=4, log=True, gt=0, description="divides the sources' logits"
    )
    lr: float = searched(0.03, low=1e-3, high=0.3, log=True, gt=0, description="peak learning rate")
    head_lr: float = head_rate(description="learning rate of all heads, times lr")
    ratio: int = Field(1, ge=1, description="unlabelled images for each labelled one")
    weight_decay: float = weight_penalty()
    views: Literal["cached", "online"] = Field(
        "cached", description="pseudo-labels of the plain image, or of the view the student sees"
    )
    on: Literal["unlabelled", "all"] = Field(
        "unlabelled", description="distil on unlabelled images, or on the labelled batch too"
    )

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase: `labelled_loss` on labels, `SoftTargetCrossEntropy` on pseudo-labels."""
        import torch

        from distbench import Phase, Stream
        from distbench_builtin.shared.methods.labelled_loss import labelled_loss

        heads = SourceHeads(context, self.temperature)
        online = self.views == "online"
        forwards = [context.run(source) for source in context.sources] if online else []

        def loss(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            labelled = batch["labelled"]
            more, targets = joined(batch)
            images = torch.cat([labelled.views["weak"], more])
            features = student.features(images)  # (l + u, 3, s, s) -> (l + u, d)
            count = len(labelled.labels)
            supervised = labelled_loss(student.classify(features[:count]), labelled.labels)
            if self.on == "unlabelled":
                images, features = images[count:], features[count:]
            elif not online:
                targets = {n: torch.cat([labelled.targets[n], t]) for n, t in targets.items()}
            logits = (
                [source(images) for source in forwards]
                if online
                else [targets[name] for name in heads.names]
            )
            return self.lam * supervised + (1 - self.lam) * heads.loss(features, logits)

        def cached(pool: Pool) -> Targets:
            if online:
                return {}
            if pool == "train" or context.transfer is None:
                return heads.cached(context)
            return {name: context.transfer.embedding(name).logits for name in heads.names}

        batch = context.protocol.batch
        on_labelled = cached("train") if self.on == "all" else {}
        labelled = Stream(context.labelled, batch, labels=context.labels, targets=on_labelled)
        return [
            Phase(
                steps=context.protocol.steps,
                streams={
                    "labelled": labelled,
                    **self.streams(context, self.ratio * batch, cached),
                },
                loss=loss,
                lr=self.lr,
                modules={"heads": heads.module},
                module_lr={"heads": self.head_lr},
                head_lr=self.head_lr,
                weight_decay=self.weight_decay,
            )
        ]
