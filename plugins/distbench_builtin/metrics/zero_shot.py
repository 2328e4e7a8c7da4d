"""How often a model of images and texts is right by the names of the classes alone."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from distbench import Metric, Probe
from distbench_builtin.shared.methods.prompts import class_head, templates


class ZeroShot(Metric):
    """Accuracy on the labelled images, in percent, of a classifier made of the classes' names.

    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML
    2021: an image is of the class whose sentence is nearest to it by cosine. Labels are looked at
    to count, not to fit. The sentences are the simplest that the paper has.

    Range: 0..100. Needs features of sources that read texts, and the names of the classes.

    Cost: O(n C d), and a pass of the text tower for each sentence.
    """

    needs: ClassVar = frozenset({"features", "text", "context"})

    templates: tuple[str, ...] = templates()

    def score(self, probe: Probe) -> float:
        """Percent of the images that are rightly named.

        Raises:
            Declined: Classes have no names that can be read.
        """
        context = probe.context
        read = partial(context.text_head, probe.source.name)
        head = class_head(context.classes, self.templates, read)
        predictions = head.logits(probe.features).argmax(axis=1)
        return float(100 * (predictions == context.labels[probe.positions]).mean())
