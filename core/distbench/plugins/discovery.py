"""Where plugins are found, and what each of them offers."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from distbench.interfaces.component import Component, snake_case
from distbench.interfaces.kinds import KINDS
from distbench.plugins import hookspecs
from distbench.storage.hashing import digest, file_digest, is_text

GROUP = "distbench"
FILE_MODULES = "distbench_plugin_"
"""How the names of modules begin that plugin files are imported as."""
HOOK_ARGUMENTS: Mapping[str, Any] = {}
"""What hooks may ask for, by argument name. One can be added: plugins take those they know."""
_OWN = "distbench"
_NAME = re.compile(r"[^\W_][\w.-]*")
_PLURAL = {"strategy": "strategies"}


def plural(kind: str) -> str:
    """``metric`` to ``metrics``."""
    return _PLURAL.get(kind, kind + "s")


@dataclass(frozen=True)
class Origin:
    """Where a plugin comes from.

    Attributes:
        plugin: Name of its entry point, or the path of its file.
        distribution: Name of the installed distribution; None for a file.
        version: Version of that distribution.
    """

    plugin: str
    distribution: str | None = None
    version: str | None = None

    @property
    def builtin(self) -> bool:
        """Whether it ships with distbench; then its release stands for its source."""
        return self.distribution == _OWN

    def __str__(self) -> str:
        return (
            f"{self.plugin} ({self.distribution} {self.version})" if self.version else self.plugin
        )


@dataclass(frozen=True)
class Offer:
    """One name offered by one plugin."""

    kind: str
    name: str
    target: str | type[Component]
    origin: Origin

    @property
    def full_name(self) -> str:
        """``DISTRIBUTION/NAME``, which nobody else can claim; of a built-in its name."""
        origin = self.origin
        owner = origin.distribution or Path(origin.plugin).stem
        return self.name if origin.builtin else f"{owner}/{self.name}"


def entry_points() -> Iterator[importlib.metadata.EntryPoint]:
    """Entry points of our group; ``DISTBENCH_PLUGINS`` limits those that are not built in."""
    allowed = os.environ.get("DISTBENCH_PLUGINS")
    wanted = None if allowed is None else {n.strip() for n in allowed.split(",")}
    entries = sorted(
        importlib.metadata.entry_points(group=GROUP),
        key=lambda e: (not (e.dist and e.dist.name == _OWN), e.name),
    )
    for entry in entries:
        own = entry.dist is not None and entry.dist.name == _OWN
        if own or wanted is None or entry.name in wanted:
            yield entry


def offers_of(module: Any, origin: Origin, overlaps: dict[str, set[str]]) -> Iterator[Offer]:
    """Everything one plugin offers, once its hooks have been checked against the specifications.

    Args:
        module: The plugin.
        origin: Where it comes from.
        overlaps: Takes what it says of data sets that hold images of others.
    """
    manager = pluggy.PluginManager("distbench")
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=origin.plugin)
    manager.check_pending()
    hooked = False
    for impl in manager.hook.distbench_overlaps.get_hookimpls():
        hooked = True
        held: Mapping[str, Sequence[str]] = _returned(impl)
        for outer, inner in held.items():
            overlaps.setdefault(data_set(outer), set()).update(map(data_set, inner))
    for kind in KINDS:
        hook = getattr(manager.hook, f"distbench_{plural(kind)}")
        for impl in hook.get_hookimpls():
            hooked = True
            offered = _returned(impl)
            if not isinstance(offered, Mapping):
                raise TypeError(f"distbench_{plural(kind)} must return a mapping, got {offered!r}")
            for name, target in offered.items():
                if not isinstance(name, str) or not _NAME.fullmatch(name):
                    raise TypeError(
                        f"distbench_{plural(kind)}: {name!r} is no name; use letters, digits, "
                        "'_', '-' and '.'"
                    )
                if not isinstance(target, str) or ":" not in target:
                    raise TypeError(
                        f"distbench_{plural(kind)}: {name!r} must map to 'module:attribute', "
                        f"got {target!r}; a file that is given by --plugin needs no hooks, its "
                        "classes are found"
                    )
                yield Offer(kind, name, target, origin)
    if not hooked and origin.distribution is None:
        yield from _bare_components(module, origin)


def _returned(impl: pluggy.HookImpl) -> Any:
    """What a hook returns, given the arguments that it asks for."""
    return impl.function(*(HOOK_ARGUMENTS[name] for name in impl.argnames))


def _bare_components(module: ModuleType, origin: Origin) -> Iterator[Offer]:
    """Components of a plugin file that has no hooks: each class under its name in snake case."""
    any_component = False
    for value in dict.fromkeys(v for v in vars(module).values() if isinstance(v, type)):
        if value.__module__ != module.__name__:
            continue
        for kind, base in KINDS.items():
            if issubclass(value, base) and not getattr(value, "__abstractmethods__", None):
                any_component = True
                yield Offer(kind, snake_case(value.__name__), value, origin)
    if not any_component:
        raise TypeError("it has neither hooks nor subclasses of distbench components")


def load_file(file: Path) -> ModuleType:
    """Imports a plugin file under a name of its own."""
    if not file.is_file():
        raise FileNotFoundError(f"no such file: {file}")
    if not is_text(str(file)):
        raise ValueError("its path is no text in UTF-8; rename the file or folder")
    name = f"{FILE_MODULES}{file.stem}_{digest([str(file), file_digest(file)])[:8]}"
    module_spec = importlib.util.spec_from_file_location(name, file)
    if module_spec is None or module_spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    module_spec.loader.exec_module(module)
    return module


def data_set(name: str) -> str:
    """The name of a data set as it is compared: capitals, ``_``, blanks and ``-`` do not matter."""
    return re.sub(r"[\s_-]+", "-", name.strip().casefold())
