"""Weight files: read without unpickling anything, and loaded without a name left over."""

from __future__ import annotations

import pickle
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench import WeightsError

if TYPE_CHECKING:
    import torch

_NESTED = ("state_dict", "model")
_WRAPPERS = ("module.", "_orig_mod.")
_POINTER = b"version https://git-lfs"
"""How a file begins that stands for another one in a clone without Git LFS."""


def refuse_pointer(file: Path) -> None:
    """Refuses a file that a clone without Git LFS has in place of weights.

    Raises:
        WeightsError: It is one.
        OSError: It cannot be read.
    """
    with file.open("rb") as held:
        if held.read(len(_POINTER)) == _POINTER:
            raise WeightsError(
                f"{file} stands for a file of Git LFS that is not here; run `git lfs pull` in its "
                "folder"
            )


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name; floats of any precision as float32.

    Args:
        file: ``.safetensors``, or what `torch.save` made of a state dict (perhaps below
            ``state_dict`` or ``model``, as training scripts leave it).

    Raises:
        WeightsError: It cannot be read, holds more than tensors, or is a pointer of Git LFS.
    """
    import torch

    held: Any
    try:
        refuse_pointer(file)
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            held = load_file(file)
        else:
            # Training scripts keep their options beside the weights, in a class that does nothing.
            with torch.serialization.safe_globals([Namespace]):
                held = torch.load(file, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except FileNotFoundError:
        raise WeightsError(f"the weights {file} are missing") from None
    except pickle.UnpicklingError:
        raise WeightsError(
            f"the weights {file} hold more than tensors, and unpickling runs what they say; save "
            "the state dict alone, as safetensors"
        ) from None
    except (KeyError, IndexError, EOFError, UnicodeDecodeError):  # of bytes that are no pickle
        raise WeightsError(
            f"cannot read the weights {file}: it is nothing that torch.save wrote"
        ) from None
    except Exception as error:  # safetensors, zip and torch each have errors of their own
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise WeightsError(f"cannot read the weights {file}: {reason[0]}") from None
    for key in _NESTED:
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    tensors = {k: v for k, v in held.items() if isinstance(v, torch.Tensor)} if held else {}
    if not tensors:
        raise WeightsError(f"the weights {file} hold no tensors by name")
    named = OrderedDict(
        (_unwrapped(name), tensor.float() if tensor.is_floating_point() else tensor)
        for name, tensor in tensors.items()
    )
    if (versions := getattr(held, "_metadata", None)) is not None:
        # Versions of its layers, by which some architectures read what older ones left.
        named._metadata = type(versions)(  # type: ignore[attr-defined]
            (_unwrapped(f"{name}.").removesuffix("."), value) for name, value in versions.items()
        )
    return named


def _unwrapped(name: str) -> str:
    """A tensor's name without what DataParallel and torch.compile put before it."""
    while name.startswith(_WRAPPERS):
        name = name.partition(".")[2]
    return name


def load_strictly(
    model: torch.nn.Module, tensors: Mapping[str, torch.Tensor], *, file: object, into: str
) -> None:
    """Loads tensors into a model that has exactly these.

    Args:
        model: Changed in place.
        tensors: By name. Batch counters of batch norms may be missing, as in old files.
        file: Where they come from, for messages.
        into: What they are loaded into, for messages.

    Raises:
        WeightsError: Names are missing or left over, or shapes differ; names some.
    """
    own = model.state_dict()
    missing = [k for k in own if k not in tensors and not k.endswith("num_batches_tracked")]
    extra = [k for k in tensors if k not in own]
    other = [
        f"{k} {tuple(tensors[k].shape)} for {tuple(own[k].shape)}"
        for k in own
        if k in tensors and tensors[k].shape != own[k].shape
    ]
    problems = [
        f"{what} {_some(names)}"
        for what, names in (("missing", missing), ("left over", extra), ("of other shape", other))
        if names
    ]
    if problems:
        raise WeightsError(f"the weights {file} do not fit {into}: {'; '.join(problems)}")
    model.load_state_dict(tensors, strict=False)


def _some(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
