"""An embedded suite of small image tasks that are drawn, not downloaded.

The classes of every dataset are rows of discrete attribute tables (a bird's plumage, beak and
tail; a lesion's pattern and border), and its images are the row drawn in a random pose, on a
random background, under random light. The tables are cut into disjoint slices, so that targets,
development tasks, sources and the generalist set share visual factors but never a class. Images
are 32x32 RGB and have the same bits on every machine.
"""

from __future__ import annotations

from .catalogue import DATASETS, DatasetSpec
from .classes import class_names
from .render import fingerprint, images, labels

__all__ = ["DATASETS", "DatasetSpec", "class_names", "fingerprint", "images", "labels"]
