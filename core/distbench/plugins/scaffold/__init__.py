"""Writes a package with a new component: what `distbench new` does.

The templates lie beside this module: ``kinds`` holds a module and its tests for every kind,
``common`` what all packages have, ``licences`` the texts of some licences.
"""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from distbench.errors import UnknownNameError, UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.kinds import KINDS
from distbench.plugins.discovery import plural

_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_RESERVED = {
    "all": "it stands for every metric",
    "none": "it stands for no distiller or baseline",
    "builtin": "it is the plugin that comes with distbench",
}
_LONGEST = 40
LICENCES = tuple(sorted(path.name.removesuffix(".tmpl") for path in _HERE.glob("licences/*.tmpl")))
"""SPDX names of the licences that a package can be given."""

_FILES = {
    "pyproject.toml": "common/pyproject.toml.tmpl",
    "README.md": "common/README.md.tmpl",
    ".gitignore": "common/gitignore.tmpl",
    ".github/workflows/test.yml": "common/test.yml.tmpl",
    "LICENSE": "licences/{licence}.tmpl",
    "{module}.py": "kinds/{kind}.py.tmpl",
    "tests/test_{entry}.py": "kinds/test_{kind}.py.tmpl",
}
_RUN = {
    "metric": "distbench run --metric {name} --metric logme",
    "strategy": "distbench run --strategy {name} --strategy weighted",
    "student": "distbench run --student {name}",
    "distiller": "distbench run --distiller {name}",
    "baseline": "distbench run --baseline {name} --baseline finetune",
    "task": "distbench run --task {name} --zoo mini --student mini --image-size 32",
    "zoo": "distbench run --zoo {name}",
    "suite": "distbench run --suite {name}",
    "measure": "distbench leaderboard --measure {name}",
    "executor": "distbench run --executor {name}",
    "reporter": "distbench run --reporter {name}",
}


@dataclass(frozen=True)
class NewPackage:
    """A package that was written.

    Attributes:
        folder: Where it lies.
        distribution: Its name as a distribution.
        files: What is in it, relative to the folder.
    """

    folder: Path
    distribution: str
    files: tuple[str, ...]


def write_package(
    kind: str,
    name: str,
    output: Path,
    *,
    licence: str = "Apache-2.0",
    author: str | None = None,
) -> NewPackage:
    """Writes a package with a component that works; whole, or not at all.

    Args:
        kind: The kind of the component, e.g. ``metric``.
        name: What it is to be called, e.g. ``my_metric``.
        output: The folder in which the package's folder is made.
        licence: One of `LICENCES`.
        author: Who holds the copyright; the package's authors if None.

    Raises:
        UsageError: The kind, name or licence will not do, or the folder is there already.
    """
    words = _words(kind, name, licence, author)
    folder = output / words["distribution"]
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} is there already; choose another name or --output")
    try:
        output.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=output, prefix=f".tmp-{folder.name}-"))
    except OSError as error:
        raise UsageError(f"cannot write into {output}: {error.strerror}") from None
    try:
        files = []
        for target, template in _FILES.items():
            text = _HERE.joinpath(template.format(**words)).read_text(encoding="utf-8")
            path = draft / target.format(**words)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(words), encoding="utf-8")
            files.append(path.relative_to(draft).as_posix())
        draft.chmod(0o755)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return NewPackage(folder, words["distribution"], tuple(files))


def _words(kind: str, name: str, licence: str, author: str | None) -> Mapping[str, str]:
    """What the placeholders of the templates stand for."""
    from datetime import date
    from importlib.metadata import version

    if kind not in KINDS:
        singular = {plural(k): k for k in KINDS}.get(kind)
        if singular is None:
            raise UnknownNameError("kind", kind, KINDS, f"Kinds are {', '.join(KINDS)}.")
        kind = singular
    check_name(name)
    if licence not in LICENCES:
        raise UsageError(
            f"no text for licence {licence!r}; take one of {', '.join(LICENCES)} and replace "
            "LICENSE and `license` in pyproject.toml afterwards"
        )
    entry = name.replace("-", "_")
    title = re.sub(r"[_-]", " ", name).capitalize()
    distribution = "distbench-" + entry.replace("_", "-")
    holder = author if author is not None else f"The {distribution} developers"
    if not holder.strip() or not holder.isprintable() or '"' in holder or "\\" in holder:
        raise UsageError(f"author {holder!r} will not do: give a name, without quotes")
    return {
        "kind": kind,
        "name": name,
        "entry": entry,
        "title": title,
        "class_name": _class_name(entry, kind),
        "module": f"distbench_{entry}",
        "distribution": distribution,
        "licence": licence,
        "author": holder,
        "year": str(date.today().year),
        "version": _least(version("distbench")),
        "run": _RUN[kind].format(name=name),
        "summary": _summary(kind),
    }


def _least(version: str) -> str:
    """What a package written with this version asks for: the minor release that it is of.

    One before a release is asked for by its whole name, since it does not count as the release.
    """
    if not re.fullmatch(r"[0-9.]+", version):
        return version
    return ".".join(version.split(".")[:2])


def check_name(name: str) -> None:
    """Refuses what cannot be the name of a component, module and distribution.

    Raises:
        UsageError: Says why, and what a name looks like.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UsageError(
            f"{name!r} cannot be a name: write lower-case letters, digits and single underscores, "
            f"{_LONGEST} at most, with a letter first, such as my_metric"
        )
    if name in _RESERVED:
        raise UsageError(f"{name!r} cannot be a name: {_RESERVED[name]}")


def _class_name(entry: str, kind: str) -> str:
    """``my_metric`` to ``MyMetric``; with the kind behind where that has a meaning already."""
    import distbench

    name = "".join(part.capitalize() for part in entry.split("_"))
    taken = {*distbench.__all__, *vars(Component)}
    if name in taken or keyword.iskeyword(name) or name.startswith("Test"):
        name = f"Own{name}{kind.capitalize()}"
    return name


def _summary(kind: str) -> str:
    """The first line of the template's class, for the README."""
    text = (_HERE / "kinds" / f"{kind}.py.tmpl").read_text(encoding="utf-8")
    first_line = re.search(r'class \$class_name\(.*?\):\n    """(.*?)\n', text)
    return first_line[1] if first_line else ""
