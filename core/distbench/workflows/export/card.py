"""The model card: what a shipped student is, what it was measured on, and how it is used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from distbench.workflows.export.against_baseline import against_baseline
from distbench.workflows.export.card_forms import checked, lost, measured, notes
from distbench.workflows.export.compare import Agreement
from distbench.workflows.export.footprint import Footprint
from distbench.workflows.export.forms.loader import use_loader
from distbench.workflows.export.forms.written import Written
from distbench.workflows.export.hub_metadata import student_metadata
from distbench.workflows.export.loss import Loss
from distbench.workflows.export.markdown import code, escaped, settings, table
from distbench.workflows.export.student import Original

_SHOWN = 50


def card(
    original: Original,
    to: str,
    written: Written,
    check: Agreement,
    costs: Footprint,
    loss: Loss | None,
    licence: str | None = None,
) -> str:
    """The card as Markdown, with a head that the Hugging Face Hub reads.

    Args:
        original: The student.
        to: The format it was written in.
        written: What the format says of itself.
        check: How it was compared with the original.
        costs: What it costs here.
        loss: What it loses; None where it says what the original says.
        licence: Its licence, as far as a person said it.
    """
    one_of_several = original.views is not None and written.single
    measured_as = original.result.accuracy if loss is None else loss.after
    parts = [
        student_metadata(original, to, None if one_of_several else measured_as, licence),
        f"# {escaped(original.task.id)}: image classifier",
        _summary(original, loss),
        "## Use",
        f"Needs {', '.join(written.packages)}. In this folder, with an image `image.jpg`:",
        f"```python\n{use_loader(original.task.several)}```",
        "`python load.py photos/ 'more/*.jpg'` prints the classes of all images there.",
        *notes(original, to, written),
        "## Input and classes",
        "\n".join(f"{n}. {step}" for n, step in enumerate(original.steps.steps(), 1)),
        f"Mean {list(original.steps.mean)}, std {list(original.steps.std)}, channels RGB. The same "
        "is in `preprocessing.json`, with all class names in the order of the outputs.",
        _classes(original.task.classes),
        "Each class has the sigmoid of its logit as its probability; an image shows those of 0.5 "
        "or more."
        if original.task.several
        else "",
        "## Accuracy",
        _accuracy(original),
        against_baseline(original),
        *lost(original, written, loss),
        *_views(original, written),
        "## How it was made",
        *_making(original),
        "## Cost",
        measured(costs),
        "What it cost in the run:",
        _costs(original),
        "## Checked",
        checked(check),
        "## Limitations",
        "\n".join(f"- {line}" for line in _limitations(original)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(original: Original, loss: Loss | None) -> str:
    result, task = original.result, original.task
    here = "" if loss is None else f" As it is here: {100 * loss.after:.1f} %."
    if task.several:
        return (
            f"A network that says which of {len(task.classes)} classes an image shows, several or "
            f"none; it had every class right on {100 * result.accuracy:.1f} % of "
            f"{result.parts.test} test images. Trained by {code(original.cell.method)} with "
            f"distbench {version('distbench')}.{here}"
        )
    return (
        f"A network that tells {len(task.classes)} classes apart; it classified "
        f"{100 * result.accuracy:.1f} % of {result.parts.test} test images rightly. Trained by "
        f"{code(original.cell.method)} with distbench {version('distbench')}."
    )


def _classes(classes: Sequence[str]) -> str:
    shown = ", ".join(escaped(name) for name in classes[:_SHOWN])
    more = len(classes) - _SHOWN
    return f"Classes: {shown}" + (f" and {more} more." if more > 0 else ".")


def _accuracy(original: Original) -> str:
    result = original.result
    low, high = wilson(result.accuracy, result.parts.test)
    held = f"{100 * result.accuracy:.1f} % (95 % interval for new images {100 * low:.1f} to "
    several = original.task.several
    rows = [
        [
            "images with every class right" if several else "test accuracy",
            held + f"{100 * high:.1f})",
        ],
        [
            "balanced accuracy, mean over classes" if several else "mean recall over classes",
            f"{100 * result.balanced_accuracy:.1f} %",
        ],
        ["test images", f"{result.parts.test}, shown to it once, after training"],
    ]
    if result.validation_accuracy is not None:
        share = f"{100 * result.validation_accuracy:.1f} % of {result.parts.validation} images"
        if several:
            share = share.replace(" of ", " on ")
        rows.append(
            ["validation, mean average precision" if several else "validation accuracy", share]
        )
    return table(["", ""], rows)


def _views(original: Original, written: Written) -> list[str]:
    """Through how many views an image was judged, and whether the files do the same."""
    if original.views is None:
        return []
    names, mean = original.views
    of = "logits" if mean == "logits" else "probabilities"
    judged = (
        f"It was judged by the mean {of} over {len(names)} views of each image "
        f"({', '.join(map(escaped, names))})"
    )
    if not written.single:
        return [f"{judged}, and so do the files here: an image goes {len(names)} times through it."]
    return [
        f"{judged}. **The files here see one view**: their accuracy was not measured, the one "
        "above is that of all views."
    ]


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, JASA 22, 1927)."""
    z = 1.959964
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    spread = share * (1 - share) / count + z * z / (4 * count * count)
    half = z * math.sqrt(spread) / (1 + z * z / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _making(original: Original) -> list[str]:
    row, result, plan = original.row, original.result, original.plan
    parts = result.parts
    rows = [
        ["cell", f"{code(original.cell.id)}, key {code(row.key)}"],
        *([kind, _component(identity)] for kind, identity in row.method.components.items()),
        *([] if original.trained_source else [["student", _component(row.student)]]),
        ["data", f"{code(row.task.use)}, fingerprint {code(row.task.fingerprint[:16])}"],
        ["images", f"{parts.labelled} labelled, {parts.unlabelled} unlabelled, "
         f"{parts.validation} for validation; split seed {parts.split_seed}"],
        ["suite", f"{code(row.suite)} version {row.suite_version}, seed {row.seed}"],
        ["protocol", settings(row.protocol)],
        ["training", settings({k: v for k, v in result.declared.items() if k != "phases"})],
    ]  # fmt: skip
    paragraphs = [table(["", ""], rows), *(escaped(note) for note in row.task.notes)]
    weights = sorted(result.sources.weights.items(), key=lambda pair: -pair[1])
    used = [(plan.source(name), weight) for name, weight in weights if weight > 0]
    if trained := original.trained_source:
        used = [(source, weight) for source, weight in used if source.name == trained.name]
    if used:
        lines = [
            [code(s.name), f"{weight:.4g}", escaped(s.architecture), escaped(s.licence),
             ", ".join(map(escaped, s.trained_on)) or "unknown"]
            for s, weight in used
        ]  # fmt: skip
        paragraphs += [
            _origin(original),
            table(["source", "weight", "architecture", "licence", "trained on"], lines),
        ]
    else:
        paragraphs.append("It learnt from no source model.")
    for name, why in result.sources.marked.items():
        paragraphs.append(f"Source {code(name)} may have seen test images: {escaped(why)}.")
    return paragraphs


def _origin(original: Original) -> str:
    """What the source models that it was given are to it."""
    trained = original.trained_source
    if trained is None:
        return "It learnt from these source models, which are not in here:"
    return (
        f"It is no student but the source model {code(trained.name)} itself, as it is in here, "
        "under a new classifier; its licence and its training data are:"
    )


def _costs(original: Original) -> str:
    cost, where = original.row.cost, original.row.environment
    if cost is None:
        return "Not known."
    rows = [
        ["parameters", f"{cost.parameters:,}"],
        ["multiply-accumulates of an image", f"{cost.student_macs:,}"],
        ["steps of training", f"{cost.steps:,}"],
        ["seconds of training", f"{cost.train_seconds:.1f}"],
    ]
    if cost.latency_ms is not None:
        rows.append(["milliseconds of an image", f"{cost.latency_ms:.2f}"])
    facts = ("device", "device_name", "threads", "precision", "torch")
    measured = ", ".join(f"{k} {escaped(where[k])}" for k in facts if k in where)
    return table(["", ""], rows) + f"\n\nMeasured with: {measured}."


def _limitations(original: Original) -> list[str]:
    result, row = original.result, original.row
    names = "It names one of its classes for every image, also for one that shows none of them."
    if original.task.several:
        names = (
            "A class is named where its probability, the sigmoid of its logit, is 0.5 or more; "
            "where a miss costs more than a false alarm, take less."
        )
    lines = [
        names,
        "Its probabilities have not been calibrated.",
        f"Judged on {result.parts.test} images of one data set; other cameras, places or times may "
        "give other results.",
        "One training with one seed; another seed gives another network.",
        "Licences of data, initial weights and source models may bear on its use.",
    ]
    if row.protocol.get("precision", "fp32") != "fp32":
        lines.append(f"It was trained and judged in {row.protocol['precision']}, shipped in fp32.")
    if result.parts.skipped:
        lines.append(f"{len(result.parts.skipped)} corrupt images were left out.")
    return lines


def _component(identity: dict[str, Any]) -> str:
    values = settings(identity.get("params", {}))
    name = f"{code(str(identity.get('name')))} version {identity.get('version')}"
    weights = identity.get("weights")
    if weights:
        name += f", initial weights {code(str(weights)[:16])}"
    return f"{name}: {values}" if values else name
