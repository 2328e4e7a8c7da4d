"""The published JSON Schema of a bundle: its manifest, its plan and its rows.

``python -m distbench.submission.schema`` prints it from the models; the file that the package
carries must be equal to that, which a test holds.
"""

from __future__ import annotations

import json
import sys
from importlib import resources
from typing import Any

from pydantic.json_schema import models_json_schema

from distbench.storage.rows import Row
from distbench.submission.manifest import SCHEMA, Manifest, PublicPlan

FILE = f"bundle-{SCHEMA}.json"


def schema_text() -> str:
    """The schema as the package carries it."""
    file = resources.files("distbench.submission").joinpath("schemas", FILE)
    return file.read_text(encoding="utf-8")


def schema_of_models() -> str:
    """The schema as the models have it now."""
    parts: dict[str, Any] = {"manifest": Manifest, "plan": PublicPlan, "row": Row}
    refs, defined = models_json_schema(
        [(model, "validation") for model in parts.values()], ref_template="#/$defs/{model}"
    )
    named = {name: {"$ref": refs[model, "validation"]["$ref"]} for name, model in parts.items()}
    table = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"distbench bundle, schema {SCHEMA}",
        "description": (
            "NAME.distbench.zip holds bundle.json (manifest), plan.json (plan), rows.jsonl (one "
            "row a line) and predictions.safetensors (one list of unsigned integers for each "
            "finished cell, named by its key), and nothing else."
        ),
        "type": "object",
        "properties": {
            "bundle.json": named["manifest"],
            "plan.json": named["plan"],
            "rows.jsonl": {"type": "array", "items": named["row"]},
        },
        "required": ["bundle.json", "plan.json", "rows.jsonl"],
        "$defs": defined["$defs"],
    }
    return json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_of_models())
