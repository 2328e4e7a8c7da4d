"""A bundle handed in at the Hub: a pull request on a dataset repository."""

from __future__ import annotations

import hashlib
from pathlib import Path

from distbench.errors import RefusedError
from distbench.storage.hashing import git_digest
from distbench.storage.network.hub_push import HubTarget
from distbench.submission.validation_report import ValidationReport

FOLDER = "results"
"""Where bundles lie in a repository."""


def target_of(text: str) -> HubTarget:
    """The dataset repository that bundles are handed in at, tried before one is made.

    Raises:
        UsageError: It is no ``ORG/DATASET``.
        RefusedError: It is not there, or nothing may be contacted or written.
    """
    target = HubTarget.named(text, "--to", kind="dataset")
    target.check(own=False)
    return target


def propose(target: HubTarget, bundle: Path, report: ValidationReport) -> str:
    """Opens a pull request that adds a bundle that was validated.

    Returns:
        Its address.

    Raises:
        RefusedError: The bundle, or another of its name, is there already, or the Hub does not
            take it.
    """
    data = bundle.read_bytes()
    path, title = f"{FOLDER}/{bundle.name}", f"Add {bundle.name}"
    _refuse_twice(target, data, path, "main", target.page, "main")
    for number, address in target.open_requests(title):
        _refuse_twice(target, data, path, f"refs/pr/{number}", address, "that pull request")
    cells = report.facts["cells"]
    description = (
        f"{cells['done']} of {cells['planned']} cells done; validated by `distbench validate`. "
        f"SHA-256 {hashlib.sha256(data).hexdigest()}."
    )
    return target.propose({path: data}, title, description)


def _refuse_twice(
    target: HubTarget, data: bytes, path: str, revision: str, address: str, where: str
) -> None:
    held = target.digest_at(path, revision)
    if held is None:
        return
    if held in (hashlib.sha256(data).hexdigest(), git_digest(data)):
        raise RefusedError(f"{address} has this bundle already, as {path}; nothing was sent")
    if where == "main":
        raise RefusedError(
            f"{address} has another bundle {path}; call this one otherwise with --name"
        )
