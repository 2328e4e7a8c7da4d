"""Checks of every kind: what components say of themselves, and what importing them costs."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import os
import re
import subprocess
import sys
from functools import cache
from typing import Any

from distbench.errors import DistbenchError
from distbench.interfaces.component import Component
from distbench.storage.hashing import canonical_json, digest
from distbench.testing.calls import fault_if_raises
from distbench.testing.check import check
from distbench.testing.checks import checks_of
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.subject import Subject

_SOURCE = re.compile(r"\b(19|20)\d\d\b|arxiv|doi\.org|https?://|\bours\b|\bour\s+own\b", re.I)
_ROLES = ("ranked", "control", "ceiling")
HEAVY = ("torch", "tensorflow", "jax")


@check()
def declines(subject: Subject) -> None:
    """What it declines are checks of its kind, each with a reason."""
    known = checks_of(subject.kind)
    for name, reason in subject.cls.declines.items():
        if name not in known or name == "declines":
            raise Fault(
                f"it declines {name!r}, which is no check of a {subject.kind}",
                f"checks are {', '.join(n for n in known if n != 'declines')}",
            )
        if not isinstance(reason, str) or not reason.strip():
            raise Fault(f"it declines {name!r} without a reason", "say in one clause why")


@check()
def imports(subject: Subject) -> None:
    """Finding its plugin and importing its module does not import torch."""
    origin = subject.offer.origin
    imported = _imported(origin.plugin, origin.distribution is None)
    cause = imported.get("") or imported.get(f"{subject.kind}:{subject.name}")
    if cause:
        raise Fault(cause, "import it inside the functions that use it")


@cache
def _imported(plugin: str, is_file: bool) -> dict[str, str]:
    """What registering a plugin imports that is heavy, and each of its components, by `kind:name`.

    One interpreter looks at a whole plugin: see `distbench.testing.import_cost`.
    """
    how = "file" if is_file else "entry"
    done = subprocess.run(
        [sys.executable, "-m", "distbench.testing.import_cost", how, plugin, *HEAVY],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    if done.returncode:
        return {"": f"importing it fails: {done.stderr.strip().splitlines()[-1]}"}
    modules: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return modules


@check()
def docstring(subject: Subject) -> None:
    """The first line of the docstring says what it is, and every parameter is described."""
    cls = subject.cls
    if "__doc__" not in vars(cls) or not cls.summary():
        raise Fault("it has no docstring", "say in one line what it is; `distbench list` shows it")
    if not cls.summary().endswith("."):
        raise Fault(
            f"the first line of its docstring, {cls.summary()!r}, is no sentence",
            "say in one line what it is, with a full stop",
        )
    for name, field in cls.parameters().items():
        if not field.description:
            raise Fault(
                f"parameter {name!r} has no description",
                "write Field(..., description=...); `distbench info` shows it",
            )


@check("metric", "strategy", "distiller", "baseline", "measure")
def source(subject: Subject) -> None:
    """The docstring cites where the method comes from, or says that it is ours."""
    if subject.cls.role == "control":
        raise NotChecked("a control is compared with, not proposed")
    text = inspect.cleandoc(subject.cls.__doc__ or "")
    if not _SOURCE.search(text):
        raise Fault(
            "its docstring does not say where it comes from",
            'cite authors, title and year, or write that it is "ours"',
        )


@check()
def made(subject: Subject) -> None:
    """It can be made from its name alone, or its `examples` say from what."""
    try:
        subject.make_or_raise()
    except DistbenchError as error:
        raise Fault(
            f"it cannot be made from {subject.spec!r}: {error}",
            "name specifications that can in `examples`, or check one with "
            f"`distbench check {subject.kind}:{subject.name}:...`",
        ) from None


@check()
def parameters(subject: Subject) -> None:
    """Its parameters have one canonical form, and are read back as they are typed."""
    one: Component = subject.make()
    remedy = "parameters are numbers, texts, booleans, paths, lists or mappings of these"
    with fault_if_raises("writing its parameters as canonical JSON", remedy):
        text = canonical_json(one.identity())
    if digest(subject.make().identity()) != digest(one.identity()):
        raise Fault("two that are made alike hash differently", "no default may change by itself")
    with fault_if_raises(
        f"reading {one.label!r} back", "its parameters must be typed as name:key=value"
    ):
        again = subject.make_or_raise(one.label)
    if canonical_json(again.identity()) != text:
        raise Fault(
            f"{one.label!r} is not read back as it was written",
            "its parameters must be typed as name:key=value",
        )


@check()
def identity(subject: Subject) -> None:
    """Its version counts from 1, and its role is one that there is."""
    cls = subject.cls
    if not isinstance(cls.version, int) or isinstance(cls.version, bool) or cls.version < 1:
        raise Fault(f"version is {cls.version!r}", "write 1, and raise it when its numbers change")
    if cls.role not in _ROLES:
        raise Fault(f"role is {cls.role!r}", f"roles are {', '.join(_ROLES)}")


@check()
def licence(subject: Subject) -> None:
    """The distribution that it comes with names its licence."""
    name = subject.offer.origin.distribution
    if name is None:
        raise NotChecked("a file has no metadata")
    facts: Any = importlib.metadata.metadata(name)
    stated = [facts.get("License-Expression"), facts.get("License")]
    stated += [c for c in facts.get_all("Classifier") or () if c.startswith("License ::")]
    if not any(text and text.strip() not in ("", "UNKNOWN") for text in stated):
        raise Fault(
            f"distribution {name} names no licence",
            'write license = "MIT" (an SPDX name) into its pyproject.toml',
        )
