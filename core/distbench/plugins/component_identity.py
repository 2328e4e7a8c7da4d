"""What a plan keeps of a component: how to make it again, and what its results depend on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from distbench.errors import UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.kinds import kind_of
from distbench.plugins.registry import Registry
from distbench.plugins.source_code import plugin_file_digest
from distbench.storage.hashing import canonical_json, path_digest
from distbench.storage.paths import without_links

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Identified(Generic[C]):
    """A component and what its results depend on.

    Attributes:
        component: The component.
        identity: For keys, as of `identity_of`.
        provenance: The part of it that its plugin adds: the digest of its source where it is no
            built-in, else nothing; those of its parts by their parameters.
    """

    component: C
    identity: dict[str, Any]
    provenance: dict[str, Any]

    @classmethod
    def of(cls, registry: Registry, kind: str, component: C) -> Identified[C]:
        """A component as a registry knows it."""
        provenance = _provenance(registry, kind, component)
        return cls(component, identity_of(registry, kind, component), provenance)


def _provenance(registry: Registry, kind: str, component: Component) -> dict[str, Any]:
    parts = {
        key: _provenance(registry, kind_of(type(part)), part)
        for key, part in component.parts().items()
    }
    own = registry.provenance(kind, component.name)
    return {**own, **{key: nested for key, nested in parts.items() if nested}}


def as_table(component: Component) -> dict[str, Any]:
    """A component as a JSON-able table that the registry makes it from again."""
    table: dict[str, Any] = json.loads(canonical_json(component.model_dump()))
    nested = {key: as_table(part) for key, part in component.parts().items()}
    return {"use": component.name, **table, **nested}


def identity_of(registry: Registry, kind: str, component: Component) -> dict[str, Any]:
    """Identity of a component, with the digests of files and folders that are its parameters.

    For one that is no built-in the digest of its code is added. The data of a task, the sources of
    a zoo and the weights of a built-in student have fingerprints of their own.
    """
    provenance = registry.provenance(kind, component.name)
    own = kind in ("task", "zoo") or (kind == "student" and not provenance)
    files = {} if own else {key: _digest(path) for key, path in component.paths().items()}
    identity = {**component.identity(), **provenance}
    for key, part in component.parts().items():
        identity["params"][key] = identity_of(registry, kind_of(type(part)), part)
    return {**identity, "files": files} if files else identity


def _digest(path: Path) -> str | None:
    """Digest of a file or folder; None where there is none."""
    try:
        return path_digest(path) if path.exists() else None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; mend it") from None


def plugin_digests(files: Iterable[Path]) -> dict[str, str]:
    """Absolute path of each plugin file to the digest of all its code."""
    return {str(file): plugin_file_digest(file) for file in map(without_links, files)}
