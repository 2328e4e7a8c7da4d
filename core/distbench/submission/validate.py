"""Judges a bundle: everything about it that can be checked without trusting it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from distbench.plugins.registry import Registry, registry
from distbench.storage.row_schemas import NewerSchemaError
from distbench.storage.rows import SCHEMA as ROW_SCHEMA
from distbench.storage.rows import Row
from distbench.submission import limits
from distbench.submission.archive import BundleError
from distbench.submission.beginnings import initialisations
from distbench.submission.bundle import SUFFIX, Bundle, first_line, open_bundle
from distbench.submission.rerun.cells import TOLERANCE, rerun_cells
from distbench.submission.row_checks import RowChecks
from distbench.submission.score_checks import check_metrics
from distbench.submission.suite_checks import check_suite, find_suite
from distbench.submission.task_labels import NoLabels, TaskLabels
from distbench.submission.text_checks import Texts, check_headers
from distbench.submission.validation_report import ValidationReport, shown

_MOST_BAD_LINES = 100


def validate(
    path: Path,
    *,
    plugins: tuple[Path, ...] = (),
    rerun: int = 0,
    choice: int | None = None,
    tolerance: float = TOLERANCE,
    called: str | None = None,
) -> ValidationReport:
    """Validates a bundle; nothing in it is executed, unpickled or followed.

    Args:
        path: The bundle.
        plugins: Plugin files of one's own, for the components that the bundle names.
        rerun: How many cells, drawn at random, to compute again.
        choice: Seed of that draw; drawn too if None.
        tolerance: By how much the accuracy of a cell that is computed again may differ.
        called: Name of the file, if it is to be judged under another one.

    Returns:
        What was found; it is refused if there are reasons.

    Raises:
        UsageError: There is no such file, or a plugin file is missing.
        OSError: It cannot be read.
    """
    report = ValidationReport(called or path.name)
    names = registry(plugins)
    try:
        with open_bundle(path) as bundle:
            _validate(bundle, names, report)
            if rerun and not report.reasons:
                rerun_cells(bundle, names, plugins, rerun, choice, tolerance, report)
    except (BundleError, NewerSchemaError) as error:
        report.refuse("file", str(error))
    report.finish()
    return report


def consistent_rows(bundle: Bundle, report: ValidationReport) -> Iterator[Row]:
    """The rows of a bundle, held against its plan, manifest and predictions as they pass.

    What needs labels, the suite or plugins is left to `validate`, and so is the name of the file.

    Args:
        bundle: The bundle.
        report: Takes the reasons; it is complete when all rows have passed.

    Raises:
        BundleError: A line is no row, or a member is not the one that the manifest names.
        NewerSchemaError: A row was made by a newer distbench.
    """
    texts = Texts(report)
    check_headers(bundle.manifest, bundle.plan, texts, report)
    checks = RowChecks(bundle, NoLabels(), texts, report)
    for row in bundle.rows():
        checks.look(row)
        yield row
    checks.finish()


def _validate(bundle: Bundle, names: Registry, report: ValidationReport) -> None:
    manifest, plan = bundle.manifest, bundle.plan
    texts = Texts(report)
    check_headers(manifest, plan, texts, report)
    if report.bundle != f"{manifest.name}{SUFFIX}":
        report.refuse(
            "name",
            f"the file is called {shown(report.bundle)}, its manifest says "
            f"{shown(manifest.name)}{SUFFIX}",
        )
    if manifest.row_schema > ROW_SCHEMA:
        raise NewerSchemaError("rows.jsonl", manifest.row_schema, ROW_SCHEMA)
    for name, size in bundle.sizes().items():
        member = manifest.members.get(name)
        if member is not None and member.bytes != size:
            report.refuse(
                "manifest", f"bundle.json gives {name} {member.bytes:,} bytes; it has {size:,}"
            )
    for name in sorted(manifest.members.keys() - bundle.sizes().keys()):
        report.refuse("manifest", f"bundle.json names a member '{shown(name)}' that is not there")
    suite = find_suite(plan, names)
    labels = TaskLabels(names, suite)
    check_suite(plan, suite, names, labels, report)
    checks = RowChecks(bundle, labels, texts, report, initialisations(plan, names))
    bad = 0
    for number, line in bundle.lines():
        try:
            row = bundle.row(line)
        except NewerSchemaError:
            raise
        except ValueError as error:
            bad += 1
            report.refuse(
                "lines that are no rows", f"rows.jsonl, line {number}: {first_line(error)}"
            )
            if bad == _MOST_BAD_LINES:
                report.refuse("stopped", f"rows.jsonl: stopped after {bad} lines that are no rows")
                return
            continue
        checks.look(row)
    checks.finish()
    check_metrics(checks.scores.components, names, report)
    if manifest.incomplete:
        report.note(f"incomplete: {shown(manifest.incomplete, limits.NAME)}")
    for task, (count, why) in checks.unknown.items():
        report.note(
            f"the accuracy of {count} rows on {shown(task)} was not recomputed: the labels are not "
            f"at hand ({shown(why, 200)})"
        )
    if checks.probabilities.without:
        report.note(
            f"the test probabilities of {checks.probabilities.without} rows are not in the bundle, "
            "so measures that read them say nothing of these"
        )
    counts = manifest.counts
    report.facts |= {
        "name": shown(manifest.name),
        "submitter": shown(manifest.submitter),
        "licence": shown(manifest.licence),
        "suite": f"{shown(plan.suite)} {plan.suite_version}",
        "methods": len(plan.methods),
        "metrics": len(checks.scores.components),
        "tasks": len(plan.tasks),
        "seeds": len(plan.seeds),
        "cells": counts.model_dump(),
        "recomputed": checks.recomputed,
        "not_recomputed": sum(count for count, _ in checks.unknown.values()),
        "rerun": [],
    }
