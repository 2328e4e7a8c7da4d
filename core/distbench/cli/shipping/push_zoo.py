"""`distbench zoo push`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo

EPILOG = "Example: distbench zoo push ada/birds-zoo --zoo my_models --private"


def push(
    repository: Annotated[
        str, typer.Argument(help="ORG/NAME: a model repository of the Hub, made if not there.")
    ],
    zoo: Annotated[Path, typer.Option(help="Folder of the zoo, with its zoo.toml.")],
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Make the repository private. \\[default: as its owner's setting on the Hub]",
        ),
    ] = False,
    json: o.Json = False,
) -> None:
    """Put a zoo on the Hub: its manifest, a card, and the weights that may be passed on.

    It needs a token that may write: `hf auth login`, or HF_TOKEN. Models whose licence is not known
    to allow that are kept back and named.
    """
    from distbench.plugins.registry import registry
    from distbench.storage.network.hub_push import HubTarget
    from distbench.workflows.zoos.add_source import folder_zoo
    from distbench.workflows.zoos.push_zoo import push_zoo

    target = HubTarget.named(repository, "zoo push", private=private)
    done = push_zoo(folder_zoo(registry(), zoo), target)
    if json:
        o.print_json(
            {
                "repository": done.pushed.page,
                "commit": done.pushed.commit,
                "models": list(done.models),
                "kept_back": list(done.kept_back),
            }
        )
        return
    for line in done.kept_back:
        echo(f"kept back: {line}", err=True)
    echo(f"{done.pushed.told}. In it: {', '.join(done.models)}")
    echo(f"\nUse it with --zoo hub:{target.repository}@{done.pushed.commit}")
