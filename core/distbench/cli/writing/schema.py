"""`distbench schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from distbench.cli.shown.output import echo_json

EPILOG = (
    "Example: distbench schema suite > suite.schema.json, and `#:schema ./suite.schema.json` as "
    "the first line of a suite file, for editors that know TOML by taplo."
)


def schema(
    kind: Annotated[
        str,
        typer.Argument(
            help="Which file: run (--config), suite, zoo (zoo.toml), recipe (of `zoo build`), "
            "ranges (of `tune`), plugins (the registry's index), bundle, or row (of rows.jsonl)."
        ),
    ],
) -> None:
    """Print the JSON Schema of a kind of file, for editors and other programs."""
    import json

    from distbench.plugins.registry import registry
    from distbench.workflows.schemas import schema_of

    echo_json(json.dumps(schema_of(kind, registry()), indent=1, ensure_ascii=False))
