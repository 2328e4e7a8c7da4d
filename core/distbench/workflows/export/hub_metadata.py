"""The head of a card: what the Hugging Face Hub reads of a repository, as YAML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from distbench.errors import UsageError
from distbench.interfaces.zoo import SourceInfo
from distbench.storage.network.hub import HubFiles
from distbench.storage.network.hub_names import hub_name

if TYPE_CHECKING:
    from distbench.workflows.export.student import Original

_LICENCES = frozenset(
    {
        "apache-2.0",
        "mit",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd-3-clause-clear",
        "isc",
        "unlicense",
        "zlib",
        "wtfpl",
        "0bsd",
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "gpl",
        "gpl-2.0",
        "gpl-3.0",
        "lgpl",
        "lgpl-2.1",
        "lgpl-3.0",
        "agpl-3.0",
        "mpl-2.0",
        "epl-2.0",
        "eupl-1.1",
        "eupl-1.2",
        "ecl-2.0",
        "osl-3.0",
        "afl-3.0",
        "artistic-2.0",
        "bsl-1.0",
        "pddl",
        "odc-by",
        "odbl",
        "openrail",
        "bigscience-openrail-m",
        "creativeml-openrail-m",
    }
)  # fmt: skip
"""Licences by their identifiers on the Hub, of those that let weights be passed on."""
_ALSO = {"odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl"}

_LIBRARIES = {"timm": "timm", "torch": "pytorch", "pt2": "pytorch"}
"""By the form of the files; all others are ONNX."""


def hub_licence(licence: str) -> str | None:
    """A licence as the Hub calls it; None of one that it does not know, and of none."""
    low = licence.strip().lower()
    known = _ALSO.get(low, low)
    return known if known in _LICENCES else None


def student_metadata(
    original: Original, to: str, accuracy: float | None, licence: str | None = None
) -> str:
    """The head of an exported student's card.

    Args:
        original: The student.
        to: The form of its files.
        accuracy: What the files here have on the task's test images, in 0..1; None where that was
            not measured.
        licence: Its licence; that of the source where that was trained itself, else none, if None.
    """
    from huggingface_hub import EvalResult

    source = original.trained_source
    told = licence or (source.licence if source else "")
    datasets = _datasets(original)
    facts: dict[str, Any] = {
        "license": hub_licence(told),
        "base_model": _teachers(original) or None,
        "datasets": datasets or None,
        "pipeline_tag": "image-classification",
        "library_name": _LIBRARIES.get(to, "onnx"),
        "tags": ["distbench", "image-classification"],
    }
    if told and told != "unknown" and facts["license"] is None:
        facts |= {"license": "other", "license_name": told}
    parts = original.result.parts
    where = {
        "task_type": "image-classification",
        "task_name": "Image classification",
        "dataset_type": datasets[0] if datasets else original.task.id,
        "dataset_name": original.task.id,
        "dataset_split": "test",
    }
    values = {} if accuracy is None else {"accuracy": ("accuracy", accuracy)}
    if accuracy == original.result.accuracy:
        balanced = original.result.balanced_accuracy
        values["balanced_accuracy"] = ("balanced accuracy", balanced)
    results = [
        EvalResult(
            **where,  # type: ignore[arg-type]
            metric_type=kind,
            metric_name=f"test {name}, {parts.test} images",
            metric_value=value,
        )
        for kind, (name, value) in values.items()
    ]
    if results:
        facts |= {"model_name": original.cell.id, "eval_results": results}
    return _head(**facts)


def zoo_metadata(sources: Sequence[SourceInfo]) -> str:
    """The head of a zoo's card."""
    licences = sorted({known for one in sources if (known := hub_licence(one.licence))})
    return _head(
        license=licences[0] if len(licences) == 1 else licences,
        base_model=_on_the_hub(sources) or None,
        pipeline_tag="image-classification",
        library_name="distbench",
        tags=["distbench", "distbench-zoo", "image-classification"],
    )


def _teachers(original: Original) -> list[str]:
    """The repositories of the Hub whose models taught it."""
    weights = original.result.sources.weights
    used = [original.plan.source(name) for name, weight in weights.items() if weight > 0]
    if source := original.trained_source:
        used = [one for one in used if one.name == source.name]
    return _on_the_hub(used)


def _on_the_hub(sources: Iterable[SourceInfo]) -> list[str]:
    """Repositories of models, each once."""
    named = (str(one.recipe.get("repository", "")) for one in sources)
    return list(dict.fromkeys(name for name in named if _is_repository(name)))


def _is_repository(name: str) -> bool:
    try:
        return hub_name(name, "source").revision is None
    except UsageError:
        return False


def _datasets(original: Original) -> list[str]:
    """The data sets of the Hub that the task is read from."""
    task = original.work.names.make("task", original.task.component)
    needs = task.downloads()
    return [one.repository for one in needs if isinstance(one, HubFiles) and one.kind == "dataset"]


def _head(**facts: Any) -> str:
    from huggingface_hub import ModelCardData

    return f"---\n{ModelCardData(**facts).to_yaml()}\n---"
