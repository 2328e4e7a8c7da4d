"""The result row: what a finished cell leaves behind, besides its test predictions."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from distbench.storage.grown import Grown

SCHEMA: Final = 3
"""Raised when a row changes its form; `distbench.storage.row_schemas` reads rows of older ones."""

STUDIED = "metric_scores"
"""Where a row of a submitted study declares what each metric said of its one source."""

HOST: Final = "host"
"""Where the environment of a row has the name of the machine that computed it; it is private."""

Status = Literal["done", "failed", "skipped", "declined"]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class MethodBlock(_Block):
    """Which method a cell trained."""

    id: str = Field(description="row of the leaderboard, e.g. pseudo_labels/weighted/logme")
    role: Literal["ranked", "control", "ceiling"]
    components: dict[str, dict[str, Any]] = Field(
        description="identity (name, version, params) of distiller, metric, strategy or baseline"
    )


class TaskBlock(_Block, Grown):
    """Which task, and the fingerprint of its data."""

    later: ClassVar = frozenset({"flip"})

    id: str
    use: str
    fingerprint: str
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    flip: bool = Field(True, description="false: its images are never mirrored")


class SourcesBlock(_Block):
    """What the method made of the zoo."""

    eligible: tuple[str, ...] = ()
    excluded: dict[str, str] = Field(default_factory=dict, description="source to reason")
    marked: dict[str, str] = Field(
        default_factory=dict, description="kept although it saw the task (overlap=allow)"
    )
    scores: dict[str, float] = {}
    weights: dict[str, float] = {}
    fingerprints: dict[str, str] = {}


class PartsBlock(_Block):
    """How many images each part had, and which seeds drew them.

    The unlabelled pool holds the labelled images too.
    """

    labelled: int
    unlabelled: int
    validation: int
    test: int
    skipped: tuple[str, ...] = Field((), description="images left out because they were corrupt")
    split_seed: int


class CurvePoint(_Block):
    """One point of the learning curve."""

    step: int
    loss: float
    validation_accuracy: float | None = None


class ResultBlock(_Block, Grown):
    """What is compared: bit-equal on one machine and version, however the cell was run."""

    later: ClassVar = frozenset({"probabilities_digest"})

    accuracy: float = Field(description="share of test images classified rightly, 0..1")
    balanced_accuracy: float = Field(description="mean recall over the test classes, 0..1")
    validation_accuracy: float | None
    predictions_digest: str = Field(
        description="SHA-256 of the test predictions, as little-endian int32, beside the row"
    )
    probabilities_digest: str | None = Field(
        None,
        description="SHA-256 of the logarithms of the test probabilities, as little-endian "
        "float16, beside the row; none are kept of more than 1,000 classes",
    )
    curve: tuple[CurvePoint, ...]
    sources: SourcesBlock
    parts: PartsBlock
    declared: dict[str, Any] = Field(
        description="in which methods differ by nature: images a step, augmentation, phases"
    )
    student_digest: str = Field(description="SHA-256 of the trained weights")


class CostBlock(_Block):
    """What it cost; never compared between machines."""

    parameters: int = Field(description="weights and biases of the student")
    student_macs: int = Field(description="of one image through the student")
    teacher_macs: int | None = Field(description="of one image through all weighted sources")
    training_macs: int | None = Field(None, description="of training the student")
    teacher_pass_macs: int | None = Field(
        None, description="of the weighted sources over the images that are distilled on"
    )
    teacher_training_macs: int = Field(0, description="of teaching sources the task")
    selection_macs: int | None = Field(
        None,
        description="of all scored sources over the probe, shared by all that score there, and of "
        "those that a strategy or method looked at besides, over the train images",
    )
    images_forward: int | None = Field(None, description="that went through the student, counted")
    images_backward: int | None = Field(None, description="whose gradients came back, counted")
    steps: int = Field(description="optimiser steps, over all phases")
    train_seconds: float = Field(description="of the student's training loop")
    data_seconds: float | None = Field(
        None, description="that the training loop waited for batches"
    )
    teacher_pass_seconds: float | None = Field(
        None, description="that the passes took when they were made; they are kept and shared"
    )
    teacher_training_seconds: float | None = Field(None, description="of teaching sources the task")
    total_seconds: float = Field(description="of the cell; passes that were kept are not in it")
    latency_ms: float | None = Field(
        None, description="of one image through the trained student on this device"
    )
    peak_memory_mb: float | None = Field(description="of the process, or of the GPU's memory")


class Row(_Block):
    """One finished cell, row schema 3; one of schema 2 is the same without test probabilities.

    `result` is None unless `status` is ``done``; `reason` is None only then. The test predictions
    of a cell that is done lie beside the row, and so do its test probabilities; the digests in
    `result` bind them to it.
    """

    schema_version: Literal[2, 3] = SCHEMA
    key: str = Field(description="hash of everything declared that the result depends on")
    status: Status
    reason: str | None = None
    traceback: str | None = None
    refused: bool = Field(False, description="failed because data or weights were refused")
    method: MethodBlock
    task: TaskBlock
    seed: int
    suite: str
    suite_version: int
    protocol: dict[str, Any]
    student: dict[str, Any]
    zoo: str | None = None
    plugins: dict[str, str] = Field(default_factory=dict, description="distribution to version")
    result: ResultBlock | None = None
    cost: CostBlock | None = None
    environment: dict[str, Any] = {}
