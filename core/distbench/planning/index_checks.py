"""What a task says of its images, held against its contract before anything is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from distbench.interfaces.task import UNLABELLED, Part, TaskIndex, is_labelled
from distbench.storage.hashing import is_text

Finding = tuple[str, str]
"""What is wrong, and what to do about it."""


def index_finding(index: TaskIndex) -> Finding | None:
    """The first thing in an index that its contract does not allow; None where there is none."""
    if not _is_text(index.fingerprint) or not index.fingerprint:
        what = f"its fingerprint is {index.fingerprint!r}"
        return what, "give a text: a hash of labels, split and images, or a version"
    if not all(map(_is_text, index.classes)):
        return f"its classes are {index.classes!r}", "give their names as texts in UTF-8"
    if twice := repeated(index.classes):
        return f"two of its classes are called {twice!r}", "give each a name of its own"
    for name in ("train", "test"):
        if name not in index.parts:
            return f"it has no part {name!r}", "give train and test always; one may be empty"
    for name, part in index.parts.items():
        if wrong := _part_finding(name, part, len(index.classes)):
            return wrong
    forms = {name: part.labels.ndim for name, part in index.parts.items()}
    if len(set(forms.values())) > 1:
        one, other = (next(n for n, d in forms.items() if d == ndim) for ndim in (1, 2))
        what = f"labels of {one} are of shape (n,) and those of {other} of shape (n, c)"
        return what, "give all parts labels of one form"
    return None


def _part_finding(name: str, part: Part, classes: int) -> Finding | None:
    if not isinstance(part, Part):
        return f"part {name!r} is {_shown(part)}", "give a distbench.Part"
    if wrong := _form_finding(name, part.labels, classes):
        return wrong
    if part.groups is not None and not _whole_numbers(part.groups):
        return f"groups of {name} are {_shown(part.groups)}", "give int64 of shape (n,)"
    labels, names, groups = part.labels, part.names, part.groups
    if groups is not None and len(groups) != len(labels):
        what = f"{name} has {len(labels)} labels and {len(groups)} groups"
        return what, "give the number of a group for each image, or no groups"
    if len(names) != len(labels):
        return f"{name} has {len(labels)} labels and {len(names)} names", "give one for each image"
    if odd := next((entry for entry in names if not _is_text(entry)), None):
        return f"an image of {name} is called {odd!r}", "give names as texts in UTF-8"
    if twice := repeated(names):
        what = f"two images of {name} are called {twice!r}"
        return what, "give each a name of its own; images are left out and told of by it"
    most = classes if labels.ndim == 1 else 2
    if labels.size and (labels.min() < UNLABELLED or labels.max() >= most):
        at = int(np.argwhere((labels < UNLABELLED) | (labels >= most))[0, 0])
        what = f"labels of {name} are {labels.min()}..{labels.max()} (image {names[at]!r})"
        if labels.ndim == 2:
            return what, (
                f"of shape (n, c) they are 1 where an image shows a class, 0 where not and "
                f"{UNLABELLED} where that is not known"
            )
        known = f"class numbers, 0..{classes - 1} here, or " if classes else ""
        return what, f"they are {known}{UNLABELLED} where the class is not known"
    return None


def _form_finding(name: str, labels: Any, classes: int) -> Finding | None:
    """What is wrong with type and shape of labels; numbers and masks are learnt nowhere yet."""
    what = f"labels of {name} are {_shown(labels)}"
    remedy = "give int64 of shape (n,), or (n, c) where an image may show several classes"
    if isinstance(labels, np.ndarray) and labels.dtype.kind == "f":
        return what, f"distbench learns classes, and no numbers yet (regression): {remedy}"
    if isinstance(labels, np.ndarray) and labels.ndim > 2:
        return (
            what,
            f"distbench learns classes of images, and no masks yet (segmentation): {remedy}",
        )
    if not isinstance(labels, np.ndarray) or labels.dtype != np.int64 or labels.ndim not in (1, 2):
        return what, remedy
    if labels.ndim == 2 and labels.shape[1] != classes:
        return what, f"give a column for each of the {classes} classes"
    return None


def without_label(index: TaskIndex) -> Finding | None:
    """Test or validation images without a label, by which nothing can be judged."""
    for name in ("test", "validation"):
        if name in index.parts:
            part = index.parts[name]
            if len(missing := np.flatnonzero(~is_labelled(part.labels))):
                what = (
                    f"{len(missing)} of {len(part)} {name} images have no label (the first is "
                    f"{part.names[int(missing[0])]!r})"
                )
                return what, "leave them out, or move them to train, where such images are used"
    return None


def repeated(names: Sequence[str]) -> str | None:
    """A name that stands in a sequence more than once."""
    if len(set(names)) == len(names):
        return None
    return Counter(names).most_common(1)[0][0]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and is_text(value)


def _whole_numbers(numbers: Any) -> bool:
    return isinstance(numbers, np.ndarray) and numbers.dtype == np.int64 and numbers.ndim == 1


def _shown(value: Any) -> str:
    """An array by its type and shape, all else by its class."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return f"a {type(value).__name__}"
