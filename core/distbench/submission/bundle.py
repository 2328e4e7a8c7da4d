"""Bundles read: manifest, plan, rows and predictions of one submission."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from distbench.errors import UsageError
from distbench.storage.predictions import FILE as PREDICTIONS
from distbench.storage.predictions import Predictions, are_predictions
from distbench.storage.probabilities import Logs
from distbench.storage.row_schemas import NewerSchemaError, read_row
from distbench.storage.rows import Row
from distbench.storage.validation import faults_of
from distbench.submission import limits
from distbench.submission.archive import (
    BundleError,
    Tensors,
    chunks,
    lines,
    open_archive,
    tensors_of,
)
from distbench.submission.manifest import SCHEMA, Manifest, PublicPlan
from distbench.submission.validation_report import shown

SUFFIX = ".distbench.zip"

ModelT = TypeVar("ModelT", bound=BaseModel)


def is_bundle(path: Path) -> bool:
    """Whether a file is called like a bundle; `open_bundle` says whether it is one."""
    return path.name.endswith(SUFFIX) and path.is_file()


def open_bundle(path: Path) -> Bundle:
    """Opens a bundle; its manifest and plan are read and found well-formed.

    What it claims is not checked thereby: that is what `distbench validate` does.

    Raises:
        UsageError: There is no such file, or a newer distbench made it.
        BundleError: It is no bundle, or larger than a bundle may be.
    """
    if not path.is_file():
        if (path / "rows.jsonl").is_file():
            raise UsageError(
                f"{str(path)!r} is a run's folder; `distbench submit {path}` makes a bundle of it"
            )
        raise UsageError(f"there is no file {str(path)!r}")
    return Bundle(path)


class Bundle:
    """An opened bundle; a context manager, and to be closed.

    Attributes:
        path: Its file.
        manifest: What it says of itself.
        plan: What was planned.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive = open_archive(path)
        self._inside: dict[str, NDArray[Any]] = {}
        try:
            self.manifest = self._block("bundle.json", Manifest)
            self.plan = self._block("plan.json", PublicPlan)
            _check_keys(self.plan)
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._archive.close()

    def rows(self) -> Iterator[Row]:
        """The rows one by one, those of older schemas upgraded; nothing of them is held.

        Raises:
            BundleError: A line is no row, or the member is not the one that the manifest names.
            NewerSchemaError: A row was made by a newer distbench.
        """
        for number, line in self.lines():
            try:
                yield self.row(line)
            except NewerSchemaError:
                raise
            except ValueError as error:
                raise BundleError(f"rows.jsonl, line {number}: {first_line(error)}") from None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The rows as text, with their line numbers.

        Raises:
            BundleError: There are too many, or the member is not the one that the manifest names.
        """
        total = hashlib.sha256()
        for number, line in enumerate(lines(self._archive, "rows.jsonl", total), 1):
            if number > limits.ROWS:
                raise BundleError(f"rows.jsonl has more than {limits.ROWS:,} rows")
            yield number, line
        self.check_digest("rows.jsonl", total.hexdigest())

    def row(self, line: bytes) -> Row:
        """A row of text, upgraded; predictions that an old one holds are kept for `predictions`.

        Raises:
            ValueError: It is none.
        """
        row, inside = read_row(line)
        if inside is not None:
            self._inside[row.key] = inside
        return row

    def predictions(self, key: str) -> Predictions | None:
        """The answers of a cell on test images, int64 (m,) or (m, c); None if the bundle has none.

        Raises:
            BundleError: The member that holds them is damaged or not of the right form.
        """
        if self.manifest.row_schema == 1 and not self._inside:
            for _ in self.rows():
                pass
        classes = self._inside.get(key, self.tensors.get(key))
        return None if classes is None else classes.astype(np.int64)

    @cached_property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """The tensors of the predictions by cell key, in the types in which they are held.

        Raises:
            BundleError: As for `predictions`.
        """
        return self._tensors(PREDICTIONS, are_predictions, "list of class numbers")

    def logs(self, row: Row) -> Logs | None:
        """The logarithms of a row's test probabilities, float16 (m, c); None if it has none.

        Raises:
            BundleError: The member that holds them is damaged or not of the right form.
        """
        return self.probabilities.get(row.key)

    @property
    def has_probabilities(self) -> bool:
        """Whether it has the member that holds test probabilities."""
        return limits.OPTIONAL in self.sizes()

    @cached_property
    def probabilities(self) -> dict[str, NDArray[Any]]:
        """The logarithms of test probabilities by cell key; nothing where it has no such member.

        Raises:
            BundleError: As for `logs`.
        """
        if not self.has_probabilities:
            return {}
        return self._tensors(
            limits.OPTIONAL, lambda t: t.ndim == 2 and t.dtype == "<f2", "matrix of float16"
        )

    def _tensors(self, name: str, is_right: Callable[[NDArray[Any]], bool], what: str) -> Tensors:
        data = b"".join(chunks(self._archive, name))
        self.check_digest(name, hashlib.sha256(data).hexdigest())
        return tensors_of(name, data, _without_twins, is_right, what)

    def sizes(self) -> dict[str, int]:
        """Bytes of the members that the manifest describes."""
        infos = self._archive.infolist()
        return {i.filename: i.file_size for i in infos if i.filename != "bundle.json"}

    def check_digest(self, name: str, sha256: str) -> None:
        """Holds a member against the manifest.

        Raises:
            BundleError: It is another one.
        """
        member = self.manifest.members.get(name)
        if member is None or member.sha256 != sha256:
            raise BundleError(f"member {name} is not the one that the manifest names (SHA-256)")

    def _block(self, name: str, form: type[ModelT]) -> ModelT:
        """A member as a model.

        Raises:
            BundleError: It is not well-formed.
            NewerSchemaError: A newer distbench wrote it.
        """
        data = b"".join(chunks(self._archive, name))
        try:
            table = from_json(data)
        except ValueError as error:
            raise BundleError(f"{name} is no JSON: {first_line(error)}") from None
        if not isinstance(table, dict):
            raise BundleError(f"{name} is no JSON object")
        schema = table.get("schema_version")
        if isinstance(schema, int) and schema > SCHEMA:
            raise NewerSchemaError(f"{name} of {self.path.name}", schema, SCHEMA)
        if depth(table) > limits.DEPTH:
            raise BundleError(f"{name} is nested deeper than {limits.DEPTH} levels")
        try:
            # Strictly: a number is no text, and a switch is no number.
            block = form.model_validate_json(data, strict=True)
            if name == "bundle.json":
                _without_twins(data)
        except ValidationError as error:
            raise BundleError(f"{name}: {first_line(error, form)}") from None
        except ValueError as error:
            raise BundleError(f"{name}: {first_line(error)}") from None
        if name != "bundle.json":
            self.check_digest(name, hashlib.sha256(data).hexdigest())
        return block


def _check_keys(plan: PublicPlan) -> None:
    """Refuses a plan whose cells are not its methods on its tasks with its seeds.

    Raises:
        BundleError: As it says.
    """
    methods, tasks = [m.id for m in plan.methods], [t.id for t in plan.tasks]
    for what, ids in (("methods", methods), ("tasks", tasks), ("seeds", plan.seeds)):
        if len(set(ids)) != len(ids):
            raise BundleError(f"plan.json: two {what} are called the same")
    full = plan.keys.keys() == set(methods) and all(
        by_task.keys() == set(tasks) and {len(k) for k in by_task.values()} == {len(plan.seeds)}
        for by_task in plan.keys.values()
    )
    if not full or len(methods) * len(tasks) * len(plan.seeds) > limits.ROWS:
        raise BundleError("plan.json: its keys are not those of every method, task and seed")
    keys = [key for by_task in plan.keys.values() for some in by_task.values() for key in some]
    if len(set(keys)) != len(keys):
        raise BundleError("plan.json: two cells have one key")


def _without_twins(text: bytes) -> None:
    """Refuses JSON in which a key stands twice: who reads it sees one or the other.

    Raises:
        ValueError: As it says, or it is no JSON.
    """

    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            twin = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise ValueError(f"the key '{shown(twin)}' stands twice")
        return table

    try:
        json.loads(text, object_pairs_hook=checked)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def depth(value: Any) -> int:
    """How deep a value of JSON is nested; a number is 0, counted up to a few beyond the limit."""
    level, levels = [value], 0
    while level and levels <= limits.DEPTH + 1:
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += [v for v in one.values() if isinstance(v, (dict, list, str, int))]
            elif isinstance(one, list):
                inner += one
        level = inner
        levels += bool(level)
    return levels


def first_line(error: BaseException, form: type[BaseModel] = Row) -> str:
    """What an error says, in one line in which nothing of a bundle can steer a terminal."""
    text = str(error).partition("\n")[0]
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        text = first["msg"] if first["type"] == "json_invalid" else faults_of(error, form)
    return shown(text, 500)
