"""A zoo pushed to the Hugging Face Hub: the models that may be passed on, and a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distbench.errors import RefusedError
from distbench.interfaces.calls import naming
from distbench.interfaces.zoo import SourceInfo, Zoo
from distbench.storage.network.hub_push import HubTarget, Pushed
from distbench.storage.safe_text import plain
from distbench.workflows.export.hub_metadata import hub_licence, zoo_metadata
from distbench.workflows.export.markdown import code, escaped, table


@dataclass(frozen=True)
class PushedZoo:
    """What a push left on the Hub.

    Attributes:
        pushed: The commit.
        models: Names of the models that it holds.
        kept_back: Why others were kept back, one line each.
    """

    pushed: Pushed
    models: tuple[str, ...]
    kept_back: tuple[str, ...]


def push_zoo(zoo: Zoo, target: HubTarget) -> PushedZoo:
    """Pushes the models of a zoo whose licences let them be passed on.

    Raises:
        RefusedError: There is none, or the Hub does not take them.
        WeightsError: A file is not what it should be.
    """
    target.check()
    with naming(zoo.name, "sources"):
        sources = [source.info for source in zoo.sources()]
    free = [one for one in sources if hub_licence(one.licence)]
    kept_back = tuple(
        f"{one.name}: its licence is {one.licence!r}, which is not known to let it be passed on; "
        "say it in zoo.toml if you know better"
        for one in sources
        if one not in free
    )
    if not free:
        raise RefusedError("no model of the zoo can be pushed:\n  " + "\n  ".join(kept_back))
    names = [one.name for one in free]
    with naming(zoo.name, "pack"):
        files = dict(zoo.pack(names))
    files["README.md"] = plain(_card(target, free), keep="\n").encode()
    pushed = target.push(files, f"Source models by distbench: {len(names)}")
    return PushedZoo(pushed, tuple(names), kept_back)


def _card(target: HubTarget, sources: Sequence[SourceInfo]) -> str:
    rows = [
        [code(one.name), escaped(one.architecture), f"{one.num_classes}",
         ", ".join(map(escaped, one.trained_on)) or "unknown", escaped(one.licence)]
        for one in sources
    ]  # fmt: skip
    parts = [
        zoo_metadata(sources),
        f"# {escaped(target.repository)}: a zoo of source models",
        "Pretrained models that a small network may learn from, for distbench. `zoo.toml` says "
        "what they are, with the SHA-256 of every file.",
        table(["source", "architecture", "classes", "trained on", "licence"], rows),
        f"```console\ndistbench fetch --zoo hub:{target.repository} --only zoo\n"
        f"distbench rank --task folder:path=my_images --zoo hub:{target.repository}\n```",
    ]
    return "\n\n".join(parts) + "\n"
