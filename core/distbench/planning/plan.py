"""From a configuration to a frozen plan: which cells there are, what each needs, and its key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import from_json

from distbench.errors import UsageError
from distbench.interfaces.execution.unit import Kind
from distbench.interfaces.reporter import Cell
from distbench.interfaces.suite import Protocol
from distbench.interfaces.zoo import SourceInfo
from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import canonical_json, digest

PLAN_SCHEMA = 2


@dataclass(frozen=True)
class PlannedTask:
    """A task of a plan: how to make it, and what its data are.

    Attributes:
        several: Whether an image may show several classes.
        read: What was found, in words: classes, and images of each part with seed 0.
        images: How many there are of ``train`` (a validation part of its own among them) and
            ``test``, and of ``validation``.
    """

    id: str
    label: str
    component: dict[str, Any]
    fingerprint: str
    classes: tuple[str, ...]
    seen_by: tuple[str, ...]
    notes: tuple[str, ...]
    images_key: str
    flip: bool = True
    group: str = ""
    measure: str = ""
    several: bool = False
    read: str = ""
    images: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedMethod:
    """A row of the leaderboard.

    Attributes:
        id: Its name.
        role: ``ranked``, ``control`` or ``ceiling``.
        components: Kind to component, as the registry makes it again.
        identities: Kind to identity, for keys.
        needs: What its metric and distiller need of a source.
        generalist: Whether it learns from the suite's generalist and from nothing else.
        transfer: The transfer set that it distils on, as a task without labels.
        retrieves: Whether it takes of that the images alone that are near to labelled ones.
        encoder: The source by whose features images of it are retrieved, where one is named.
        untuned: Whether all that `tune` searches of its distiller or baseline is as declared there,
            since neither suite nor user has settings for it.
        step_images: About how many images of a step go through the student.
    """

    id: str
    role: str
    components: dict[str, dict[str, Any]]
    identities: dict[str, dict[str, Any]]
    needs: tuple[str, ...] = ()
    generalist: bool = False
    transfer: PlannedTask | None = None
    retrieves: bool = False
    encoder: str | None = None
    untuned: bool = False
    step_images: float = 0

    @property
    def uses_sources(self) -> bool:
        """Whether it learns from sources."""
        return "distiller" in self.components


@dataclass(frozen=True)
class Job:
    """Makes one artifact that cells need.

    Attributes:
        stage: What it does.
        source: Whose an embedding is.
        method: A method whose metric is scored with; others may share the scores.
        seed: Seed of the probe and of the reference; of an embedding, that it is of the probe of
            this seed alone.
    """

    id: str
    stage: Kind
    key: str
    task: str
    needs: tuple[str, ...] = ()
    source: str | None = None
    method: str | None = None
    seed: int | None = None

    @property
    def title(self) -> str:
        """What it is, for people."""
        if self.stage == "prepare":
            return f"reading the images of {self.task}"
        if self.stage == "embed":
            what = self.task if self.seed is None else f"the probe of {self.task}"
            return f"embedding {what} with {self.source}"
        if self.stage == "reference":
            return f"training the reference for {self.task}"
        return f"scoring the sources for {self.task}"


@dataclass(frozen=True)
class Plan:
    """Everything a worker has to know; frozen as JSON.

    Attributes:
        plugin_files: Path to digest of the plugin files.
        zoo_identity: Name of the zoo and a digest of its sources, the same wherever it lies.
        zoo_provenance: Of a zoo that is not built in, the digest of its source.
        generalist: The suite's generalist, where a method learns from it.
        encoders: Sources by whose features transfer sets are retrieved, where methods name them.
        reference: How the reference model is trained, where a metric needs one.
        excluded: For each task the sources left out beforehand, with reasons.
        marked: For each task the sources kept although they saw it.
        declined: For each task the methods that are not defined on it, with reasons.
        notes: What a reader should know of how it came about, besides what tasks say themselves.
        warnings: What speaks against trusting what will come of it.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    suite: str
    suite_version: int
    protocol: Protocol
    device: str
    plugin_files: dict[str, str]
    skip_corrupt: bool
    save_student: bool = False
    student: dict[str, Any] = field(default_factory=dict)
    student_identity: dict[str, Any] = field(default_factory=dict)
    zoo: dict[str, Any] | None = None
    zoo_identity: str | None = None
    zoo_provenance: dict[str, Any] = field(default_factory=dict)
    sources: tuple[SourceInfo, ...] = ()
    generalist: SourceInfo | None = None
    encoders: tuple[SourceInfo, ...] = ()
    reference: PlannedMethod | None = None
    excluded: dict[str, dict[str, str]] = field(default_factory=dict)
    marked: dict[str, dict[str, str]] = field(default_factory=dict)
    declined: dict[str, dict[str, str]] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    tasks: tuple[PlannedTask, ...] = ()
    methods: tuple[PlannedMethod, ...] = ()
    jobs: tuple[Job, ...] = ()
    cells: tuple[Cell, ...] = ()
    distributions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def task(self, id: str) -> PlannedTask:
        """A task, or a transfer set, by id."""
        transfers = (m.transfer for m in self.methods if m.transfer)
        return next(t for t in (*self.tasks, *transfers) if t.id == id)

    def mirrors(self, task: PlannedTask) -> bool:
        """Whether training mirrors the images of a task."""
        return self.protocol.flip and task.flip

    @property
    def galleries(self) -> frozenset[str]:
        """As of `galleries`."""
        return galleries(self.tasks, self.methods)

    def method(self, id: str) -> PlannedMethod:
        """A method by id."""
        return next(m for m in self.methods if m.id == id)

    def source(self, name: str) -> SourceInfo:
        """A source's facts by name."""
        known = (*self.sources, self.generalist, *self.encoders)
        return next(s for s in known if s and s.name == name)

    def reference_key(self, task: str, seed: int) -> str:
        """Key of the reference model's features of a task."""
        wanted = ("reference", task, seed)
        return next(job.key for job in self.jobs if (job.stage, job.task, job.seed) == wanted)

    def to_json(self) -> str:
        """The plan as canonical JSON."""
        table = TypeAdapter(Plan).dump_python(self)
        transfers = (method["transfer"] for method in table["methods"] if method["transfer"])
        later = [(table, "declined")]  # as plans were before there were these
        later += [(method, "retrieves") for method in table["methods"]]
        for task in (*table["tasks"], *transfers):
            later += [(task, "measure"), (task, "several")]
        for holder, key in later:
            if not holder[key]:
                del holder[key]
        return canonical_json({"schema": PLAN_SCHEMA, **table})

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """Reads a plan.

        Raises:
            UsageError: It was written by a version that plans differently.
        """
        table = from_json(text)
        schema = table.pop("schema", None)
        if schema != PLAN_SCHEMA:
            raise UsageError(f"this plan has schema {schema}, this distbench reads {PLAN_SCHEMA}")
        return TypeAdapter(Plan).validate_python(table)

    @property
    def digest(self) -> str:
        """Identity of what is planned: cells and their keys, not how they are computed."""
        return digest([self.suite, sorted(cell.key for cell in self.cells)])

    def save(self, path: Path) -> None:
        """Writes the plan atomically."""
        write_atomic(path, self.to_json())

    def keep(self, root: Path) -> Path:
        """Writes the plan below ``$DISTBENCH_HOME``, where no other replaces it, and says where."""
        path = root / "plans" / f"{digest(self.to_json())}.json"
        self.save(path)
        return path

    def shard(self, number: int, of: int) -> tuple[Cell, ...]:
        """The cells of one slice of several; slices share no task if there are tasks enough.

        Args:
            number: 1..of.
            of: How many slices there are.
        """
        if not 1 <= number <= of:
            raise UsageError(f"shard {number}/{of}: the first number runs from 1 to the second")
        first, last = (self._cut(n, of) for n in (number - 1, number))
        return self.cells[first:last]

    def _cut(self, number: int, of: int) -> int:
        """Where slice `number` ends: at the end of a task, where there are tasks enough."""
        if of > len(self.tasks):
            return len(self.cells) * number // of
        done = {task.id for task in self.tasks[: len(self.tasks) * number // of]}
        return sum(cell.task in done for cell in self.cells)


def galleries(tasks: Iterable[PlannedTask], methods: Collection[PlannedMethod]) -> frozenset[str]:
    """Ids of transfer sets of which no method takes all: they are looked through and not stored."""
    stored = {task.id for task in tasks}
    stored |= {m.transfer.id for m in methods if m.transfer and not m.retrieves}
    return frozenset({m.transfer.id for m in methods if m.transfer} - stored)
