"""The pretrained weights of students: what they are, and whether they can be had."""

from __future__ import annotations

import re
from pathlib import Path

from distbench import WeightsError, offline
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.downloads.weights import HashedFile, HubWeights, misnamed

_TIMEOUT = 10.0
"""Seconds that a server has to say whether it has a file."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def weights_digest(weights: Path) -> str:
    """SHA-256 of a file that a person named.

    Raises:
        WeightsError: It cannot be read.
    """
    try:
        return file_digest(weights)
    except OSError as error:
        raise WeightsError(
            f"cannot read the student's weights {weights}: {error.strerror}; mend weights=PATH"
        ) from None


def identity(name: str, need: HubWeights | HashedFile) -> str:
    """SHA-256 of pretrained weights: of the file that is here, else as the Hub has it.

    Args:
        name: The student, as one would type it.
        need: Its weights.

    Raises:
        WeightsError: They are not here, and cannot be fetched; says how to go on.
    """
    file = held(name, need)
    if file is not None:
        return file_digest(file)
    if isinstance(need, HashedFile):
        raise unavailable(name, "they are not on this machine")
    return _on_the_hub(name, need)


def fetch(name: str, need: HubWeights | HashedFile) -> Path:
    """The file of the pretrained weights, downloaded if need be.

    Raises:
        WeightsError: They cannot be had; says how to go on.
    """
    file = held(name, need)
    if file is None:
        _refuse_offline(name)
        try:
            need.fetch(lambda _: None)
        except Exception as error:  # HTTP, network and disk errors of several libraries
            raise unavailable(name, _clause(error)) from None
        file = held(name, need)
    if file is None:
        raise unavailable(name, "what came is not there")
    return file


def held(name: str, need: HubWeights | HashedFile) -> Path | None:
    """The weights, if they are on this machine.

    Raises:
        WeightsError: The file is damaged.
    """
    if isinstance(need, HubWeights):
        return need.find()
    if not need.path.is_file():
        return None
    if wrong := misnamed(need.path):
        raise unavailable(name, f"{need.path} {wrong}; delete it and fetch it again")
    return need.path


def unavailable(name: str, why: str, *, anywhere: bool = True) -> WeightsError:
    """The error for weights that cannot be had.

    Args:
        name: The student, as one would type it.
        why: A clause.
        anywhere: Whether there are any to be fetched.
    """
    fetch = f"Get them with `distbench fetch --student {name} --only student`, name"
    return WeightsError(
        f"the pretrained weights of {name} cannot be had: {why}. {fetch if anywhere else 'Name'} "
        f"a file with weights=PATH, or start from random weights with pretrained=false: "
        f"--student {name}:weights=PATH or --student {name}:pretrained=false. To try commands, "
        "--student mini ships with distbench"
    )


def _on_the_hub(name: str, need: HubWeights) -> str:
    """What the Hub says of the file, without downloading it and without retrying.

    Raises:
        WeightsError: It has none, cannot be reached, or does not tell.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    _refuse_offline(name)
    repository, _, revision = need.repository.partition("@")
    for file in need.files:
        try:
            metadata = get_hf_file_metadata(
                hf_hub_url(repository, file, revision=revision or None), timeout=_TIMEOUT
            )
        except EntryNotFoundError:
            continue
        except Exception as error:  # HTTP and network errors of several libraries
            raise unavailable(name, f"{repository} on the Hub: {_clause(error)}") from None
        # Of large files the Hub's tag is the SHA-256 of the content.
        if metadata.etag and _SHA256.fullmatch(metadata.etag):
            return metadata.etag
        raise unavailable(name, "they are not on this machine")
    names = " or ".join(need.files)
    raise unavailable(name, f"{repository} on the Hub has no {names}")


def _refuse_offline(name: str) -> None:
    from huggingface_hub import constants

    if offline() or constants.HF_HUB_OFFLINE:
        raise unavailable(name, "they are not on this machine, and distbench is offline")


def _clause(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
