"""Runs checks: what a target offers, what each check says of it, and what its author declined."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distbench.errors import DistbenchError, UnknownNameError, interrupts
from distbench.interfaces.kinds import KINDS
from distbench.plugins.discovery import Offer
from distbench.plugins.offers import Plugin
from distbench.plugins.registry import registry
from distbench.storage.paths import without_links
from distbench.testing.calls import error_line
from distbench.testing.check import Check
from distbench.testing.checks import checks_of
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.subject import Subject

Result = Literal["passed", "failed", "declined", "skipped"]


_INSTALL = "a module whose hooks name it is checked as the installed package it is in"


@dataclass(frozen=True)
class Verdict:
    """What a check says of a component.

    Attributes:
        component: ``kind:specification``.
        check: Name of the check.
        result: How it ended.
        note: What is wrong, or why it was declined or skipped.
        remedy: What to do about it.
        seconds: How long it took.
    """

    component: str
    check: str
    result: Result
    note: str = ""
    remedy: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Case:
    """One check of one component, to be run.

    Attributes:
        component: ``kind:specification``.
        check: Name of the check.
        summary: What it holds.
        run: Runs it; never raises.
    """

    component: str
    check: str
    summary: str
    run: Callable[[], Verdict]

    def __str__(self) -> str:
        return f"{self.component}-{self.check}"


def check_all(target: str, plugins: tuple[Path, ...] = ()) -> Iterator[Verdict]:
    """Runs every check of a target.

    Args:
        target: As for `cases_of`.
        plugins: Further plugin files, in which a component is looked for.

    Yields:
        A verdict for each component and check.
    """
    for case in cases_of(target, plugins):
        yield case.run()


def cases_of(target: str, plugins: tuple[Path, ...] = ()) -> list[Case]:
    """The checks of a target, not run yet.

    Args:
        target: A plugin file, an installed plugin or distribution by name, or one component, as in
            ``metric:logme`` or ``task:folder:path=my_images``. Of a name alone all its `examples`
            are checked.
        plugins: Further plugin files.

    Raises:
        UnknownNameError: Nothing of that name is installed or offered.
        PluginError: A file cannot be loaded.
    """
    plugins = tuple(map(without_links, plugins))  # checks work in a folder of their own
    kind, colon, spec = target.partition(":")
    if colon and kind in KINDS:
        names = registry(plugins)
        name = spec.partition(":")[0]
        offer = names.offer(kind, name)
        specs = _specs(kind, offer, plugins) if spec == name else (spec,)
        return [case for one in specs for case in _component(kind, offer, one, plugins)]
    if target.endswith(".py"):
        file = without_links(target)
        matching = [p for p in registry((*plugins, file)).plugins if p.origin.plugin == str(file)]
        return [case for p in matching for case in _plugin(p, (*plugins, file))]
    matching = _installed(target)
    return [case for plugin in matching for case in _plugin(plugin, plugins)]


def _installed(target: str) -> list[Plugin]:
    """The plugins of an installed distribution, or the one of that name."""

    def normalised(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    known: dict[str, list[Plugin]] = {}
    for plugin in registry().plugins:
        for name in {plugin.origin.plugin, plugin.origin.distribution or plugin.origin.plugin}:
            known.setdefault(normalised(name), []).append(plugin)
    if normalised(target) not in known:
        raise UnknownNameError(
            "plugin",
            target,
            list(known),
            "Give a file.py, kind:name, or what `distbench plugins` lists "
            "(a package has to be installed: pip install -e .).",
        )
    return known[normalised(target)]


def _plugin(plugin: Plugin, files: tuple[Path, ...]) -> list[Case]:
    """The checks of all that a plugin offers; of one that is broken, that it is."""
    name = plugin.origin.plugin
    if plugin.error:
        remedy = "see docs/plugins.md, A package"
        return _broken(f"plugin:{name}", "It can be loaded.", plugin.error, remedy)
    names = registry(files)
    return [
        case
        for kind, offered in plugin.offers.items()
        for one in offered
        for spec in _specs(kind, names.offer(kind, one), files)
        for case in _component(kind, names.offer(kind, one), spec, files)
    ]


def _broken(component: str, summary: str, note: str, remedy: str) -> list[Case]:
    """The one check of what cannot be loaded."""
    verdict = Verdict(component, "loads", "failed", note, remedy)
    return [Case(component, "loads", summary, lambda: verdict)]


def _specs(kind: str, offer: Offer, files: tuple[Path, ...]) -> tuple[str, ...]:
    """What a component is checked as."""
    try:
        examples = registry(files).load(kind, offer.name).examples
    except DistbenchError:
        return (offer.name,)
    # A class may be offered under several names, and a subclass inherits its parent's.
    return tuple(e for e in examples if e.partition(":")[0] == offer.name) or (offer.name,)


def _component(kind: str, offer: Offer, spec: str, files: tuple[Path, ...]) -> list[Case]:
    """The checks of one component."""
    typed = spec != offer.name and spec not in _specs(kind, offer, files)
    subject = Subject(kind, spec, offer, files, own_folder=not typed)
    label = f"{kind}:{spec}"
    try:
        declined = dict(subject.cls.declines)
    except DistbenchError as error:
        return _broken(label, "It can be imported.", str(error), _INSTALL)

    def case(check: Check) -> Case:
        reason = str(declined.get(check.name, "")) if check.name != "declines" else ""
        return Case(
            label, check.name, check.summary, lambda: _verdict(subject, label, check, reason)
        )

    return [case(check) for check in checks_of(kind).values()]


def _verdict(subject: Subject, label: str, check: Check, reason: str) -> Verdict:
    if reason.strip():
        return Verdict(label, check.name, "declined", reason)
    started = time.perf_counter()
    result: Result = "passed"
    note = remedy = ""
    try:
        check.function(subject)
    except Fault as fault:
        result, note, remedy = "failed", fault.what, fault.remedy
    except NotChecked as skipped:
        result, note = "skipped", skipped.reason
    except BaseException as error:
        if interrupts(error):
            raise
        result, note = "failed", error_line(error)
        remedy = "run it by hand to see the whole traceback"
    return Verdict(label, check.name, result, note, remedy, time.perf_counter() - started)
