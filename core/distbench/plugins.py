"""Finds plugins, isolates broken ones, and turns ``"weighted:power=9"`` into a component."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pluggy

from distbench import hookspecs, spec
from distbench.component import Component
from distbench.components import KINDS
from distbench.errors import PluginError, UnknownNameError, UsageError

GROUP = "distbench"
_OWN = "distbench"
_PLURAL = {"strategy": "strategies"}

C = TypeVar("C", bound=Component)


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


@dataclass
class Plugin:
    """A plugin that was found, whether it works or not."""

    origin: Origin
    offers: dict[str, list[str]] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Offer:
    """One name offered by one plugin."""

    kind: str
    name: str
    target: str | type[Component]
    origin: Origin


class Registry:
    """All components of all plugins, by kind and name.

    Args:
        files: Plugin files given with ``--plugin``.

    Raises:
        PluginError: A file cannot be loaded, or any plugin where ``DISTBENCH_STRICT_PLUGINS=1``.
    """

    def __init__(self, files: tuple[Path, ...] = ()) -> None:
        self.plugins: list[Plugin] = []
        self._offers: dict[tuple[str, str], list[Offer]] = {}
        self._strict = os.environ.get("DISTBENCH_STRICT_PLUGINS") == "1"
        for entry in _entry_points():
            dist = entry.dist
            origin = Origin(entry.name, dist.name if dist else None, dist.version if dist else None)
            self._add(origin, entry.load)
        for file in files:
            self._add(Origin(str(file)), lambda file=file: _load_file(file), must=True)

    def _add(self, origin: Origin, load: Any, *, must: bool = False) -> None:
        plugin = Plugin(origin)
        self.plugins.append(plugin)
        try:
            module = load()
            offers = list(_offers_of(module, origin))
        except Exception as error:
            plugin.error = f"{type(error).__name__}: {error}"
            if must or self._strict:
                raise PluginError(origin.plugin, plugin.error) from error
            return
        for offer in offers:
            plugin.offers.setdefault(offer.kind, []).append(offer.name)
            rivals = self._offers.setdefault((offer.kind, offer.name), [])
            rivals.append(offer)
            if len(rivals) > 1:
                plugin.error = self._clash(rivals)
                if must or self._strict:
                    raise PluginError(origin.plugin, plugin.error)

    @staticmethod
    def _clash(rivals: list[Offer]) -> str:
        both = " and ".join(str(offer.origin) for offer in rivals)
        return f"the {rivals[0].kind} name {rivals[0].name!r} is claimed by {both}"

    def names(self, kind: str) -> list[str]:
        """All names of one kind, sorted."""
        return sorted(name for k, name in self._offers if k == kind)

    def offer(self, kind: str, name: str) -> Offer:
        """Who offers a name.

        Raises:
            UnknownNameError: Nobody does; with what is near.
            PluginError: Two plugins claim it.
        """
        rivals = self._offers.get((kind, name))
        if not rivals:
            raise UnknownNameError(kind, name, self.names(kind), self._hint(kind))
        if len(rivals) > 1:
            raise PluginError(rivals[-1].origin.plugin, self._clash(rivals))
        return rivals[0]

    def _hint(self, kind: str) -> str:
        broken = [p.origin.plugin for p in self.plugins if p.error]
        hint = f"`distbench list {plural(kind)}` shows what there is."
        if broken:
            hint += f" Broken plugins: {', '.join(broken)} (see `distbench plugins`)."
        return hint

    def load(self, kind: str, name: str) -> type[Component]:
        """Imports the class of a component.

        Raises:
            UnknownNameError: Nobody offers the name.
            PluginError: What is offered cannot be imported or is of the wrong class.
        """
        offer = self.offer(kind, name)
        target = offer.target
        if isinstance(target, str):
            module, _, attribute = target.partition(":")
            try:
                target = getattr(importlib.import_module(module), attribute)
            except Exception as error:
                raise PluginError(
                    offer.origin.plugin,
                    f"{kind} {name!r} cannot be imported from {offer.target!r}: "
                    f"{type(error).__name__}: {error}",
                ) from error
        wanted = KINDS[kind]
        if not (isinstance(target, type) and issubclass(target, wanted)):
            raise PluginError(
                offer.origin.plugin,
                f"{kind} {name!r} must be a subclass of distbench.{wanted.__name__}, "
                f"got {target!r}",
            )
        return target

    def make(
        self,
        kind: str,
        value: str | Mapping[str, Any] | Component,
        *,
        base: Path | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> Component:
        """Turns a specification into a component.

        Args:
            kind: For example ``"metric"``.
            value: ``"name:key=value"``, a table with ``use`` and parameters (and ``base``, the
                folder of the file that it stood in), or a component.
            base: Folder that relative paths start from, where the table names none.
            defaults: Parameters of a suite for this component, under what is given explicitly.

        Raises:
            UsageError: The specification is wrong or the name unknown.
            PluginError: The plugin behind the name does not work.
        """
        if isinstance(value, Component):
            if not isinstance(value, KINDS[kind]):
                raise UsageError(f"{value!r} is no {kind}")
            return value
        if isinstance(value, str):
            shown = value
            name, chief, params = spec.parse(value)
            given: dict[str, Any] = dict(params)
        else:
            table = dict(value)
            base = Path(table.pop("base")) if "base" in table else base
            shown = table.pop("use", "")
            if not isinstance(shown, str) or not shown:
                raise UsageError(f'{kind}: a table needs use = "name[:VALUE][:key=value]"')
            name, chief, params = spec.parse(shown)
            given = {**params, **table}
        cls = self.load(kind, name)
        for key, default in (defaults or {}).items():
            if key not in given and not (chief is not None and key == cls.primary_field()):
                given[key] = default
        return spec.build(cls, name, chief, given, shown=shown, base=base)

    def provenance(self, kind: str, name: str) -> dict[str, Any]:
        """What besides its own identity decides what a component computes.

        The source digest of its module where it is no built-in: an edited plugin must not be
        served what its former text computed.
        """
        try:
            offer = self.offer(kind, name)
        except UnknownNameError:
            return {}
        if offer.origin.builtin:
            return {}
        return {"source": _source_digest(self.load(kind, name))}

    def distributions(self) -> dict[str, str]:
        """Versions of the installed distributions that offer something."""
        return {
            p.origin.distribution: p.origin.version or ""
            for p in self.plugins
            if p.origin.distribution and p.offers
        }


@cache
def registry(files: tuple[Path, ...] = ()) -> Registry:
    """The registry of this process for these plugin files."""
    return Registry(tuple(Path(f).resolve() for f in files))


def _entry_points() -> Iterator[importlib.metadata.EntryPoint]:
    """Entry points of our group; ``DISTBENCH_PLUGINS`` limits those that are not built in."""
    allowed = os.environ.get("DISTBENCH_PLUGINS")
    wanted = None if allowed is None else {n.strip() for n in allowed.split(",")}
    found = sorted(
        importlib.metadata.entry_points(group=GROUP),
        key=lambda e: (not (e.dist and e.dist.name == _OWN), e.name),
    )
    for entry in found:
        own = entry.dist is not None and entry.dist.name == _OWN
        if own or wanted is None or entry.name in wanted:
            yield entry


def _offers_of(module: Any, origin: Origin) -> Iterator[Offer]:
    """Everything one plugin offers, once its hooks have been checked against the specifications."""
    manager = pluggy.PluginManager("distbench")
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=origin.plugin)
    manager.check_pending()
    hooked = False
    for kind in KINDS:
        hook = getattr(manager.hook, f"distbench_{plural(kind)}")
        for impl in hook.get_hookimpls():
            hooked = True
            offered = impl.function()
            if not isinstance(offered, Mapping):
                raise TypeError(f"distbench_{plural(kind)} must return a mapping, got {offered!r}")
            for name, target in offered.items():
                if not isinstance(target, str) or ":" not in target:
                    raise TypeError(
                        f"distbench_{plural(kind)}: {name!r} must map to 'module:attribute', "
                        f"got {target!r}"
                    )
                yield Offer(kind, name, target, origin)
    if not hooked and origin.distribution is None:
        yield from _bare_components(module, origin)


def _bare_components(module: ModuleType, origin: Origin) -> Iterator[Offer]:
    """Components of a plugin file that has no hooks: each class under its name in snake case."""
    found = False
    for value in vars(module).values():
        if not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        for kind, base in KINDS.items():
            if issubclass(value, base) and not getattr(value, "__abstractmethods__", None):
                found = True
                name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", value.__name__).lower()
                yield Offer(kind, name, value, origin)
    if not found:
        raise TypeError("it has neither hooks nor subclasses of distbench components")


def _load_file(file: Path) -> ModuleType:
    """Imports a plugin file under a name of its own."""
    if not file.is_file():
        raise FileNotFoundError(f"no such file: {file}")
    name = f"distbench_plugin_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    found = importlib.util.spec_from_file_location(name, file)
    if found is None or found.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


@cache
def _source_digest(cls: type[Component]) -> str:
    """SHA-256 of the file that a class is defined in."""
    file = sys.modules[cls.__module__].__file__
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""
