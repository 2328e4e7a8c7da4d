"""Submissions: a run as one file that can be checked, written, read and judged.

Nothing in a bundle is executed, unpickled or followed, and no member of it is put on a disk.
"""

from __future__ import annotations

from distbench.submission.archive import BundleError
from distbench.submission.bundle import Bundle, is_bundle, open_bundle
from distbench.submission.manifest import Manifest, PublicPlan

__all__ = ["Bundle", "BundleError", "Manifest", "PublicPlan", "is_bundle", "open_bundle"]
