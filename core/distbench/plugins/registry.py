"""Finds plugins, isolates broken ones, and turns ``"weighted:power=9"`` into a component."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from distbench.errors import PluginError, UnknownNameError, UsageError, interrupts, reason_of
from distbench.interfaces.calls import naming
from distbench.interfaces.component import Component
from distbench.interfaces.kinds import KINDS, kind_of
from distbench.plugins import spec
from distbench.plugins.declared import check_declared
from distbench.plugins.discovery import (
    Offer,
    Origin,
    data_set,
    entry_points,
    load_file,
    offers_of,
    plural,
)
from distbench.plugins.offers import Offers, Plugin, clash
from distbench.plugins.source_code import class_digest, plugin_file_digest
from distbench.storage.paths import at_home, without_links

if TYPE_CHECKING:
    from distbench.interfaces.execution.executor import Executor
    from distbench.interfaces.measure import Measure
    from distbench.interfaces.method import Baseline, Distiller
    from distbench.interfaces.metric import Metric
    from distbench.interfaces.reporter import Reporter
    from distbench.interfaces.strategy import Strategy
    from distbench.interfaces.student import Student
    from distbench.interfaces.suite import Suite
    from distbench.interfaces.task import Task
    from distbench.interfaces.zoo import Zoo

Specification = str | Mapping[str, Any]
"""``"weighted:power=9"``, or a table with ``use`` and parameters."""


class Making(TypedDict, total=False):
    """What else `Registry.make` takes."""

    base: Path | None
    defaults: Mapping[str, Any] | None


class Registry:
    """All components of all plugins, by kind and name.

    Args:
        files: Plugin files given with ``--plugin``.

    Raises:
        PluginError: A file cannot be loaded, or any plugin where ``DISTBENCH_STRICT_PLUGINS=1``.
    """

    def __init__(self, files: tuple[Path, ...] = ()) -> None:
        self.plugins: list[Plugin] = []
        self._offers = Offers()
        self._overlaps: dict[str, set[str]] = {}
        self._strict = os.environ.get("DISTBENCH_STRICT_PLUGINS") == "1"
        for entry in entry_points():
            dist = entry.dist
            origin = Origin(entry.name, dist.name if dist else None, dist.version if dist else None)
            self._add(origin, entry.load)
        for file in files:
            self._add(Origin(str(file)), lambda file=file: load_file(file), must=True)
        for plugin in self.plugins:
            plugin.clashes = self._offers.clashes_of(plugin.origin)

    def _add(self, origin: Origin, load: Any, *, must: bool = False) -> None:
        plugin = Plugin(origin)
        self.plugins.append(plugin)
        try:
            module = load()
            offers = list(offers_of(module, origin, self._overlaps))
        except BaseException as error:
            if interrupts(error):
                raise
            plugin.error = reason_of(error)
            if must or self._strict:
                raise PluginError(origin.plugin, plugin.error) from error
            return
        for offer in offers:
            plugin.offers.setdefault(offer.kind, []).append(offer.name)
            rivals = self._offers.add(offer)
            if len(rivals) > 1 and (must or self._strict):
                raise PluginError(origin.plugin, f"{clash(rivals)}; give it another name")

    def names(self, kind: str) -> list[str]:
        """All names of one kind, sorted; where several plugins claim one, full names."""
        return self._offers.names(kind)

    def held_by(self, dataset: str) -> set[str]:
        """A data set and all whose images it holds, spelt by `data_set`, as far as plugins say."""
        held, new = set[str](), {data_set(dataset)}
        while new:
            held |= new
            new = {inner for outer in new for inner in self._overlaps.get(outer, ())} - held
        return held

    def data_sets(self) -> set[str]:
        """All data sets that a plugin says something of, spelt by `data_set`."""
        return set(self._overlaps) | {name for inner in self._overlaps.values() for name in inner}

    def offer(self, kind: str, name: str) -> Offer:
        """Who offers a name; a built-in's stays its own, whoever else claims it.

        Args:
            kind: For example ``"metric"``.
            name: Plain, or ``DISTRIBUTION/NAME``.

        Raises:
            UnknownNameError: Nobody does; with what is near.
            UsageError: Several plugins do, none of them built in.
        """
        return self._offers.find(kind, name, self._hint(kind, name))

    def name_of(self, kind: str, cls: type[Component]) -> str | None:
        """The name that a class is offered under; None where nobody offers it."""
        return self._offers.name_of_target(kind, cls)

    def _hint(self, kind: str, name: str) -> str:
        broken = [p.origin.plugin for p in self.plugins if p.error]
        hint = f"`distbench list {plural(kind)}` shows what there is."
        folder = {"task": "folder:path=", "zoo": "local:path="}.get(kind)
        if folder and at_home(name).exists():
            return f"The folder of that name is {folder}{name}."
        if kind == "student":
            hint += f" Architectures of libraries are timm:{name} and torchvision:{name}."
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
            where = f"{kind} {name!r} cannot be imported from {offer.target!r}"
            with naming(offer.origin.plugin, where):
                target = getattr(importlib.import_module(module), attribute)
        wanted = KINDS[kind]
        if not (isinstance(target, type) and issubclass(target, wanted)):
            raise PluginError(
                offer.origin.plugin,
                f"{kind} {name!r} must be a subclass of distbench.{wanted.__name__}, "
                f"got {target!r}",
            )
        return target

    @overload
    def make(self, kind: Literal["zoo"], value: Specification, **more: Unpack[Making]) -> Zoo: ...
    @overload
    def make(
        self, kind: Literal["metric"], value: Specification, **more: Unpack[Making]
    ) -> Metric: ...
    @overload
    def make(
        self, kind: Literal["strategy"], value: Specification, **more: Unpack[Making]
    ) -> Strategy: ...
    @overload
    def make(
        self, kind: Literal["student"], value: Specification, **more: Unpack[Making]
    ) -> Student: ...
    @overload
    def make(
        self, kind: Literal["distiller"], value: Specification, **more: Unpack[Making]
    ) -> Distiller: ...
    @overload
    def make(
        self, kind: Literal["baseline"], value: Specification, **more: Unpack[Making]
    ) -> Baseline: ...
    @overload
    def make(self, kind: Literal["task"], value: Specification, **more: Unpack[Making]) -> Task: ...
    @overload
    def make(
        self, kind: Literal["suite"], value: Specification, **more: Unpack[Making]
    ) -> Suite: ...
    @overload
    def make(
        self, kind: Literal["measure"], value: Specification, **more: Unpack[Making]
    ) -> Measure: ...
    @overload
    def make(
        self, kind: Literal["executor"], value: Specification, **more: Unpack[Making]
    ) -> Executor: ...
    @overload
    def make(
        self, kind: Literal["reporter"], value: Specification, **more: Unpack[Making]
    ) -> Reporter: ...
    @overload
    def make(self, kind: str, value: Specification, **more: Unpack[Making]) -> Component: ...
    def make(
        self,
        kind: str,
        value: Specification,
        *,
        base: Path | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> Component:
        """Turns a specification into a component.

        Args:
            kind: For example ``"metric"``.
            value: ``"name:key=value"``, or a table with ``use`` and parameters.
            base: Folder that relative paths start from.
            defaults: Parameters of a suite for this component, under what is given explicitly.

        Raises:
            UsageError: The specification is wrong or the name unknown.
            PluginError: The plugin behind the name does not work.
        """
        table = {"use": value} if isinstance(value, str) else dict(value)
        shown = table.pop("use", "")
        if not isinstance(value, str) and (not isinstance(shown, str) or not shown):
            raise UsageError(f'{kind}: a table needs use = "name[:VALUE][:key=value]"')
        name, chief, params = spec.parse(shown)
        given: dict[str, Any] = {**params, **table}
        cls = self.load(kind, name)
        if chief is not None and kind_of(spec.type_of(cls, cls.primary_field())):
            given[str(cls.primary_field())], chief = chief, None
        for key, default in (defaults or {}).items():
            if key not in given and not (chief is not None and key == cls.primary_field()):
                given[key] = default
        for key, inner in given.items():
            if inner == "none" and spec.may_be_none(cls, key):
                continue
            if (nested := kind_of(spec.type_of(cls, key))) and isinstance(inner, (str, Mapping)):
                given[key] = self.make(nested, inner, base=base)
        offer = self.offer(kind, name)
        with naming(offer.origin.plugin, f"{kind} {name!r} cannot be made"):
            own = self._offers.name_of(offer)
            component = spec.build(cls, own, chief, given, shown=shown, base=base)
            check_declared(component)
        return component

    def provenance(self, kind: str, name: str) -> dict[str, Any]:
        """What besides its own identity decides what a component computes.

        The digest of its code where it is no built-in: an edited plugin must not be served what
        its former text computed.
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


def registry(files: tuple[Path, ...] = ()) -> Registry:
    """The registry of this process for these plugin files; one that was edited is read again."""
    whole = tuple(map(without_links, files))
    return _registry(
        whole, tuple(plugin_file_digest(f, data=True) if f.is_file() else "" for f in whole)
    )


@cache
def _registry(files: tuple[Path, ...], digests: tuple[str, ...]) -> Registry:
    return Registry(files)


_source_digest = cache(class_digest)
