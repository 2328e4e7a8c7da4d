"""Which heavy modules registering a plugin, and then each of its components, brings in.

``python -m distbench.testing.import_cost file|entry PLUGIN MODULE...`` prints a JSON object from
``kind:name``, or ``""`` for the plugin itself, to what is wrong. It is run in an interpreter of its
own, since one that checks has long imported all of it.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from distbench.plugins.discovery import Origin, entry_points, load_file, offers_of


def brought_in(how: str, plugin: str, heavy: list[str]) -> dict[str, str]:
    """Imports as `distbench list` does and looks at what came along.

    A module stays once it is imported: the first component that brings it in is the one to blame.
    """

    def came() -> list[str]:
        return [name for name in heavy if name in sys.modules]

    if how == "file":
        module, origin = load_file(Path(plugin)), Origin(plugin)
    else:
        entry = next(entry for entry in entry_points() if entry.name == plugin)
        module, origin = entry.load(), Origin(plugin, entry.dist.name if entry.dist else None)
    offers = list(offers_of(module, origin, {}))
    if names := came():
        return {"": f"registering its plugin imports {names[0]}"}
    modules: dict[str, str] = {}
    for offer in offers:
        if isinstance(offer.target, str):
            importlib.import_module(offer.target.partition(":")[0])
        if names := came():
            modules[f"{offer.kind}:{offer.name}"] = f"importing its module imports {names[0]}"
            heavy = [name for name in heavy if name not in names]
    return modules


if __name__ == "__main__":
    sys.stdout.write(json.dumps(brought_in(sys.argv[1], sys.argv[2], sys.argv[3:])) + "\n")
