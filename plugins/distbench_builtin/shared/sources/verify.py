"""What is said where weights are not on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from distbench import SourceInfo, WeightsError
from distbench_builtin.shared.caching.file_digests import file_digest


def absent_weights(names: Sequence[str], how: str) -> WeightsError:
    """The error that names some of the models and the command that gets all.

    Args:
        names: Of the models.
        how: Arguments of `distbench fetch`.
    """
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return WeightsError(
        f"the weights of {some} are not on this machine; get them with `distbench fetch {how}`"
    )


def verify(info: SourceInfo, file: Path, digest: Callable[[Path], str] = file_digest) -> None:
    """Compares a file with the fingerprint of its source.

    Args:
        info: The source.
        file: Its weights.
        digest: Takes the digest of the file and those that belong to it.

    Raises:
        WeightsError: It is missing, cannot be read, or differs.
    """
    actual = _digest(info, file, digest)
    if actual != info.fingerprint:
        raise WeightsError(
            f"{file} is not what the manifest declares for source {info.name!r}: its SHA-256 is "
            f"{actual[:12]}..., declared is {info.fingerprint[:12]}...; fetch the file again, or "
            "correct sha256 in the manifest if the new weights are meant"
        )


def unchanged(info: SourceInfo, file: Path) -> None:
    """Compares a file with what it was when its source was described.

    Raises:
        WeightsError: It is missing, cannot be read, or differs.
    """
    actual = _digest(info, file, file_digest)
    if actual != info.fingerprint:
        raise WeightsError(
            f"{file}, the weights of source {info.name!r}, changed: its SHA-256 is "
            f"{actual[:12]}..., it was {info.fingerprint[:12]}...; run the command again"
        )


def _digest(info: SourceInfo, file: Path, digest: Callable[[Path], str]) -> str:
    try:
        return digest(file)
    except OSError as error:
        raise WeightsError(
            f"the weights of source {info.name!r} cannot be read from {file}: {error.strerror}"
        ) from None
