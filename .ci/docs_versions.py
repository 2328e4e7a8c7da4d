"""Lists the versions of the documentation beside each other: ``docs_versions.py SITE``.

SITE holds a folder for each version, ``latest`` and those of releases. ``versions.json`` is written
there, which the pages read, and ``index.html``, which leads to the newest release.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

LATEST = "latest"


def main(site: Path) -> None:
    """Writes both files."""
    folders = [path.parent.name for path in site.glob("*/index.html")]
    releases = [name for name in folders if re.fullmatch(r"\d+\.\d+\.\d+", name)]
    releases.sort(key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    versions = [*releases, *(name for name in folders if name == LATEST)]
    if not versions:
        raise SystemExit(f"{site} holds no version: expected {LATEST}/index.html or X.Y.Z/")
    (site / "versions.json").write_text(json.dumps(versions) + "\n")
    (site / "index.html").write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>distbench</title>'
        f'<meta http-equiv="refresh" content="0; url={versions[0]}/"></head>'
        f'<body><a href="{versions[0]}/">distbench {versions[0]}</a></body></html>\n'
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
