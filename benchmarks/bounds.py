"""The least that a metric has to compute, as plain numpy and scipy do it: how fast it could be.

A metric is within its bound where nothing else counts. Where there is no clear bound there is none
here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.inputs import Array, Inputs, zoo
from scipy.linalg import eigh
from scipy.sparse import csr_matrix

_ROWS = 2048
"""Of a product (n, n) that is too large to keep."""


def _gram(x: Array) -> Array:
    product: Array = x @ x.T if len(x) < x.shape[1] else x.T @ x
    return product


def gram(inputs: Inputs) -> object:
    """One product of the smaller side."""
    return _gram(inputs.features)


def gram_and_eigh(inputs: Inputs) -> object:
    """That, and one symmetric eigendecomposition."""
    return np.linalg.eigh(_gram(inputs.features))


def gram_and_64_eigenvectors(inputs: Inputs) -> object:
    """A principal component analysis to 64 dimensions: that product, and the leading vectors."""
    product = _gram(inputs.features)
    size = len(product)
    _, vectors = eigh(product, subset_by_index=(size - 64, size - 1))
    x = inputs.features
    return vectors if len(x) < x.shape[1] else x @ vectors


def gram_and_64_eigenvectors_of_three(inputs: Inputs) -> object:
    """That for each source of the zoo that is made of one."""
    return [gram_and_64_eigenvectors(each) for each in zoo(inputs)]


def grams_and_cholesky_of_all_classes(inputs: Inputs) -> object:
    """Log-determinants of all images and of each class, each of the smaller side."""
    x, y = inputs.features, inputs.labels
    parts = [_gram(x), *(_gram(x[y == c]) for c in range(inputs.shape.classes))]
    for part in parts:
        part.flat[:: len(part) + 1] += 1
    return [np.linalg.cholesky(part) for part in parts]


def two_grams_and_two_eigh(inputs: Inputs) -> object:
    """What `gram_and_eigh` does, for the features and again for features changed since."""
    return gram_and_eigh(inputs), gram_and_eigh(inputs)


def _products(x: Array) -> list[Array]:
    """All products of two rows, each pair once; a part at a time, of which the last is kept."""
    if len(x) <= 5000:
        return [x @ x.T]
    last = [x[:0]]
    for start in range(0, len(x), _ROWS):
        last = [x[start : start + _ROWS] @ x[start:].T]
    return last


def correlations_and_sorted_class_pairs(inputs: Inputs) -> object:
    """Products of all rows, and a sort of as many numbers as there are pairs within classes."""
    counts = np.bincount(inputs.labels)
    pairs = _scattered(int((counts * (counts - 1) // 2).sum()))
    return _products(inputs.features), np.sort(pairs)


def correlations_of_both(inputs: Inputs) -> object:
    """Products of all rows of features and of the reference; ranking them comes on top."""
    return _products(inputs.features), _products(inputs.reference)


def _scattered(size: int) -> Array:
    """Different numbers in no order, drawn much faster than they are sorted."""
    golden = 0.6180339887498949
    return np.arange(size) * golden % 1


def products_and_nearest(inputs: Inputs) -> object:
    """Products of all rows, and the position of the smallest of each row."""
    x = inputs.features
    if len(x) <= 5000:
        return (x @ x.T).argmin(axis=1)
    return [(x[start : start + _ROWS] @ x.T).argmin(axis=1) for start in range(0, len(x), _ROWS)]


def pass_over_probabilities(inputs: Inputs) -> object:
    """The joint distribution of source and target classes, in one pass; the metric needs two."""
    n = len(inputs.labels)
    return csr_matrix((np.ones(n), (inputs.labels, np.arange(n)))) @ inputs.probabilities


def argmax_of_probabilities(inputs: Inputs) -> object:
    """The source class of each image, and a count of pairs of classes."""
    pairs = inputs.probabilities.argmax(axis=1) * inputs.shape.classes + inputs.labels
    return np.bincount(pairs)


BOUNDS: dict[str, Callable[[Inputs], object]] = {
    "cka": gram,
    "dds": gram,
    "gbc": gram_and_64_eigenvectors,
    "hscore": gram_and_eigh,
    "hscore_shrinkage": gram_and_eigh,
    "knn": products_and_nearest,
    "leep": pass_over_probabilities,
    "lfc": gram,
    "logme": gram_and_eigh,
    "nce": argmax_of_probabilities,
    "ncti": gram_and_64_eigenvectors_of_three,
    "parc": correlations_and_sorted_class_pairs,
    "ridge_loo": gram_and_eigh,
    "rsa": correlations_of_both,
    "sfda": two_grams_and_two_eigh,
    "transrate": grams_and_cholesky_of_all_classes,
}
