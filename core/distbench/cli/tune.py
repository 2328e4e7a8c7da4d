"""`distbench tune`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo

if TYPE_CHECKING:
    from distbench.workflows.tune.trials import Tuned

_search = partial(typer.Option, rich_help_panel="How to search")

EPILOG = (
    "Example: distbench tune --suite mini --baseline finetune --baseline fixmatch "
    "--distiller none --output settings.toml"
)


_Task = Annotated[
    list[str] | None,
    o.what(
        help="Development task; repeats; a name may hold * and ?, e.g. 'mini-dev-*' or "
        "folder:path=my_images. \\[default: those that the suite names]"
    ),
]


@o.with_options(
    *("suite", "task", "zoo", "student", *o.METHODS),
    ...,
    *("seeds", "overlap", *o.PROTOCOL, *o.EXECUTION, *o.DATA, "config"),
    task=_Task,
)
def tune(
    given: dict[str, Any],
    trials: Annotated[int, _search(min=1, help="Settings that are tried of each method.")] = 16,
    seed: Annotated[int, _search(help="Seed of the search.")] = 0,
    ranges: Annotated[
        Path | None,
        _search(help="TOML file with other ranges: \\[fixmatch] lr = {low = 0.01, high = 0.1}."),
    ] = None,
    output: Annotated[
        Path | None,
        _search(help="Where to write the settings; all trials go beside them, as .json."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Choose the settings of methods on development tasks, with the same trials for each.

    A setting is judged by validation accuracy; no test image has a say, and the tasks of the suite
    are refused. Parameters that you give are not tuned. Stopped, it goes on where it was.
    """
    from distbench.cli.shown.progress import UnitProgress, show_line
    from distbench.errors import UsageError
    from distbench.plugins.registry import registry
    from distbench.storage.folders import check_file
    from distbench.workflows.tune.search_space import read_ranges
    from distbench.workflows.tune.tune import tune as search

    if output is not None and output.suffix == ".json":
        raise UsageError(f"--output {output} is for TOML, e.g. settings.toml; trials go beside it")
    if output is not None:
        check_file(output, "--output")
    config = o.run_config(given)
    with UnitProgress(lines=False) as unit_progress:
        tuned = search(
            config,
            trials=trials,
            seed=seed,
            ranges=read_ranges(ranges, registry(config.plugin)) if ranges else None,
            progress=show_line,
            unit_progress=unit_progress,
        )
    _report(tuned, output, as_json=json)


def _report(tuned: Tuned, output: Path | None, *, as_json: bool) -> None:
    for warning in tuned.warnings:
        echo(f"warning: {warning}", err=True)
    if as_json:
        o.print_json(tuned.as_dict())
    else:
        echo(tuned.toml())
    if output is not None:
        record = tuned.write(output)
        echo(f"Settings lie in {output}, all trials in {record}.", err=True)
