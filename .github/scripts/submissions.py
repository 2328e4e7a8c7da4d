"""Judges the bundles that a pull request adds: as data, by the code of the base branch.

Run by the base branch's workflow. Of the pull request it reads names and contents of files in git
objects, and checks nothing out.
"""

from __future__ import annotations

import argparse
import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PLACE = "registry/results/"
NAME = re.compile(r"registry/results/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.distbench\.zip")
LARGEST = 256 * 2**20
MOST = 10
README = PLACE + "README.md"


def git(*words: str) -> bytes:
    """What a git command prints."""
    return subprocess.run(["git", *words], check=True, capture_output=True).stdout


def changes(base: str, head: str) -> list[tuple[str, str]]:
    """Status and path of each file that the pull request changes, since it left the base."""
    fork = git("merge-base", base, head).decode().strip()
    raw = git("diff", "--name-status", "--no-renames", "-z", fork, head).split(b"\0")[:-1]
    names = (part.decode(errors="replace") for part in raw)
    return list(zip(names, names, strict=True))


def wrong_changes(found: list[tuple[str, str]]) -> list[str]:
    """What a submission may not change, in words that are safe to show."""
    reasons = []
    for status, path in found:
        shown = ascii(path)[:200].replace("`", "'")
        if not path.startswith(PLACE):
            reasons.append(f"{shown} lies outside of {PLACE}; a submission adds bundles only")
        elif status != "A" and path != README:
            reasons.append(f"{shown} is changed or removed; bundles are only ever added")
        elif path != README and not NAME.fullmatch(path):
            reasons.append(f"{shown} is not called NAME.distbench.zip")
    added = [path for status, path in found if status == "A" and NAME.fullmatch(path)]
    if len(added) > MOST:
        reasons.append(f"{len(added)} bundles at once; at most {MOST} are taken")
    return reasons


def extract(head: str, paths: list[str], folder: Path) -> list[str]:
    """Writes added bundles into a folder, by their checked names; says which it could not."""
    reasons = []
    for path in paths:
        mode, kind, blob = git("ls-tree", head, "--", path).split(b"\t")[0].split()
        size = int(git("cat-file", "-s", blob.decode()))
        if mode not in (b"100644", b"100755") or kind != b"blob" or size > LARGEST:
            reasons.append(f"{path} is no plain file of at most {LARGEST // 2**20} MiB")
            continue
        (folder / Path(path).name).write_bytes(git("cat-file", "blob", blob.decode()))
    return reasons


def distbench(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the installed distbench."""
    return subprocess.run(
        [sys.executable, "-m", "distbench", *words], capture_output=True, text=True, check=False
    )


def table(bundles: list[Path], output: Path) -> str:
    """The leaderboard of some bundles as Markdown; empty where there are none."""
    if not bundles:
        return ""
    words = [*map(str, bundles), "--output", str(output), "--format", "md"]
    done = distbench("leaderboard", *words)
    found = sorted(output.rglob("*.md"))
    if done.returncode or not found:
        return f"The leaderboard could not be built: {done.stderr.strip()[-2000:]}\n"
    return "\n".join(path.read_text(encoding="utf-8") for path in found)


def fenced(text: str, kind: str = "") -> str:
    """A text that cannot leave its code block."""
    return f"````{kind}\n{text.replace('`', chr(39)).strip()[:25_000]}\n````\n"


def main(arguments: list[str] | None = None) -> int:
    """Judges a pull request; 0 if all its bundles are accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--base", "--head"):
        parser.add_argument(option, required=True, type=_commit)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--rerun", default="2", help="cells; a maintainer may commit the records")
    given = parser.parse_args(arguments)
    given.output.mkdir(parents=True, exist_ok=True)
    found = changes(given.base, given.head)
    reasons = wrong_changes(found)
    with tempfile.TemporaryDirectory() as folder:
        added = [path for status, path in found if status == "A" and NAME.fullmatch(path)]
        place = Path(folder)
        (place / "added").mkdir()
        reasons += extract(given.head, added[:MOST], place / "added")
        bundles = sorted((place / "added").iterdir())
        parts = []
        if reasons:
            parts.append("**Refused.**\n\n" + fenced("\n".join(reasons)))
        refused = bool(reasons)
        if bundles:
            kept = ["--record", str(given.output / "verified")] if int(given.rerun) else []
            done = distbench("validate", *map(str, bundles), "--rerun", given.rerun, *kept)
            refused |= done.returncode != 0
            said = done.stdout + ("" if done.returncode in (0, 3) else done.stderr[-2000:])
            parts.append("`distbench validate` says:\n\n" + fenced(said))
        if bundles and not refused:
            held = sorted(Path(PLACE).glob("*.distbench.zip"))
            before = table(held, place / "before").splitlines()
            after = table([*held, *bundles], place / "after").splitlines()
            lines = difflib.unified_diff(before, after, "before", "after", lineterm="", n=2)
            text = "\n".join(lines) or "no line of it changes"
            parts.append("The leaderboard with it:\n\n" + fenced(text, "diff"))
        if not bundles and not reasons:
            parts.append("No bundle is added.")
    text = "\n".join(parts)
    (given.output / "comment.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return int(refused)


def _commit(text: str) -> str:
    """A full commit id, which no option of git can be mistaken for."""
    if not re.fullmatch(r"[0-9a-f]{40}", text):
        raise argparse.ArgumentTypeError("not a commit")
    return text


if __name__ == "__main__":
    sys.exit(main())
