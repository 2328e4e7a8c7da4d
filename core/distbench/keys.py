"""Content keys of artifacts and cells: hashes of declared inputs and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from distbench.identity import digest, seed_for
from distbench.plan import PlannedMethod, PlannedTask
from distbench.sources import SourceInfo
from distbench.stages import VERSIONS
from distbench.suite import Protocol, SuiteDefinition


@dataclass(frozen=True)
class Keys:
    """Keys of the artifacts and cells of one plan.

    Args:
        suite: The suite; its name is an axis of every seed.
        protocol: The protocol in force.
        student: Identity of the student and its initial weights.
        sources: The sources of the zoo.
        excluded: For each task the sources left out beforehand.
    """

    suite: SuiteDefinition
    protocol: Protocol
    student: dict[str, Any]
    sources: tuple[SourceInfo, ...]
    excluded: dict[str, dict[str, str]]

    def embeddings(self, task: PlannedTask, method: PlannedMethod | None = None) -> dict[str, str]:
        """Key of the embedding of every source that may be used for a task (by a method)."""
        return {
            s.name: embedding_key(s, task.images_key)
            for s in self.sources
            if s.name not in self.excluded[task.id] and not (method and method.unmet(s))
        }

    def score(self, task: PlannedTask, method: PlannedMethod, seed: int) -> str:
        """Key of the scores of a method's metric on a task."""
        used = ("labelled", "validation", "probe_size", "threads")
        return digest(
            {
                "stage": "score",
                "version": VERSIONS["score"],
                "axes": [self.suite.name, task.id, seed],
                "protocol": {k: v for k, v in self.protocol.model_dump().items() if k in used},
                "metric": method.identities["metric"],
                "images": task.images_key,
                "sources": self.embeddings(task, method),
            }
        )

    def method(self, task: PlannedTask, method: PlannedMethod) -> str:
        """Digest of all that the cells of a method on a task depend on besides their seed."""
        return digest(
            {
                "stage": "train",
                "version": VERSIONS["train"],
                "suite": [self.suite.name, self.suite.version],
                "protocol": self.protocol.of_a_cell(),
                "student": self.student,
                "task": [task.id, task.images_key],
                "method": method.identities,
                "sources": self.embeddings(task, method) if method.uses_sources else {},
            }
        )

    @staticmethod
    def cell(method_key: str, seed: int) -> str:
        """Key of a cell, from the key of its method on its task."""
        return digest([method_key, seed])


def embedding_key(source: SourceInfo, images_key: str, view: str = "test") -> str:
    """Key of a source's embedding of one image set under one view."""
    return digest(
        {
            "stage": "embed",
            "version": VERSIONS["embed"],
            "weights": source.fingerprint,
            "architecture": source.architecture,
            "input": [source.input_size, source.mean, source.std],
            "images": images_key,
            "view": view,
        }
    )


def split_seed(suite: str, task: str, seed: int) -> int:
    """The seed that draws the parts of a task; the method has no part in it."""
    return seed_for(suite, task, seed, "split")
