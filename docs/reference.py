"""Writes docs/reference/: one page for each hook, the types, commands and files, from the code.

`python docs/reference.py` writes the pages. The tests compare them with what the code says, and
refuse what is not documented: a hook, command, option, parameter or key without a description.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from reference_text import HEAD, markdown, table, undocumented
from reference_types import types_page
from typer.main import get_command

from distbench.cli import app
from distbench.interfaces.component import Component
from distbench.interfaces.kinds import KINDS
from distbench.interfaces.parameters import Range
from distbench.interfaces.suite import Protocol, SuiteDefinition, TaskEntry, Tuning
from distbench.planning.config import PROTOCOL_OPTIONS, RunConfig
from distbench.plugins import hookspecs
from distbench.plugins.describe import describe, type_name
from distbench.plugins.discovery import plural
from distbench.plugins.registry import registry

FOLDER = Path(__file__).parent / "reference"


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    return str(signature).replace("'", "").replace("distbench.interfaces.kinds.", "")


def hook_page(kind: str) -> str:
    """The page of one kind: its hook, its contract, and what is built in."""
    name = f"distbench_{plural(kind)}"
    base = KINDS[kind]
    names = registry()
    parts = [
        f"# {plural(kind).capitalize()}",
        markdown(getattr(hookspecs, name).__doc__),
        "A plugin offers them by the hook",
        f'```text\n@hookimpl\ndef {name}():\n    return {{"NAME": "MODULE:CLASS"}}\n```',
        f"## The contract: `distbench.{base.__name__}`",
        *_contract(base),
        "## Built in",
    ]
    groups: dict[type, list[str]] = {}
    for one in names.names(kind):
        if names.offer(kind, one).origin.builtin:
            groups.setdefault(names.load(kind, one), []).append(one)
    for same in groups.values():
        facts = describe(kind, same[0], names)
        parts.append("### " + ", ".join(f"`{one}`" for one in same))
        parts.append(markdown(facts["description"]))
        if facts["role"] != "ranked":
            parts.append(f"Role: {facts['role']}, so without a rank.")
        if facts["needs"]:
            parts.append(f"Needs: {', '.join(facts['needs'])}.")
        if facts["parameters"]:
            parts.append(_parameters(f"{kind} {same[0]}", facts["parameters"]))
    return HEAD + "\n\n".join(parts) + "\n"


def _contract(base: type) -> Iterator[str]:
    """Docstrings of a class of components and of what its authors write or may call."""
    yield markdown(base.__doc__)
    above = [cls for cls in base.__mro__[1:] if issubclass(cls, Component) and cls is not Component]
    for cls in (base, *above):
        for name, member in vars(cls).items():
            member = getattr(member, "__func__", member)  # of a class method
            written = inspect.isfunction(member) and member.__module__ == cls.__module__
            if written and not name.startswith("_"):
                if not member.__doc__:
                    undocumented.append(f"{cls.__name__}.{name}")
                must = getattr(member, "__isabstractmethod__", False)
                yield f"### `{name}`" + ("" if must else " (optional)")
                yield f"```text\n{name}{_signature(member)}\n```"
                yield markdown(member.__doc__)


def _parameters(of: str, parameters: list[dict[str, Any]]) -> str:
    rows = []
    for p in parameters:
        if not p["description"]:
            undocumented.append(f"parameter {p['name']!r} of {of}")
        default = "required" if p["required"] else "" if p["default"] is None else p["default"]
        rows.append(
            [
                f"`{p['name']}`" + (" (after the colon)" if p["primary"] else ""),
                p["type"],
                default,
                str(Range.from_table(p["tuned"])) if p["tuned"] else "",
                p["description"],
            ]
        )
    return table(rows, ["parameter", "type", "default", "tuned within", "what it is"])


def overlaps_page() -> str:
    """The page of the one hook that offers no components."""
    said = markdown(hookspecs.distbench_overlaps.__doc__)
    return f"{HEAD}# Overlaps\n\nThe hook `distbench_overlaps`.\n\n{said}\n"


def commands_page() -> str:
    """Every command with its arguments and options."""
    parts = ["# Commands", "Results go to stdout, progress and logs to stderr.", app.info.epilog]
    for name, command in _commands(get_command(app), "distbench"):
        parts += [f"## `{name}`", _described(command.help, f"command {name}")]
        rows = []
        for p in command.params:
            said = getattr(p, "help", None)
            if isinstance(p, click.Option) and p.is_eager:
                continue
            described = _described(said, f"{name} {'/'.join(p.opts)}")
            opts = ", ".join(f"`{o}`" for o in (*p.opts, *p.secondary_opts))
            if isinstance(p, click.Argument):
                opts = f"`{p.make_metavar(click.Context(command))}`"
            rows.append([opts, described])
        parts.append(table(rows, ["option", "what it does"]) if rows else "")
        epilog = (command.epilog or "").removeprefix("Example: ")
        if epilog:
            parts.append(f"```console\n{epilog}\n```")
    return HEAD + "\n\n".join(part for part in parts if part) + "\n"


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, below in inner.items():
        if not below.hidden:
            yield from _commands(below, f"{name} {word}")


def _described(text: str | None, what: str) -> str:
    if not (text or "").strip():
        undocumented.append(what)
    return re.sub(r"\\(?=\[)", "", inspect.cleandoc(text or ""))


def files_page() -> str:
    """The keys of the TOML files that distbench reads."""
    run = get_command(app).commands["run"]  # type: ignore[attr-defined]
    rows = []
    for key, field in RunConfig.model_fields.items():
        option = next((p for p in run.params if f"--{key.replace('_', '-')}" in p.opts), None)
        text = _described(getattr(option, "help", None), f"config key {key}")
        rows.append([f"`{key}`", type_name(field.annotation), text])
    parts = [
        "# Files",
        "## A run: `distbench run --config FILE`",
        "Keys are the options of `distbench run`; what the command line gives wins. Relative paths "
        "start from the folder of the file.",
        table(rows, ["key", "type", "what it is"]),
        f"Of these {', '.join(f'`{k}`' for k in PROTOCOL_OPTIONS)} override the suite's protocol.",
        "## A suite: `--suite FILE`",
        markdown(SuiteDefinition.__doc__),
        _fields(SuiteDefinition),
        "### `[protocol]`",
        markdown(Protocol.__doc__),
        _fields(Protocol),
        "### `[[tasks]]`",
        markdown(TaskEntry.__doc__) + " Other keys are parameters of the component.",
        _fields(TaskEntry),
        "### `[tuning]`",
        markdown(Tuning.__doc__),
        _fields(Tuning),
    ]
    return HEAD + "\n\n".join(parts) + "\n"


def _fields(model: type[BaseModel]) -> str:
    rows = []
    for key, field in model.model_fields.items():
        if field.exclude:
            continue
        if not field.description:
            undocumented.append(f"key {key!r} of {model.__name__}")
        default = field.get_default(call_default_factory=True)
        shown = (
            "required"
            if default is PydanticUndefined
            else ""
            if default is None or isinstance(default, (tuple, dict, BaseModel))
            else default
        )
        rows.append([f"`{key}`", type_name(field.annotation), shown, field.description])
    return table(rows, ["key", "type", "default", "what it is"])


def pages() -> dict[str, str]:
    """All pages by file name."""
    hooks = sorted(n for n in vars(hookspecs) if n.startswith("distbench_"))
    known = {f"distbench_{plural(kind)}": kind for kind in KINDS}
    undocumented[:] = [
        f"hook {name}" for name in hooks if name not in known and name != "distbench_overlaps"
    ]
    made = {f"{plural(kind)}.md": hook_page(kind) for kind in known.values()}
    made |= {
        "overlaps.md": overlaps_page(),
        "types.md": types_page(),
        "commands.md": commands_page(),
        "files.md": files_page(),
    }
    links = "\n".join(f"- [{name.removesuffix('.md')}]({name})" for name in made)
    text = "Every hook, type, command and key, as the code has it."
    return {"index.md": f"{HEAD}# Reference\n\n{text}\n\n{links}\n", **made}


def main() -> None:
    """Writes the pages; none while something is not documented."""
    made = pages()
    if undocumented:
        raise SystemExit("not documented: " + "; ".join(undocumented))
    FOLDER.mkdir(exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
