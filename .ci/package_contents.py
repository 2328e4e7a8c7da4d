"""Compares what was built in a clone with what git tracks there: `package_contents.py CLONE`.

The wheel holds every tracked file of `core` and `plugins`, and its metadata. The sdist holds these
files where they lie, what builds and describes the package, and what the build writes. Each file
that is missing or stray is a line, and the exit code is 1.
"""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOTS = ("core/", "plugins/")
DESCRIBES = {
    "CHANGELOG.md",
    "CITATION.cff",
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "pyproject.toml",
    "registry/plugins.toml",
}
WRITTEN = {"PKG-INFO", "setup.cfg"}
EGG_INFO = "distbench.egg-info/"
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"}


def wheel_faults(tracked: Iterable[str], members: Iterable[str]) -> list[str]:
    """What is missing in a wheel, and what is stray."""
    code = {file.partition("/")[2] for file in tracked if file.startswith(ROOTS)}
    held = set(members)
    info = {name.partition("/")[0] for name in held if ".dist-info/" in name}
    wanted = code | {f"{folder}/{name}" for folder in info for name in METADATA}
    return _differences("wheel", wanted, held)


def sdist_faults(tracked: Iterable[str], members: Iterable[str]) -> list[str]:
    """What is missing in an sdist, and what is stray; members without the folder on top."""
    wanted = {file for file in tracked if file.startswith(ROOTS)} | DESCRIBES | WRITTEN
    held = {name for name in members if not name.startswith(EGG_INFO)}
    return _differences("sdist", wanted, held)


def _differences(of: str, wanted: set[str], held: set[str]) -> list[str]:
    return [
        *(f"{of}: {name} is missing" for name in sorted(wanted - held)),
        *(f"{of}: {name} is stray" for name in sorted(held - wanted)),
    ]


def main(clone: Path) -> int:
    """Prints the faults of the only wheel and the only sdist in `dist`."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=clone, capture_output=True, check=True)
    tracked = listed.stdout.decode().rstrip("\0").split("\0")
    (wheel,) = clone.glob("dist/*.whl")
    (sdist,) = clone.glob("dist/*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        faults = wheel_faults(tracked, archive.namelist())
    with tarfile.open(sdist) as archive:
        files = [member.name for member in archive.getmembers() if member.isfile()]
    faults += sdist_faults(tracked, (name.partition("/")[2] for name in files))
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
