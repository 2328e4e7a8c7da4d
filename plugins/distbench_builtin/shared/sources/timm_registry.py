"""Pretrained models of timm by name: which are meant, where their weights lie, what they are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from distbench import Download, Source, SourceInfo, UsageError, WeightsError
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.downloads.weights import HashedFile, HubWeights, published
from distbench_builtin.shared.models.timm_cards import (
    CONFIG,
    WEIGHTS,
    Card,
    card,
    config_digest,
    folder_card,
    pretrained_names,
    weights_in,
)
from distbench_builtin.shared.models.timm_create import FOLDER, facts
from distbench_builtin.shared.models.training_data import (
    PretrainingData,
    data_in,
    names_of,
    unknown_data,
    without_labels,
)
from distbench_builtin.shared.sources.timm_source import PretrainedTimmSource
from distbench_builtin.shared.sources.verify import absent_weights

_HUB = ("hf-hub:", "hf_hub:")


@dataclass(frozen=True)
class LocalModel:
    """A model whose weights are on this machine.

    Attributes:
        call: What `timm.create_model` makes it of.
        card: What is known of it.
        file: Its weights.
        known_by: Digest of its configuration, where timm's registry has none.
    """

    call: str
    card: Card
    file: Path
    known_by: str | None = None


@dataclass(frozen=True)
class RequestedModel:
    """A model that is asked for.

    Attributes:
        name: In timm's registry with its tag, of a repository of the Hub, or of a folder.
        place: Where it lies: for ``registry`` timm's own copy on the Hub.
        path: The folder.
    """

    name: str
    place: Literal["registry", "hub", "folder"]
    path: Path | None = None

    def download(self) -> HubWeights | HashedFile | None:
        """What has to be on this machine; None for a folder of the user's.

        Raises:
            WeightsError: timm has no weights of it.
        """
        what = f"weights of {self.name}"
        if self.place == "folder":
            return None
        if self.place == "hub":
            return HubWeights(what, self.name, WEIGHTS, (CONFIG,))
        known = card(self.name)
        need = published(known["hub"], known["files"], known["url"], what)
        if need is None:
            raise WeightsError(f"timm has no weights of {self.name!r}")
        return need

    def find(self) -> LocalModel | None:
        """The model, if its weights are on this machine; contacts nothing.

        Raises:
            WeightsError: A folder holds no model, or a file is damaged.
        """
        need = self.download()
        file = weights_in(self.folder) if need is None else need.find()
        if file is None:
            if need is None:
                raise WeightsError(f"no weights in {self.folder}, e.g. {WEIGHTS[0]}")
            return None
        if self.place == "registry":
            return LocalModel(self.name, card(self.name), file)
        folder = file.parent
        return LocalModel(f"{FOLDER}{folder}", folder_card(folder), file, config_digest(folder))

    @property
    def folder(self) -> Path:
        """The user's folder, whole."""
        return (self.path or Path()).absolute()


def chosen(names: Sequence[str]) -> list[RequestedModel]:
    """The models that names and patterns stand for, each once, in their order.

    Raises:
        UsageError: A name is unknown, or a pattern matches nothing.
    """
    requested: dict[RequestedModel, None] = {}
    for name in names:
        for model in _meant(name):
            requested.setdefault(model)
    called = [model.name for model in requested]
    for twice in {name for name in called if called.count(name) > 1}:
        raise UsageError(f"two of the models are called {twice!r}; rename a folder")
    return list(requested)


def _meant(name: str) -> list[RequestedModel]:
    if name.startswith(_HUB):
        return [RequestedModel(name.partition(":")[2], "hub")]
    if name.startswith(FOLDER):
        path = Path(os.path.expanduser(name.removeprefix(FOLDER)))  # noqa: PTH111 - raises for no user
        return [RequestedModel(path.absolute().name, "folder", path)]
    if any(sign in name for sign in "*?["):
        matching = [known for known in pretrained_names() if fnmatchcase(known, name)]
        if not matching:
            raise UsageError(
                f"no pretrained model of timm matches {name!r}; `python -c 'import timm; "
                'print(*timm.list_pretrained("resnet*"))\'` shows those that begin with resnet'
            )
        return [RequestedModel(known, "registry") for known in matching]
    if "/" in name:
        raise UsageError(
            f"{name!r} is no name of timm's registry; write hf-hub:{name} for a repository of the "
            f"Hub, or {FOLDER}PATH for a folder"
        )
    return [RequestedModel(card(name)["name"], "registry")]


def downloads_of(models: Sequence[RequestedModel]) -> list[Download]:
    """What has to be on this machine for some models."""
    return [need for model in models if (need := model.download()) is not None]


def sources_of(
    models: Sequence[RequestedModel],
    how: str,
    *,
    image_size: int | None,
    classes: bool = True,
    trained_on: Mapping[str, Sequence[str]] | None = None,
    **more: Any,
) -> list[Source]:
    """The models as sources.

    Args:
        models: What is asked for.
        how: Arguments of `distbench fetch` that get them.
        image_size: Side at which they see images; each one's own if None.
        classes: False to use none of their classifiers.
        trained_on: What some have learnt from, by name, where their names do not tell.
        more: Further facts, the same for all.

    Raises:
        WeightsError: Weights are not on this machine, or are damaged.
    """
    local = {model.name: model.find() for model in models}
    if lacking := [name for name, one in local.items() if one is None]:
        raise absent_weights(lacking, how)
    declared = trained_on or {}
    if strange := sorted(set(declared) - set(local)):
        raise UsageError(f"trained_on names {strange[0]!r}, which is not among {', '.join(local)}")
    return [
        _source(name, one, image_size, classes, declared.get(name), more)
        for name, one in local.items()
        if one is not None
    ]


def _source(
    name: str,
    local: LocalModel,
    image_size: int | None,
    classes: bool,
    trained_on: Sequence[str] | None,
    more: Mapping[str, Any],
) -> PretrainedTimmSource:
    known = local.card
    learnt = _learnt(name, local)
    labels = known["num_classes"] if classes and _has_classes(known, learnt) else 0
    side = image_size or known["input_size"]
    resized = known["fixed_size"] and side != known["input_size"]
    arguments = {"img_size": side} if resized else {}
    cost = facts(
        local.call,
        arguments,
        num_classes=labels,
        input_size=side,
        error=WeightsError,
        known_by=local.known_by,
    )
    info = SourceInfo(
        name=name,
        architecture=known["architecture"],
        num_classes=labels,
        input_size=side,
        mean=known["mean"],
        std=known["std"],
        interpolation=known["interpolation"],
        crop=known["crop"],
        activation="softmax" if labels else "none",
        trained_on=tuple(trained_on or names_of(learnt)),
        without_labels=() if trained_on else without_labels(learnt),
        licence=known["licence"],
        fingerprint=file_digest(local.file),
        recipe={
            "format": "timm",
            "arguments": {**known["model_args"], **arguments},
            **_origin(name, local),
        },
        **{"domain": learnt[-1].domain, **cost, **more},
    )
    return PretrainedTimmSource(info, local.file, arguments, local.call, known["num_classes"])


def _origin(name: str, local: LocalModel) -> dict[str, str]:
    """Repository and revision of weights that lie in the Hub's cache; names no path."""
    folder = local.file.parent
    if folder.parent.name != "snapshots":
        return {}
    hub = local.card["hub"] or name
    return {"repository": hub.partition("@")[0], "revision": folder.name}


def _learnt(name: str, local: LocalModel) -> list[PretrainingData]:
    """What a model has learnt from: as the tag in timm's registry says, else its name, or its tag.

    The tag in the configuration of a repository mostly tells what its model began from.
    """
    tag = local.card["tag"]
    data = data_in(tag) if local.known_by is None else data_in(name) or data_in(tag)
    return data or [unknown_data(tag or name)]


def _has_classes(known: Card, learnt: Sequence[PretrainingData]) -> bool:
    """Whether its outputs are classes: those of models of images and texts are embeddings."""
    pe = known["architecture"].startswith("vit_pe_")  # whose tags do not tell
    return known["num_classes"] > 0 and not learnt[-1].captions and not pe
