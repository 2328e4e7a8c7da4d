"""Probes that metrics are checked on: plain ones, noise, and awkward ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from distbench.errors import Declined
from distbench.interfaces.context import Context, Embedding, Surroundings
from distbench.interfaces.labels import labels_of
from distbench.interfaces.metric import Metric
from distbench.interfaces.probe import Probe
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import UNLABELLED
from distbench.interfaces.zoo import TextHead
from distbench.testing.calls import frozen
from distbench.testing.miniature import facts

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Drawn:
    """What several made-up sources say of the same images.

    Attributes:
        labels: int64 (n,); (n, c) of 0 and 1 where an image may show several classes.
        features: (n, d) of each source.
        logits: (n, z) of each source.
        reference: (n, r).
        seed: The probe's seed.
        numbers: Which source is which; facts about one follow from its number.
        classes: Names of the classes by number; made up if empty.
    """

    labels: NDArray[np.int64]
    features: tuple[Array, ...]
    logits: tuple[Array, ...]
    reference: Array
    seed: int = 3
    numbers: tuple[int, ...] = (0, 1, 2)
    classes: tuple[str, ...] = ()

    def turned(self) -> Drawn:
        """The same sources in the opposite order."""
        return replace(
            self,
            features=self.features[::-1],
            logits=self.logits[::-1],
            numbers=self.numbers[::-1],
        )

    def each(self, change: Callable[[Array], Array]) -> Drawn:
        """The same with every matrix changed."""
        return replace(
            self,
            features=tuple(map(change, self.features)),
            logits=tuple(map(change, self.logits)),
            reference=change(self.reference),
        )

    def rows(self, rows: NDArray[np.int64]) -> Drawn:
        """The same in another order, or some of them."""
        return replace(self.each(lambda x: x[rows]), labels=self.labels[rows])

    def probes(self, metric: Metric) -> list[Probe]:
        """Probes with what the metric says that it needs, and nothing else, all read-only."""
        needed = metric.needed()
        labels = labels_of(frozen(self.labels))
        context = self.context() if "context" in needed else None
        positions = frozen(np.arange(len(labels)))
        around = Surroundings(context=context, positions=positions if context else None)
        return [
            Probe(
                labels,
                features=frozen(x) if "features" in needed else None,
                logits=frozen(z) if "logits" in needed else None,
                reference=frozen(self.reference) if "reference" in needed else None,
                source=facts(
                    name=f"source-{number}",
                    fingerprint=str(number),
                    num_classes=z.shape[1],
                    feature_dim=x.shape[1],
                    parameters=1_000_000 * (number + 1),
                    depth=10 + number,
                ),
                seed=self.seed,
                around=around,
            )
            for number, x, z in zip(self.numbers, self.features, self.logits, strict=False)
        ]

    def context(self) -> Context:
        """A task whose unlabelled and validation images are the labelled ones once more."""
        n = len(self.labels)
        hidden = np.full_like(self.labels, UNLABELLED)
        by_name = {
            f"source-{number}": Embedding(frozen(np.tile(x, (3, 1))), frozen(np.tile(z, (3, 1))))
            for number, x, z in zip(self.numbers, self.features, self.logits, strict=False)
        }
        return Context(
            suite="check",
            task="drawn",
            seed=self.seed,
            classes=self._names(),
            labels=frozen(np.concatenate([self.labels, hidden, self.labels])),
            labelled=frozen(np.arange(n)),
            unlabelled=frozen(np.arange(2 * n)),
            validation=frozen(np.arange(2 * n, 3 * n)),
            protocol=Protocol(),
            embedding=by_name.__getitem__,
            text_head=lambda name, texts: self._text_head(by_name[name].features[:n], texts),
        )

    def _names(self) -> tuple[str, ...]:
        return self.classes or tuple(f"class {i}" for i in range(_membership(self.labels).shape[1]))

    def _text_head(self, features: NDArray[np.floating], texts: Sequence[str]) -> TextHead:
        """For a sentence that names a class the mean of its images, else something drawn."""
        names, shown = self._names(), _membership(self.labels)

        def row(text: str) -> Array:
            named = [i for i, name in enumerate(names) if name in text and shown[:, i].any()]
            if named:
                return cast(Array, features[shown[:, max(named)]].mean(axis=0))
            rng = np.random.default_rng([*text.encode()])
            return cast(Array, rng.normal(size=features.shape[1]))

        rows = np.stack([row(text) for text in texts]).astype(np.float32)
        return TextHead(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def drawn(
    seed: int = 0,
    *,
    images: int = 48,
    classes: int = 4,
    width: int = 12,
    signal: Sequence[float] = (1.0, 1.0, 1.0),
    labels: NDArray[np.int64] | None = None,
) -> Drawn:
    """Class means in noise of unit variance.

    Args:
        seed: Of the drawing.
        images: How many.
        classes: Among which they are spread evenly.
        width: Dimensions of features.
        signal: For each source, how far its class means are spread.
        labels: Instead of even ones, (n,) or (n, c).
    """
    rng = np.random.default_rng(seed)
    if labels is None:
        labels = rng.permutation(np.arange(images) % classes)

    shown = _membership(labels)

    def matrix(wide: int, spread: float) -> Array:
        means = spread * rng.normal(size=(shown.shape[1], wide))
        return cast(Array, (shown @ means + rng.normal(size=(len(labels), wide))).astype("f4"))

    return Drawn(
        labels,
        tuple(matrix(width, s) for s in signal),
        tuple(matrix(7, s) for s in signal),
        matrix(6, 2.0),
    )


def several_classes(seed: int = 0, images: int = 60, classes: int = 4) -> NDArray[np.int64]:
    """Labels (n, c) of images that show each class or not; every class has both."""
    rng = np.random.default_rng(seed)
    shown = rng.permuted(np.arange(images)[:, None] % 3 == np.zeros(classes), axis=0)
    return shown.astype(np.int64)


def _membership(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which class an image shows, (n, c)."""
    numbers = np.ones(1) if labels.ndim > 1 else np.arange(labels.max() + 1)
    return np.equal(labels if labels.ndim > 1 else labels[:, None], numbers)


def values(metric: Metric, data: Drawn) -> list[float | Declined]:
    """The scores of all sources, as the engine asks for them."""
    return list(metric.score_all(data.probes(metric)))


def awkward() -> Mapping[str, Drawn]:
    """Probes that small and odd tasks lead to, by what is odd about them."""
    data = drawn(5, images=24, classes=3)
    several = range(len(data.features))

    def with_features(make: Any) -> Drawn:
        return replace(data, features=tuple(make(x) for x in data.features))

    def constant(x: Array) -> Array:
        y = x.copy()
        y[:, :3] = 3.7
        return y

    alone = np.r_[data.labels[:-1], 3]
    return {
        "one image a class": drawn(6, images=5, classes=5),
        "a class of one image": replace(data, labels=alone),
        "two images": drawn(7, images=2, classes=2),
        "fewer images than dimensions": drawn(8, images=20, classes=3, width=64),
        "a class number that does not occur": drawn(9, labels=np.repeat([0, 1, 4], 8)),
        "constant features": with_features(constant),
        "features that are all zero": with_features(np.zeros_like),
        "features of one dimension": with_features(lambda x: x[:, :1]),
        "duplicate images": data.rows(np.repeat(np.arange(12), 2)),
        "classes that are apart entirely": with_features(
            lambda x: (np.eye(3)[data.labels] * 50).astype(x.dtype)
        ),
        "certain outputs": replace(
            data, logits=tuple((np.eye(7)[data.labels] * 1e4).astype("f4") for _ in several)
        ),
    }
