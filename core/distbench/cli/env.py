"""`distbench env`."""

from __future__ import annotations

from typing import Any

from distbench.cli import options as o
from distbench.cli.shown.output import echo

EPILOG = "Example: distbench env > environment.txt"


def env(plugin: o.Plugin = None, json: o.Json = False) -> None:
    """Show what a bug report needs: versions, plugins, extras, devices and where things lie.

    No user name, token or environment variable is in it: it can be pasted as it is.
    """
    from distbench.workflows.env import diagnose

    installation = diagnose(tuple(plugin or ()))
    if json:
        o.print_json(installation)
        return
    for title, facts in installation.items():
        echo(f"{title}: {_shown(facts)}" if not isinstance(facts, (dict, list)) else title)
        for line in _lines(facts):
            echo(f"  {line}")


def _lines(facts: Any) -> list[str]:
    if isinstance(facts, dict):
        return [f"{key}: {_shown(value)}" for key, value in facts.items()]
    if isinstance(facts, list):
        return [_shown(entry) for entry in facts] or ["none"]
    return []


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{k} {_shown(v)}" for k, v in value.items() if v not in (None, ""))
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return "none" if value is None else str(value)
