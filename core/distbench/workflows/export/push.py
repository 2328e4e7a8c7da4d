"""An export pushed to the Hugging Face Hub, as it lies in its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from distbench.errors import RefusedError, UsageError
from distbench.storage.network.hub_push import HubTarget
from distbench.workflows.export.write import Exported


def check_push(target: HubTarget, to: Sequence[str]) -> None:
    """Refuses before anything is trained what could not be pushed.

    Raises:
        UsageError: There are several formats.
        RefusedError: The Hub would not take it.
    """
    if len(to) > 1:
        raise UsageError(
            "--push takes one --to: a repository holds one card and the files that it is about; "
            "push each format to a repository of its own"
        )
    target.check()


def push(target: HubTarget, exported: Exported) -> Exported:
    """Pushes the files of an export in one commit.

    Raises:
        RefusedError: The Hub does not take them; the folder stays.
    """
    files = {name: exported.folder / name for name in exported.files}
    try:
        pushed = target.push(files, f"{exported.cell.id} as {exported.to}, by distbench")
    except RefusedError as error:
        raise RefusedError(f"{error}. The export lies in {exported.folder}") from None
    return dataclasses.replace(exported, pushed=pushed)
