"""Runs of machines that have no common folder, and one object store: an S3 server on this one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.engine import cell as cells
from distbench.errors import MachineError, StoreError
from distbench.planning.config import RunConfig
from distbench.storage.network.shared.bucket import Bucket
from distbench.storage.network.shared.packed import packed, unpacked
from distbench.storage.row_store import RowStore
from distbench.workflows.run import execute
from distbench.workflows.run_result import RunResult

Options = dict[str, Any]
_BUCKET = "bucket"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(moto|botocore|werkzeug)")


class Server:
    """An S3 server that can be stopped and started again, with what it holds."""

    def __init__(self, make: Any) -> None:
        self._make, self.port = make, 0
        self.start()

    def start(self) -> None:
        self._server = self._make(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        self._server.stop()

    def request(self, method: str, query: str = "") -> bytes:
        url = f"http://127.0.0.1:{self.port}/{_BUCKET}{query}"
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            return bytes(answer.read())

    def rows(self, folder: str) -> list[str]:
        listed = self.request("GET", f"?list-type=2&prefix={folder}/rows/").decode()
        return [part.partition("</Key>")[0] for part in listed.split("<Key>")[1:]]


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    pytest.importorskip("obstore", reason="obstore is not installed")
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    server = Server(moto.ThreadedMotoServer)
    server.request("PUT")
    yield server
    server.stop()


@pytest.fixture
def server(running: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, with a folder of its bucket for this test alone as the shared store."""
    monkeypatch.setenv("DISTBENCH_STORE", f"s3://{_BUCKET}/{tmp_path.name}")
    monkeypatch.setenv("DISTBENCH_STORE_PATIENCE", "0.3")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return running


class Machine:
    """Runs with a home of its own; counts the cells that it computes and keeps what it tells."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, options: Options) -> None:
        self.folder, self.monkeypatch, self.options = folder, monkeypatch, options
        self.computed = 0
        self.told: list[str] = []
        self.compute = cells.compute_cell

    def run(self, **more: Any) -> RunResult:
        def counted(*arguments: Any) -> Any:
            made = self.compute(*arguments)
            self.computed += 1
            return made

        with self.monkeypatch.context() as patch:
            patch.setattr(cells, "compute_cell", counted)
            patch.setenv("DISTBENCH_HOME", str(self.folder / "home"))
            (self.folder / "work").mkdir(parents=True, exist_ok=True)
            patch.chdir(self.folder / "work")
            config = RunConfig.make(None, **{**self.options, **more})
            made = execute(config, progress=lambda text, *rest, **facts: self.told.append(text))
            places = {task: path.absolute() for task, path in made.students.items()}
            return replace(made, folder=made.folder.absolute(), students=places)


@pytest.fixture
def machines(
    toy_options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Machine, Machine]:
    options = {**toy_options, "task": ("toy_task",), "distiller": "pseudo_labels"}
    one, two = (Machine(tmp_path / name, monkeypatch, options) for name in ("one", "two"))
    return one, two


def test_what_one_machine_has_computed_no_other_computes(
    server: Server, machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    one, two = machines
    first = one.run(save_student=True)
    second = two.run(save_student=True)
    assert (one.computed, two.computed) == (len(first.rows), 0)
    assert len(server.rows(tmp_path.name)) == len(first.rows)
    assert second.rows == first.rows
    for file in ("rows.jsonl", "predictions.safetensors", "leaderboard.csv"):
        assert (second.folder / file).read_bytes() == (first.folder / file).read_bytes()
    (student,) = second.students.values()
    assert student.read_bytes() == first.students["toy_task"].read_bytes()
    assert {p.name for p in (second.folder / "probabilities").iterdir()} == {
        f"{row.key}.npy" for row in first.rows if row.status == "done"
    }


def test_the_server_dies_and_nothing_is_lost(
    server: Server, machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    one, two = machines
    compute = one.compute

    def and_dies(*arguments: Any) -> Any:
        made = compute(*arguments)
        if one.computed == 1:
            server.stop()
        return made

    one.compute = and_dies
    with pytest.raises(MachineError) as told:
        one.run(seeds=2)
    said = str(told.value)
    assert f"the store s3://{_BUCKET}/{tmp_path.name} cannot be used (writing rows/" in said
    assert "Finished cells are kept" in said and "run the same command again" in said
    assert "secret" not in said and "AKIA" not in said
    with pytest.raises(StoreError, match="listing rows"):
        one.run(seeds=2)
    server.start()
    assert len(server.rows(tmp_path.name)) == 1 and one.computed == 2
    one.compute = compute
    rows = one.run(seeds=2).rows
    assert one.computed == len(rows) == len(server.rows(tmp_path.name))
    assert two.run(seeds=2).rows == rows and two.computed == 0


def test_an_altered_row_is_refused_and_made_anew(
    server: Server, machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    one, two = machines
    rows = one.run().rows
    bucket = Bucket(f"s3://{_BUCKET}", patience=1)
    altered, other, *_ = server.rows(tmp_path.name)
    right = bucket.get(altered) or b""
    files = unpacked(right)
    accuracy = files["row.json"].replace(b'"accuracy":0.', b'"accuracy":9.')
    assert accuracy != files["row.json"]
    bucket.replace(altered, packed({**files, "row.json": accuracy}))
    bucket.replace(other, right)  # of another cell
    made = two.run()
    assert two.computed == 2
    assert [row.result for row in made.rows] == [row.result for row in rows]
    assert any("2 rows of the shared store, altered or" in text for text in made.warnings)
    assert unpacked(bucket.get(altered) or b"")["row.json"] != accuracy
    third = Machine(tmp_path / "three", two.monkeypatch, two.options)
    assert third.run().rows and third.computed == 0


def test_who_is_second_takes_the_row_of_the_first(
    server: Server, machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    """Both have begun before either was ready."""
    one, two = machines
    compute = two.compute

    def meanwhile(*arguments: Any) -> Any:
        row, predictions, logs = compute(*arguments)
        if one.computed == 0:
            one.run(name="first", save_student=True)
            assert row.result is not None
            worse = row.result.model_copy(update={"student_digest": "f" * 64})
            row = row.model_copy(update={"result": worse})
        return row, predictions, logs

    two.compute = meanwhile
    made = two.run(save_student=True)
    assert two.computed == 1  # the others were there by then
    assert [row.result for row in made.rows] == [
        row.result for row in one.run(save_student=True).rows
    ]
    assert made.students and not any("is not shipped" in text for text in made.warnings)
    told = "\n".join(two.told)
    assert told.count("another machine was first, and its result, which is another, is taken") == 1
    assert told.count("another machine has computed it") == len(made.rows) - 1


FAR = """
from pathlib import Path
from distbench import Executor, execute_unit
from distbench.engine.handed_over import take_over

class Far(Executor):
    "Computes where the plan's folder is not seen, with a home of its own."
    @property
    def here(self):
        return False
    def drain(self, queue):
        node = str(queue.plan_path.parents[2] / "node")
        plan = Path(node) / "plans" / queue.plan_path.name
        while queue.open and (unit := queue.take()):
            outcome = execute_unit(plan, unit, {**queue.environment, "DISTBENCH_HOME": node})
            take_over({})
            queue.finish(outcome)
"""


def test_rows_of_nodes_with_homes_of_their_own_come_through_the_store(
    server: Server, machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    one, two = machines
    (tmp_path / "far.py").write_text(FAR)
    plugins = (*one.options["plugin"], tmp_path / "far.py")
    made = one.run(executor="far", plugin=plugins)
    assert one.computed == len(made.rows) and {row.status for row in made.rows} == {"done"}
    assert (one.folder / "node" / "artifacts" / "images").is_dir()
    assert not (one.folder / "home" / "artifacts" / "images").exists()
    assert (made.folder / "test_labels.safetensors").is_file()
    own = two.run(plugin=plugins, name="own")
    assert own.rows == made.rows and two.computed == 0


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_elsewhere(
    machines: tuple[Machine, Machine],
    toy_options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a folder as the store, as a mounted bucket is one."""
    pytest.importorskip("obstore", reason="obstore is not installed")
    monkeypatch.setenv("DISTBENCH_STORE", f"file://{tmp_path / 'bucket'}")
    options = {**machines[0].options, "seeds": 3, "plugin": tuple(map(str, toy_options["plugin"]))}
    killed = subprocess.Popen(
        [sys.executable, "-c", f"import distbench; distbench.run(**{options!r})"],
        env=os.environ,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 120
    while not (there := [*tmp_path.glob("bucket/rows/*/*.tar")]) and time.monotonic() < until:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL and there
    shutil.rmtree(distbench.home())  # that machine is gone
    there = [*tmp_path.glob("bucket/rows/*/*.tar")]
    _, two = machines
    made = two.run(seeds=3)
    assert two.computed == len(made.rows) - len(there) < len(made.rows)
    store = RowStore(two.folder / "home" / "cells")
    assert all(store.take(place.stem, unpacked(place.read_bytes())) for place in there)
