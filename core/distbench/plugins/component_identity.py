"""What a plan keeps of a component: how to make it again, and what its results depend on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from distbench.interfaces.component import Component
from distbench.interfaces.kinds import kind_of
from distbench.plugins.registry import Registry
from distbench.storage.hashing import canonical_json, file_digest

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Identified(Generic[C]):
    """A component and what its results depend on.

    Attributes:
        component: The component.
        identity: For keys, as of `identity_of`.
        provenance: The part of it that its plugin adds: the digest of its source where it is no
            built-in, else nothing.
    """

    component: C
    identity: dict[str, Any]
    provenance: dict[str, Any]

    @classmethod
    def of(cls, registry: Registry, kind: str, component: C) -> Identified[C]:
        """A component as a registry knows it."""
        provenance = registry.provenance(kind, component.name)
        return cls(component, identity_of(registry, kind, component), provenance)


def as_table(component: Component) -> dict[str, Any]:
    """A component as a JSON-able table that the registry makes it from again."""
    table: dict[str, Any] = json.loads(canonical_json(component.model_dump()))
    nested = {key: as_table(part) for key, part in component.parts().items()}
    return {"use": component.name, **table, **nested}


def identity_of(registry: Registry, kind: str, component: Component) -> dict[str, Any]:
    """Identity of a component, with the digests of files that are its parameters.

    For one that is no built-in its source's digest is added. The data of a task and the weights
    of a zoo or student have fingerprints of their own.
    """
    own = kind in ("task", "zoo", "student")
    files = {
        key: file_digest(value)
        for key, value in component
        if isinstance(value, Path) and value.is_file() and not own
    }
    identity = {**component.identity(), **registry.provenance(kind, component.name)}
    for key, part in component.parts().items():
        identity["params"][key] = identity_of(registry, kind_of(type(part)), part)
    return {**identity, "files": files} if files else identity


def plugin_digests(files: Iterable[Path]) -> dict[str, str]:
    """Absolute path of each plugin file to the digest of what is in it."""
    return {str(file): file_digest(file) for file in (Path(f).resolve() for f in files)}
