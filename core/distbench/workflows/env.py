"""What a bug report needs to say of an installation, and nothing that is nobody's business."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path
from typing import Any

_CORE = (
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "scipy",
    "scikit-learn",
    "pillow",
    "datasets",
    "huggingface_hub",
    "safetensors",
    "onnxruntime",
    "pluggy",
    "pydantic",
    "typer",
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_DEVELOPING = "dev"
_OF_EXTRA = re.compile(r"""(?P<name>[A-Za-z0-9._-]+).*extra == ["'](?P<extra>[^"']+)""")


def diagnose(plugin_files: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The facts by title; all of it can be written as JSON.

    Paths begin with ``~`` where they lie in the user's home; of environment variables only those
    are read that set threads, `DISTBENCH_PLUGINS` and whether distbench is offline.

    Args:
        plugin_files: Plugin files to be looked at besides installed plugins.
    """
    return {
        "distbench": _version("distbench"),
        "installed": "editable" if _editable() else "as a package",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": {name: _version(name) for name in _CORE},
        "extras": _extras(),
        "plugins": _plugins(plugin_files),
        "plugins limited to": os.environ.get("DISTBENCH_PLUGINS"),
        "cpu": _cpu(),
        "devices": _devices(),
        "home": _home(),
        "shared store": _shared(),
        "offline": _offline(),
    }


def shortened(path: Path | str) -> str:
    """A path without the name of the user: ``~/...`` in the home."""
    text, home = str(path), str(Path.home())
    if home not in ("", "/") and (text == home or text.startswith(home + os.sep)):
        return "~" + text[len(home) :]
    return text


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _editable() -> bool:
    try:
        record = distribution("distbench").read_text("direct_url.json") or ""
    except PackageNotFoundError:
        return False
    return '"editable": true' in record


def _extras() -> dict[str, str]:
    """For each extra of distbench the versions it has, or what is missing."""
    versions: dict[str, list[str]] = {}
    for text in requires("distbench") or ():
        need = _OF_EXTRA.match(text)
        if need and need["extra"] != _DEVELOPING:
            versions.setdefault(need["extra"], []).append(
                f"{need['name']} {_version(need['name'])}"
            )
    return {extra: ", ".join(parts) for extra, parts in sorted(versions.items())}


def _plugins(files: tuple[Path, ...]) -> list[dict[str, Any]]:
    from distbench.errors import PluginError
    from distbench.plugins.registry import registry

    broken = []
    for file in files:
        try:
            registry((file,))
        except PluginError as error:
            broken.append({"plugin": shortened(file), "broken": _without_home(str(error))})
            files = tuple(other for other in files if other != file)
    return broken + [
        {
            **asdict(plugin.origin),
            "plugin": shortened(plugin.origin.plugin),
            "offers": sum(map(len, plugin.offers.values())),
            "broken": _without_home(plugin.error) if plugin.error else None,
        }
        for plugin in registry(files).plugins
    ]


def _without_home(text: str) -> str:
    home = str(Path.home())
    return text if home in ("", "/") else text.replace(home, "~")


def _cpu() -> dict[str, Any]:
    from distbench.storage.system.machine import usable_cores

    threads = {}
    with contextlib.suppress(ImportError):
        import torch

        threads = {"torch threads": torch.get_num_threads()}
    return {
        "cores": os.cpu_count(),
        "usable": usable_cores(),
        **threads,
        **{name: os.environ[name] for name in _THREADS if name in os.environ},
    }


def _devices() -> list[str]:
    try:
        import torch
    except ImportError as error:
        from distbench.errors import reason_of

        return [reason_of(error)]
    devices = []
    for number in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(number)
        memory = facts.total_memory / 2**30
        devices.append(f"cuda:{number} {facts.name}, {memory:.0f} GiB, CUDA {torch.version.cuda}")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def _home() -> dict[str, Any]:
    """Where distbench keeps things, how much that is by kind, and how much room is left."""
    import shutil

    from distbench.storage.home import home

    root = home()
    sizes = {
        folder.name: _size(folder)
        for folder in (sorted(root.iterdir()) if root.is_dir() else ())
        if folder.is_dir() and not folder.is_symlink()
    }
    there = next(p for p in (root, *root.parents) if p.exists())
    return {
        "path": shortened(root),
        "set by DISTBENCH_HOME": "DISTBENCH_HOME" in os.environ,
        "in use": _human(sum(sizes.values())),
        "of which": {name: _human(size) for name, size in sizes.items() if size},
        "free": _human(shutil.disk_usage(there).free),
    }


def _shared() -> str | None:
    """Of what kind the store is that is shared with other machines; not where, which is private."""
    from distbench.errors import UsageError
    from distbench.storage.network.shared.address import store_address

    try:
        address = store_address()
    except UsageError:
        return "DISTBENCH_STORE is no address of a store"
    return None if address is None else address.partition(":")[0]


def _size(folder: Path) -> int:
    """Bytes of the files below a folder, as far as they can be read."""
    total, open_folders = 0, [str(folder)]
    while open_folders:
        try:
            with os.scandir(open_folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        open_folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def _human(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _offline() -> dict[str, bool]:
    from distbench.storage.network.offline import offline

    hub = any(os.environ.get(name) == "1" for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))
    return {"distbench": offline(), "Hugging Face libraries": hub}
