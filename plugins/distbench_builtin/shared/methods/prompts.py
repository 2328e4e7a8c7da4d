"""Classifiers of target classes from their names, by models that read texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from distbench import Declined, TextHead

Reader = Callable[[Sequence[str]], TextHead]
"""From sentences to what one source makes of them."""


def templates() -> tuple[str, ...]:
    """The field by which sentences are chosen."""
    field: tuple[str, ...] = Field(
        ("a photo of a {}.",),
        min_length=1,
        description="sentences with {} for the class; of several the mean is taken",
    )
    return field


def readable(classes: Sequence[str]) -> list[str]:
    """Names of classes as people write them: ``black_footed-albatross`` with spaces.

    Raises:
        Declined: Names are numbers or ids, in which there is nothing to read.
    """
    names = [" ".join(name.replace("_", " ").split()) for name in classes]
    if mute := [name for name in names if not any(letter.isalpha() for letter in name)]:
        raise Declined(
            f"class {mute[0]!r} has no name that a text model could read; rename the classes"
        )
    return names


def class_head(classes: Sequence[str], sentences: Sequence[str], read: Reader) -> TextHead:
    """A classifier (C, d): for each class the mean direction of all its sentences.

    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
    ICML 2021, section 3.1.4: embeddings are normed, averaged over sentences, and normed again.

    Args:
        classes: Their names.
        sentences: With ``{}`` for the class.
        read: What makes directions of sentences.

    Raises:
        Declined: A name cannot be read, or a sentence has no place for it.
    """
    names = readable(classes)
    if wrong := [sentence for sentence in sentences if "{}" not in sentence]:
        raise Declined(f"the sentence {wrong[0]!r} has no {{}} where the class is named")
    # All at once: a source is loaded for each reading.
    head = read([sentence.replace("{}", name) for sentence in sentences for name in names])
    by_sentence = head.texts.reshape(len(sentences), len(names), -1)  # (t C, d) -> (t, C, d)
    mean: NDArray[np.float32] = by_sentence.mean(axis=0)
    norms = np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    return TextHead(np.asarray(mean / norms, np.float32), head.scale, head.bias)
