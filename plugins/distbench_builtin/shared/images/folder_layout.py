"""Which part and which class each image of a folder belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from distbench import IMAGE_SUFFIXES, DataError
from distbench_builtin.shared.images.bonds import Bonds
from distbench_builtin.shared.images.folder_tree import (
    ImageFile,
    Tree,
    note_of_ignored,
    note_of_left_out,
)
from distbench_builtin.shared.images.parts import (
    PARTS,
    UNLABELLED_NAMES,
    Classes,
    Layout,
    complete,
    some,
)

_TRAIN = {name for name, part in PARTS.items() if part == "train"}
_ALSO_CLASSES = {"train", "valid"}
"""Part names that are plausible classes (vehicles; valid and invalid) where they hold images."""


def sort_out(
    root: Path, tree: Tree, share: float, bonds: Bonds, further: Sequence[ImageFile] = ()
) -> Layout:
    """Finds the layout of a folder.

    Args:
        root: The folder, for messages.
        tree: What lies in it.
        share: Share of the images that make a test part where the folder has none.
        bonds: What belongs together.
        further: Images of a further folder without labels.

    Raises:
        DataError: It cannot be used; says what and what to do.
    """
    if not tree.images:
        kinds = " ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
        there = "".join(f". {note}" for note in note_of_ignored(tree.ignored))
        raise DataError(f"no images in {root}: expected CLASS/*.jpg (or {kinds}){there}")
    part_of = _part_folders(root, tree)
    layout = Layout({})
    parts: dict[str, Classes] = {name: {} for name in {*part_of.values()} or {"train"}}
    loose = 0
    strays: dict[str, int] = {}
    for image in tree.images:
        top, *rest = image.steps
        if part_of and top not in part_of:
            if rest and top.lower() in UNLABELLED_NAMES:
                layout.unlabelled.append(image)
            elif rest:
                strays[top] = strays.get(top, 0) + 1
            else:
                loose += 1
            continue
        part, inner = (part_of[top], rest) if part_of else ("train", list(image.steps))
        if len(inner) < 2:
            loose += 1
        elif part == "train" and inner[0].lower() in UNLABELLED_NAMES:
            layout.unlabelled.append(image)
        else:
            parts[part].setdefault(inner[0], []).append(image)
    _check(root, parts, _class_folders(tree, part_of), loose)
    depth = 1 if part_of else 0
    bonds.by_name(depth=depth)
    order = [part for part in ("train", "test", "validation") if parts.get(part)]
    layout.parts = {part: parts[part] for part in order}
    complete(layout, further, share, depth, bonds, where=str(root), how="add test/CLASS/")
    layout.notes += [
        *_notes(tree, loose, strays),
        *_note_of_validation(parts),
        *_note_of_domains(layout.parts["train"], depth, bonds),
    ]
    return layout


def _note_of_validation(parts: Mapping[str, Classes]) -> Iterator[str]:
    """That a folder which some mean for testing serves as validation, where there is no other."""
    given = sum(map(len, parts.get("validation", {}).values()))
    if given and not parts.get("test"):
        yield (
            f"the {given} validation images of the folder choose what is shipped; what is tested "
            "on are other images"
        )


def _note_of_domains(train: Classes, depth: int, bonds: Bonds) -> Iterator[str]:
    """That folders which are taken for classes all hold the same folders, as domains do."""
    if bonds.group is not None:
        return
    inner = [
        {image.steps[depth + 1] for image in images if len(image.steps) > depth + 2}
        for images in train.values()
    ]
    shared = sorted(set.intersection(*inner))
    if len(shared) > 1:
        yield (
            f"each of the classes {some(sorted(train))} holds folders {some(shared)}: if those are "
            "the classes and these domains, give the path of one of these, or sort images into "
            "CLASS/DOMAIN/"
        )


def _part_folders(root: Path, tree: Tree) -> dict[str, str]:
    """Folder to part, where the folder is divided into parts; empty where it holds classes."""
    tops = sorted(steps[0] for steps in tree.folders if len(steps) == 1)
    named = [top for top in tops if top.lower() in PARTS]
    others = [top for top in tops if top not in named and top.lower() not in UNLABELLED_NAMES]
    flat = [top for top in named if _is_flat(top, tree)]
    parts = {top: PARTS[top.lower()] for top in named if top not in flat}
    doubtful = flat if parts or not others else [f for f in flat if f.lower() not in _ALSO_CLASSES]
    if doubtful:
        raise DataError(
            f"the images in {root / doubtful[0]} lie in no class folder: sort them into "
            f"{doubtful[0]}/CLASS/, or rename the folder ('unlabelled' for images without a class)"
        )
    for part in set(parts.values()):
        same = [top for top, name in parts.items() if name == part]
        if len(same) > 1:
            raise DataError(
                f"{root} has both {' and '.join(map(repr, same))}; keep one for {part} images"
            )
    whole = _divided(tree)
    if not parts and whole:
        raise DataError(
            f"{root.joinpath(*whole[0])} is divided into parts itself; give its path instead"
        )
    if parts and "train" not in parts.values():
        raise DataError(
            f"{root} has a folder {next(iter(parts))!r} but none named 'train'; put the training "
            "images in train/CLASS/"
        )
    return parts


def _divided(tree: Tree) -> list[tuple[str, ...]]:
    """Folders below that hold a data set of their own: a part for training, deeper also another."""
    within: dict[tuple[str, ...], set[str]] = {}
    for *above, name in tree.folders:
        if above and (part := PARTS.get(name.lower())):
            within.setdefault(tuple(above), set()).add(part)
    return sorted(
        above
        for above, parts in within.items()
        if "train" in parts and (len(above) == 1 or len(parts) > 1)
    )


def _is_flat(top: str, tree: Tree) -> bool:
    """Whether a folder holds images itself and no folder of images."""
    depths = {i.name.count("/") for i in tree.images if i.name.startswith(f"{top}/")}
    return depths == {1}


def _class_folders(tree: Tree, part_of: Mapping[str, str]) -> set[str]:
    """Names of the folders that stand for classes to learn, empty ones included."""
    depth = 2 if part_of else 1
    return {
        steps[-1]
        for steps in tree.folders
        if len(steps) == depth
        and (not part_of or part_of.get(steps[0]) == "train")
        and steps[-1].lower() not in UNLABELLED_NAMES
    }


def _check(root: Path, parts: Mapping[str, Classes], folders: set[str], loose: int) -> None:
    train = parts["train"]
    if not train:
        where = "in no class folder" if loose else "for training"
        raise DataError(f"{root} has images {where}; sort them into {_shape(parts)}")
    for part in ("test", "validation"):
        for name in sorted(set(parts.get(part, {})) - set(train)):
            raise DataError(
                f"class {name!r} of {root} has {part} images but no training images; add some to "
                f"train/{name}/ or remove {part}/{name}/"
            )
    for name in sorted(folders - set(train)):
        raise DataError(
            f"class {name!r} of {root} has no training images; add some or remove the folder"
        )
    if len(train) == 1:
        name = next(iter(train))
        inner = {image.steps[-2] for image in train[name]} - {name}
        hint = f" If {name!r} holds the classes, give path={root / name}." if inner else ""
        raise DataError(
            f"{root} is a folder with one class ({name!r}); a task needs two or more.{hint}"
        )
    if "test" in parts and not parts["test"]:
        raise DataError(
            f"the test folder of {root} has no images in class folders; add some, or remove it to "
            "have a test part made from the training images"
        )


def _shape(parts: Mapping[str, Classes]) -> str:
    return "train/CLASS/" if "test" in parts or "validation" in parts else "CLASS/"


def _notes(tree: Tree, loose: int, strays: Mapping[str, int]) -> Iterable[str]:
    yield from note_of_left_out(tree.left_out)
    yield from note_of_ignored(tree.ignored)
    if loose:
        yield f"{loose} image(s) ignored: in no class folder"
    for folder, number in sorted(strays.items()):
        yield f"folder {folder!r} ignored ({number} images): neither a part nor 'unlabelled'"
