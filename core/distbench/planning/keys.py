"""Content keys of artifacts and cells: hashes of declared inputs and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distbench.interfaces.suite import Protocol, SuiteDefinition
from distbench.interfaces.zoo import SourceInfo
from distbench.planning.eligibility import Eligibility, among
from distbench.planning.plan import PlannedMethod, PlannedTask
from distbench.storage.hashing import digest, seed_for
from distbench.storage.jpegs import QUALITY


@dataclass(frozen=True)
class Keys:
    """Keys of the artifacts and cells of one plan.

    Args:
        suite: The suite; its name is an axis of every seed.
        protocol: The protocol in force.
        student: Identity of the student and its initial weights.
        zoo: Provenance of the zoo.
        eligibility: The sources, and which of them are left out.
        reference: How the reference model is trained, where one is needed.
        encoders: Sources by whose features transfer sets are retrieved, by name.
    """

    suite: SuiteDefinition
    protocol: Protocol
    student: dict[str, Any]
    zoo: Mapping[str, Any]
    eligibility: Eligibility
    reference: PlannedMethod | None = None
    encoders: Mapping[str, SourceInfo] = field(default_factory=dict)
    _used: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    def embedding(self, source: SourceInfo, task: PlannedTask) -> str:
        """Key of a source's embedding of a task."""
        return embedding_key(source, task.images_key, self.protocol, self.zoo)

    def used(self, task: PlannedTask, method: PlannedMethod) -> str:
        """Digest of what a method uses of the zoo on a task, and of what is left out."""
        known = (task.id, (*method.needs, str(method.generalist)))
        if known not in self._used:
            candidates = self.eligibility.candidates(method)
            self._used[known] = digest(
                {
                    "facts": [s.model_dump(exclude={"licence"}) for s in candidates],
                    "embeddings": self.embeddings(task, method),
                    "excluded": among(candidates, self.eligibility.excluded[task.id]),
                    "marked": among(candidates, self.eligibility.marked[task.id]),
                }
            )
        return self._used[known]

    def embeddings(self, task: PlannedTask, method: PlannedMethod) -> dict[str, str]:
        """Key of the embedding of every source that a method may use for a task."""
        eligible = self.eligibility.eligible(task.id, method)
        return {source.name: self.embedding(source, task) for source in eligible}

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
                "sources": self.used(task, method),
                **self._trained_before(task, method),
                **self._seen_around(task, method),
                **self._read(task, method),
            }
        )

    def _seen_around(self, task: PlannedTask, method: PlannedMethod) -> dict[str, Any]:
        """What a metric may look at that sees the context of a task."""
        if "context" not in method.needs:
            return {}
        return {"context": [[*task.classes], self.protocol.of_a_cell()]}

    def reference_features(self, task: PlannedTask, seed: int) -> str:
        """Key of the reference model's features on the probe of a task."""
        if self.reference is None:
            raise ValueError("no metric of this plan needs a reference")
        return digest(["reference", self.cell(self.method(task, self.reference), seed)])

    def method(self, task: PlannedTask, method: PlannedMethod) -> str:
        """Digest of all that the cells of a method on a task depend on besides their seed."""
        return digest(
            {
                "stage": "train",
                "version": VERSIONS["train"],
                "suite": [self.suite.name, self.suite.version],
                "protocol": self.protocol.of_a_cell(),
                "student": self.student,
                "task": [task.id, self.images(task)],
                **({"flip": False} if self.protocol.flip and not task.flip else {}),
                "method": method.identities,
                "sources": self.used(task, method) if method.uses_sources else None,
                **self._trained_before(task, method),
                **self._transferred(task, method),
                **self._read(task, method),
            }
        )

    @staticmethod
    def _read(task: PlannedTask, method: PlannedMethod) -> dict[str, Any]:
        """What a method depends on that reads the names of the classes."""
        return {"classes": [*task.classes]} if "text" in method.needs else {}

    def _trained_before(self, task: PlannedTask, method: PlannedMethod) -> dict[str, str]:
        """What a method depends on that is trained before it: the reference of its metric."""
        if "reference" not in method.needs or self.reference is None:
            return {}
        return {"reference": self.method(task, self.reference)}

    def _transferred(self, task: PlannedTask, method: PlannedMethod) -> dict[str, Any]:
        """What a method depends on that distils on a transfer set."""
        if method.transfer is None:
            return {}
        inputs: dict[str, Any] = {"transfer": self.images(method.transfer)}
        if method.encoder is not None:
            encoder = self.encoders[method.encoder]
            inputs["encoder"] = [
                self.embedding(encoder, task),
                self.eligibility.excluded[task.id].get(encoder.name),
            ]
        return inputs

    def images(self, task: PlannedTask) -> str:
        """Key of the images of a task as the student needs them."""
        return stored_key(task.images_key, self.protocol, self.protocol.image_size)

    @staticmethod
    def cell(method_key: str, seed: int) -> str:
        """Key of a cell, from the key of its method on its task."""
        return digest([method_key, seed])


def stored_key(images_key: str, protocol: Protocol, side: int) -> str:
    """Key of the images of a task as a network of some input size needs them.

    Those whose input is larger than `Protocol.store_size` have the images stored at their own size.

    Args:
        images_key: Key of the images at the protocol's size.
        protocol: The protocol.
        side: Of the network's input, pixels.
    """
    return images_key if side <= protocol.store_size else digest([images_key, side])


def embedding_key(
    source: SourceInfo, images_key: str, protocol: Protocol, zoo: Mapping[str, Any]
) -> str:
    """Key of a source's embedding of one image set, shown to it as test images are.

    Args:
        source: Its facts; all that its outputs depend on are in them.
        images_key: Key of the image set at the protocol's size.
        protocol: Says with how many threads and how precisely it is computed; on a CPU precision
            makes no difference but to the key.
        zoo: Provenance of its zoo: empty for one that is built in.
    """
    facts = {
        *("fingerprint", "architecture", "recipe", "num_classes", "feature_dim"),
        *("input_size", "mean", "std", "interpolation", "crop"),
    }
    return digest(
        {
            "stage": "embed",
            "version": VERSIONS["embed"],
            "source": source.model_dump(include=facts),
            "zoo": zoo,
            "images": stored_key(images_key, protocol, source.input_size),
            "threads": protocol.threads,
            "view": "test",
            **({} if protocol.precision == "fp32" else {"precision": protocol.precision}),
        }
    )


def split_seed(suite: str, task: str, seed: int) -> int:
    """The seed that draws the parts of a task; the method has no part in it."""
    return seed_for(suite, task, seed, "split")


def images_key(
    fingerprint: str,
    provenance: Mapping[str, Any],
    protocol: Protocol,
    skip_corrupt: bool,
    *,
    several: bool = False,
) -> str:
    """Key of the decoded images of a task.

    Args:
        fingerprint: Of its data.
        provenance: Of its component; empty for one that is built in.
        protocol: Says in which size and how they are stored.
        skip_corrupt: Whether images that cannot be decoded are left out.
        several: Whether it is a target task whose images may show several classes: their labels are
            stored with them.
    """
    return digest(
        {
            "stage": "prepare",
            "version": VERSIONS["prepare"],
            "data": fingerprint,
            "store_size": protocol.store_size,
            **({"store": [protocol.store, QUALITY]} if protocol.store == "jpeg" else {}),
            "skip_corrupt": skip_corrupt,
            **provenance,
            **({"several": True} if several else {}),
        }
    )


VERSIONS = {"prepare": 2, "embed": 1, "score": 1, "train": 1}
"""Raised when what a stage computes changes; part of every key that depends on it."""
