"""What a bundle says of itself: its manifest and the public form of its plan."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from distbench.interfaces.zoo import SourceInfo
from distbench.storage.grown import Grown
from distbench.storage.hashing import canonical_json
from distbench.storage.rows import SCHEMA as ROW_SCHEMA
from distbench.submission import limits

SCHEMA: Final = 1
"""Raised when manifest or plan of a bundle change their form."""

LICENCES = ("CC-BY-4.0", "CC0-1.0", "CC-BY-SA-4.0", "ODC-By-1.0", "Apache-2.0", "MIT")
"""Licences under which results can be published in a common table, as SPDX identifiers."""

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

Name = Annotated[str, Field(min_length=1, max_length=limits.NAME)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=limits.ROWS)]
Identity = dict[str, Any]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Member(_Block):
    """Size and digest of another member of the bundle."""

    sha256: Sha256
    bytes: int = Field(ge=0)


class Coverage(_Block):
    """How the planned cells ended; those without a row are missing."""

    planned: Count
    done: Count
    failed: Count
    declined: Count
    skipped: Count
    missing: Count


class TaskFacts(_Block, Grown):
    """A task and the fingerprint of its data."""

    later: ClassVar = frozenset({"flip", "group", "measure", "several"})

    id: Name
    use: str = Field(max_length=limits.NAME, description="the task as one would type it")
    fingerprint: Name
    classes: tuple[Name, ...] = Field(min_length=2)
    flip: bool = Field(True, description="false: its images are never mirrored")
    group: str = Field(
        "", max_length=limits.NAME, description="of tasks with common data, which count as one"
    )
    measure: str = Field(
        "",
        max_length=limits.NAME,
        description="what methods are compared by on it; empty for accuracy",
    )
    several: bool = Field(False, description="true: an image may show several classes")


class Machine(_Block):
    """One kind of machine and software, and how many rows were made on it."""

    rows: Count
    environment: dict[str, str | int | float | bool | None]


class Manifest(_Block, Grown):
    """``bundle.json``: who submits what, made with what, and the digests of the other members."""

    later: ClassVar = frozenset({"date"})

    schema_version: Literal[1] = SCHEMA
    row_schema: int = Field(ROW_SCHEMA, ge=1, description="schema of the rows in rows.jsonl")
    name: str = Field(pattern=NAME_PATTERN, description="the file is called NAME.distbench.zip")
    submitter: str = Field(min_length=1, max_length=100)
    licence: str = Field(description="of the submission, an SPDX identifier")
    note: str | None = Field(None, max_length=limits.TEXT, description="what the submitter says")
    incomplete: str | None = Field(
        None, max_length=limits.TEXT, description="what is missing or failed; None if nothing is"
    )
    date: str | None = Field(
        None, pattern=r"^\d{4}-\d{2}-\d{2}$", description="day on which it was made (UTC)"
    )
    distbench: Name
    suite: Name
    suite_version: int
    protocol: dict[str, Any]
    student: Identity
    zoo: str | None = None
    plan_digest: Sha256
    seeds: tuple[int, ...] = Field(min_length=1)
    tasks: tuple[TaskFacts, ...] = Field(min_length=1)
    weights: dict[Name, Name] = Field(description="source, or student, to fingerprint of weights")
    plugins: dict[Name, tuple[Name, ...]] = Field(
        description="distribution to the versions that rows were made with"
    )
    plugin_files: dict[Name, Sha256] = Field(
        default_factory=dict, description="plugins that were single files, by their last name"
    )
    machines: tuple[Machine, ...]
    counts: Coverage
    members: dict[str, Member]


class PlanTask(TaskFacts):
    """A planned task."""

    seen_by: tuple[Name, ...] = ()
    notes: tuple[str, ...] = ()


class TransferFacts(_Block):
    """A transfer set that a method distils on."""

    use: str = Field(max_length=limits.NAME)
    fingerprint: Name


class PlanMethod(_Block):
    """A planned method; `components` holds identities, in which there are no paths."""

    id: Name
    role: Literal["ranked", "control", "ceiling"]
    components: dict[str, Identity]
    needs: tuple[str, ...] = ()
    generalist: bool = False
    transfer: TransferFacts | None = None
    encoder: str | None = None


class PublicPlan(_Block):
    """``plan.json``: what was planned, without anything that says where it lay."""

    schema_version: Literal[1] = SCHEMA
    name: Name
    suite: Name
    suite_version: int
    protocol: dict[str, Any]
    skip_corrupt: bool
    student: Identity
    zoo: str | None
    sources: tuple[SourceInfo, ...]
    generalist: SourceInfo | None = None
    encoders: tuple[SourceInfo, ...] = ()
    reference: Identity | None = None
    excluded: dict[str, dict[str, str]]
    marked: dict[str, dict[str, str]]
    seeds: tuple[int, ...] = Field(min_length=1)
    tasks: tuple[PlanTask, ...] = Field(min_length=1)
    methods: tuple[PlanMethod, ...] = Field(min_length=1)
    keys: dict[str, dict[str, tuple[Sha256, ...]]] = Field(
        description="method to task to the keys of its cells, in the order of the seeds"
    )

    def everyone(self) -> dict[str, SourceInfo]:
        """All sources of the plan by name."""
        others = (*self.encoders, *((self.generalist,) if self.generalist else ()))
        return {source.name: source for source in (*others, *self.sources)}

    def cells(self) -> dict[tuple[str, str, int], str]:
        """Key of each cell by method, task and seed, in the order of the plan."""
        return {
            (method.id, task.id, seed): key
            for method in self.methods
            for task in self.tasks
            for seed, key in zip(self.seeds, self.keys[method.id][task.id], strict=True)
        }


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON; rows and plans write infinity differently."""
    if one == other:
        return True
    try:
        texts = [canonical_json(v).replace('"Infinity"', '"inf"') for v in (one, other)]
    except (ValueError, TypeError):
        return False
    return texts[0].replace('"-Infinity"', '"-inf"') == texts[1].replace('"-Infinity"', '"-inf"')
