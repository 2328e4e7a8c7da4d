"""What torch and numpy compute with besides what they are given: a plugin must leave it alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from distbench.errors import PluginError

_UNKNOWN = object()
_TINY, _ONE = 5e-324, 1.0
"""The smallest positive number, which is denormal."""

_KINDS = ("cpu", "cuda")
_BACKENDS = tuple(
    (backend, what)
    for backend, operations in (
        ("generic", ("all",)),
        ("cuda", ("all", "matmul", "conv", "rnn")),
        ("mkldnn", ("all", "matmul", "conv", "rnn")),
    )
    for what in operations
)
"""Where torch has a precision of float32, from its version 2.9 on."""


@dataclass(frozen=True)
class _Setting:
    """One thing that is set for a whole process or thread.

    Attributes:
        what: How it is called in messages.
        read: Gives its value.
        restore: Sets it.
        fresh: Its value where torch was just imported; unknown where that depends on the machine.
        of: The part of the value that matters.
    """

    what: str
    read: Callable[[], Any]
    restore: Callable[[Any], object]
    fresh: Any = _UNKNOWN
    of: Callable[[Any], Any] = lambda value: value


@contextmanager
def unchanged(name: str) -> Iterator[None]:
    """What is computed after a component is computed as if it had not run.

    What it leaves changed is set back, also where it fails. Random states are none of it: whatever
    distbench draws, it draws from generators and seeds of its own.

    Args:
        name: Of the component or plugin.

    Raises:
        PluginError: It ended well, and something was changed.
    """
    before = _state()
    try:
        yield
    except BaseException:
        _set_back(before)
        raise
    if changed := _set_back(before):
        raise PluginError(
            name,
            f"leaves {' and '.join(changed)} changed, by which what runs after it would be "
            "computed otherwise; change such a thing for a while only, e.g. in a `with` block",
        )


def _state() -> dict[str, Any]:
    return {setting.what: setting.read() for setting in _settings()}


def _set_back(before: dict[str, Any]) -> list[str]:
    """Sets back what is no longer as it was; says what that is."""
    changed = []
    for setting in _settings():
        old, new = before.get(setting.what, setting.fresh), setting.read()
        if old is _UNKNOWN or setting.of(old) == setting.of(new):
            continue
        setting.restore(old)
        changed.append(f"{setting.what} ({_short(old)} before, {_short(new)} now)")
    return changed


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 60 else f"{text[:57]}..."


def _settings() -> list[_Setting]:
    """All that is looked at; what is torch's only where somebody imported it."""
    settings = [_Setting("numpy's errstate", np.geterr, lambda old: np.seterr(**old))]
    settings.append(_Setting("the rounding of denormal numbers to zero", _flushes, _flush, False))
    return settings + (_of_torch() if "torch" in sys.modules else [])


def _flushes() -> bool:
    """Whether this thread computes with zero in place of numbers below the smallest normal one."""
    return _TINY * _ONE == 0


def _flush(on: bool) -> None:
    import torch

    torch.set_flush_denormal(on)  # nothing else that is imported sets it


def _of_torch() -> list[_Setting]:
    import torch

    native: Any = torch._C  # some of it has no other name
    return [
        # Inference mode first: it comes with a grad mode of its own.
        _Setting("torch's inference mode", torch.is_inference_mode_enabled, _infer, False),
        _Setting("torch's grad mode", torch.is_grad_enabled, native._set_grad_enabled, True),
        _Setting(
            "torch's default dtype", torch.get_default_dtype, torch.set_default_dtype, torch.float32
        ),
        _Setting("torch's default device", _device, _set_device, (torch.device("cpu"), 0)),
        _Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
        _Setting("torch's autocast", _autocast, _set_autocast, _fresh_autocast()),
        _Setting("torch's use of oneDNN", native._get_mkldnn_enabled, native._set_mkldnn_enabled),
        _Setting("torch's use of cuDNN", _cudnn, _set_cudnn),
        _Setting(
            "torch's deterministic algorithms",
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda old: native._set_deterministic_algorithms(old[0], warn_only=old[1]),
            (False, False),
        ),
        _Setting("torch's precision of float32", _precisions, _set_precisions, of=_lowered),
        _Setting("torch's hooks on all modules and optimisers", _hooks, _drop_hooks),
    ]


def _autocast() -> tuple[Any, ...]:
    """Of each kind of device whether it is on and in which type; the cache, and the depth."""
    import torch

    depth = torch.autocast_increment_nesting() - 1
    torch.autocast_decrement_nesting()
    kinds = [(kind, torch.is_autocast_enabled(kind), _type(kind)) for kind in _KINDS]
    return (*kinds, torch.is_autocast_cache_enabled(), depth)


def _type(kind: str) -> Any:
    import torch

    return torch.get_autocast_dtype(kind)


def _fresh_autocast() -> tuple[Any, ...]:
    import torch

    return (("cpu", False, torch.bfloat16), ("cuda", False, torch.float16), True, 0)


def _set_autocast(old: tuple[Any, ...]) -> None:
    import torch

    *kinds, cached, depth = old
    for kind, on, dtype in kinds:
        torch.set_autocast_enabled(kind, on)
        torch.set_autocast_dtype(kind, dtype)
    torch.set_autocast_cache_enabled(cached)
    torch.clear_autocast_cache()  # holds weights as they were
    while (now := _autocast()[-1]) != depth:
        step = torch.autocast_decrement_nesting if now > depth else torch.autocast_increment_nesting
        step()


def _infer(on: bool) -> None:
    import torch

    mode = torch.inference_mode(on)
    mode.__enter__()
    _held.append(mode)  # ends where nobody holds it


_held: list[Any] = []


def _device() -> tuple[Any, int]:
    """The device of new tensors, and how many modes there are that may change what is called."""
    import torch

    native: Any = torch._C
    return torch.get_default_device(), native._len_torch_function_stack()


def _set_device(old: tuple[Any, int]) -> None:
    import torch
    from torch.overrides import _pop_mode

    torch.set_default_device(None)
    while _device()[1] > old[1]:
        _pop_mode()  # type: ignore[no-untyped-call]
    if torch.get_default_device() != old[0]:
        torch.set_default_device(old[0])


def _cudnn() -> tuple[bool, ...]:
    from torch.backends import cudnn

    return cudnn.enabled, cudnn.benchmark, cudnn.deterministic


def _set_cudnn(old: tuple[bool, ...]) -> None:
    from torch.backends import cudnn

    cudnn.enabled, cudnn.benchmark, cudnn.deterministic = old


def _precisions() -> tuple[str | None, ...]:
    """Of products of matrices, and then of each backend where torch knows one."""
    import torch

    try:
        products: str | None = torch.get_float32_matmul_precision()
    except RuntimeError:  # somebody set it for a backend, and then this cannot be told
        products = None
    native: Any = torch._C
    if not hasattr(native, "_get_fp32_precision_getter"):
        return (products,)
    return (products, *(native._get_fp32_precision_getter(*place) for place in _BACKENDS))


def _set_precisions(old: tuple[str | None, ...]) -> None:
    import torch

    if old[0] is not None:
        torch.set_float32_matmul_precision(old[0])
    native: Any = torch._C
    for place, value in zip(_BACKENDS, old[1:], strict=False):
        native._set_fp32_precision_setter(*place, value)


def _lowered(precisions: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """To say that float32 is float32 changes nothing."""
    return tuple("none" if precision == "ieee" else precision for precision in precisions)


def _hooks() -> tuple[frozenset[int], ...]:
    """Numbers of the hooks that run whenever any module or optimiser does."""
    return tuple(frozenset(hooks) for hooks in _hook_tables())


def _drop_hooks(old: tuple[frozenset[int], ...]) -> None:
    for hooks, known in zip(_hook_tables(), old, strict=True):
        for number in [number for number in hooks if number not in known]:
            with suppress(KeyError):
                del hooks[number]


def _hook_tables() -> list[dict[int, Any]]:
    from torch.nn.modules import module
    from torch.optim import optimizer

    names = ("forward_pre", "forward", "backward_pre", "backward")
    tables = [getattr(module, f"_global_{name}_hooks") for name in names]
    tables += [getattr(optimizer, f"_global_optimizer_{when}_hooks") for when in ("pre", "post")]
    return tables
