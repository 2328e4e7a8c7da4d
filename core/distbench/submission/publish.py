"""Turns a run into a bundle: what `distbench submit` does."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distbench.engine.records.run_folder import RunFolder
from distbench.errors import RefusedError, UsageError
from distbench.planning.plan import Plan, PlannedMethod, PlannedTask
from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import canonical_json
from distbench.storage.predictions import FILE as PREDICTIONS
from distbench.storage.predictions import packed
from distbench.storage.rows import SCHEMA
from distbench.storage.validation import faults_of
from distbench.submission import limits
from distbench.submission.archive import write_archive
from distbench.submission.bundle import SUFFIX
from distbench.submission.manifest import (
    LICENCES,
    NAME_PATTERN,
    Manifest,
    Member,
    PublicPlan,
)
from distbench.submission.scrub import Scrubber, pathless
from distbench.submission.store_checks import check_against_store
from distbench.submission.study_scores import MetricScores, with_scores
from distbench.submission.tally import Tally
from distbench.submission.validate import validate
from distbench.submission.validation_report import ValidationReport


def submit(
    run: RunFolder,
    *,
    submitter: str,
    licence: str,
    output: Path,
    name: str | None = None,
    note: str | None = None,
    metrics: MetricScores | None = None,
    probabilities: bool = True,
    plugins: tuple[Path, ...] = (),
) -> tuple[Path, ValidationReport]:
    """Writes a run as a bundle and validates it as it will be validated when it is submitted.

    Args:
        run: The run; an incomplete one says what is missing.
        submitter: Who answers for it, as it shall be shown.
        licence: One of `LICENCES`.
        output: Folder for ``NAME.distbench.zip``; made if it is missing.
        name: Of the bundle; the run's if None.
        note: What else to say.
        metrics: What metrics said of the sources, where the run is that of a study.
        probabilities: Whether test probabilities go in, where they are not too large.
        plugins: Plugin files whose components the run used, so that they can be checked.

    Returns:
        The file, and what was found when it was validated.

    Raises:
        UsageError: Nothing is done in the run, or an argument will not do.
        RefusedError: It would be refused, or is not what was computed; says why. No file is left.
        OSError: The folder cannot be written to.
    """
    name = name or run.plan.name
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(
            f"a bundle cannot be called {name!r}; take up to 100 letters, digits, dots, dashes "
            "and underscores with --name"
        )
    if licence not in LICENCES:
        raise UsageError(
            f"licence {licence!r} is not among those that results are taken under: "
            f"{', '.join(LICENCES)}"
        )
    if not any(row.status == "done" for row in run.rows):
        raise UsageError(f"{run.folder} has no finished cell; there is nothing to submit")
    check_against_store(run)
    data = pack(
        with_scores(run, metrics) if metrics else run,
        name=name,
        submitter=submitter,
        licence=licence,
        note=note,
        probabilities=probabilities,
    )
    path = output / f"{name}{SUFFIX}"
    draft = output / f".draft-{name}{SUFFIX}"
    try:
        write_atomic(draft, data)
        report = validate(draft, plugins=plugins, called=path.name)
        if report.reasons:
            raise RefusedError(
                f"{run.folder} would be refused:\n" + "\n".join(report.numbered_reasons())
            )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path, report


def pack(
    run: RunFolder,
    *,
    name: str,
    submitter: str,
    licence: str,
    note: str | None,
    probabilities: bool = True,
) -> bytes:
    """A run as the bytes of a bundle, without paths, user and host names.

    Raises:
        UsageError: A text is too long or of a form that cannot be taken, or predictions are
            missing.
    """
    from distbench import __version__

    scrub, tally = Scrubber(), Tally()
    rows = [scrub.row(row) for row in run.rows]
    for row in rows:
        tally.add(row)
    predictions = {
        row.key: classes for row in run.rows if (classes := run.predictions(row)) is not None
    }
    try:
        plan = public_plan(run.plan, scrub)
        members = {
            "plan.json": (canonical_json(plan.model_dump()) + "\n").encode(),
            "rows.jsonl": b"".join(row.model_dump_json().encode() + b"\n" for row in rows),
            PREDICTIONS: packed(predictions),
            **(_probabilities(run) if probabilities else {}),
        }
        manifest = Manifest(
            name=name,
            submitter=submitter,
            licence=licence,
            note=note,
            row_schema=SCHEMA,
            date=datetime.now(UTC).date().isoformat(),
            distbench=__version__,
            plugin_files={Path(file).name: sha for file, sha in run.plan.plugin_files.items()},
            members={
                member: Member(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
                for member, data in members.items()
            },
            **tally.described(plan),
        )
    except ValidationError as error:
        raise UsageError(f"the bundle cannot be written: {faults_of(error, Manifest)}") from None
    table = json.loads(canonical_json(manifest.model_dump()))
    text = json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return write_archive({"bundle.json": text.encode(), **members})


def _probabilities(run: RunFolder) -> dict[str, bytes]:
    """The member with the test probabilities of a run; none where it would be too large.

    Raises:
        UsageError: Some are missing.
    """
    from safetensors.numpy import save

    sizes = {
        row.key: 2 * row.result.parts.test * len(row.task.classes)
        for row in run.rows
        if row.result is not None and row.result.probabilities_digest is not None
    }  # bytes
    if not sizes or sum(sizes.values()) > limits.MEMBER_BYTES[limits.OPTIONAL] - limits.MIB:
        return {}
    logs = {row.key: given for row in run.rows if (given := run.logs(row)) is not None}
    if missing := sizes.keys() - logs.keys():
        raise UsageError(
            f"{run.folder} does not hold the probabilities of {len(missing)} cells; `distbench "
            "run` with the same options writes them again"
        )
    return {limits.OPTIONAL: save({key: logs[key] for key in sorted(logs)})}


def public_plan(plan: Plan, scrub: Scrubber) -> PublicPlan:
    """A plan by its identities and fingerprints, without where anything lies.

    Raises:
        UsageError: It has more cells than a bundle may hold.
    """
    if len(plan.cells) > limits.ROWS:
        raise UsageError(
            f"the run has {len(plan.cells):,} cells, a bundle holds {limits.ROWS:,}; submit "
            "several runs"
        )
    keys: dict[str, dict[str, list[str]]] = {
        method.id: {task.id: [] for task in plan.tasks} for method in plan.methods
    }
    for cell in sorted(plan.cells, key=lambda cell: plan.seeds.index(cell.seed)):
        keys[cell.method][cell.task].append(cell.key)
    same = ("name", "suite", "suite_version", "skip_corrupt", "excluded", "marked", "seeds")
    fields = {
        **{name: getattr(plan, name) for name in same},
        "protocol": plan.protocol.model_dump(),
        "student": plan.student_identity,
        "zoo": plan.zoo_identity,
        "sources": [s.model_dump() for s in plan.sources],
        "generalist": plan.generalist.model_dump() if plan.generalist else None,
        "encoders": [s.model_dump() for s in plan.encoders],
        "reference": plan.reference.identities["baseline"] if plan.reference else None,
        "tasks": [_task(task, scrub) for task in plan.tasks],
        "methods": [_method(method) for method in plan.methods],
        "keys": keys,
    }
    table = pathless(json.loads(canonical_json(fields)))
    for task, planned in zip(table["tasks"], plan.tasks, strict=True):
        task["classes"] = planned.classes  # names of classes are the task's, whatever they are
    return PublicPlan.model_validate(table)


def _task(task: PlannedTask, scrub: Scrubber) -> dict[str, Any]:
    return {
        "id": task.id,
        "use": task.label,
        "fingerprint": task.fingerprint,
        "classes": task.classes,
        "seen_by": task.seen_by,
        "notes": [scrub.free_text(note) for note in task.notes],
        "flip": task.flip,
        "group": task.group,
        "measure": task.measure,
        "several": task.several,
    }


def _method(method: PlannedMethod) -> dict[str, Any]:
    transfer = method.transfer
    return {
        **{
            name: getattr(method, name) for name in ("id", "role", "needs", "generalist", "encoder")
        },
        "components": method.identities,
        "transfer": transfer and {"use": transfer.label, "fingerprint": transfer.fingerprint},
    }
