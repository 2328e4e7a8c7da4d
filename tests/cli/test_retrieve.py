"""`distbench retrieve`, as its users meet it."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

TESTS = Path(__file__).parents[1]
PLUGINS = ["--plugin", str(TESTS / "toys.py"), "--plugin", str(TESTS / "toy_teachers.py")]


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    for number in range(30):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 90, (16, 16, 3))
        pixels[4:12, 4:12, number % 3] += 120
        place = tmp_path / "gallery" / f"{number % 3}" / f"{number:02}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place)
    return tmp_path / "gallery"


def call(gallery: Path, *more: str, budget: int = 27, encoder: str = "small-2") -> Result:
    from distbench.cli import app

    arguments = ["retrieve", *PLUGINS, "--task", "toy_task", "--zoo", "teacher_zoo"]
    arguments += ["--gallery", f"images:path={gallery}", "--labelled", "3-per-class"]
    arguments += ["--encoder", encoder, "--budget", str(budget)]
    return CliRunner().invoke(app, [*arguments, *more])


@pytest.mark.slow
def test_it_shows_and_stores_the_set(gallery: Path, tmp_path: Path) -> None:
    found = call(gallery)
    assert found.exit_code == 0, found.output
    assert "18 of 30 images of images:path=" in found.stdout
    assert "2 for each labelled one; 9 labelled images, encoder small-2." in found.stdout
    assert "... and 8 more" in found.stdout
    note, last = found.stderr.strip().splitlines()
    # The gallery holds the task's own images.
    assert note.startswith("note: toy_task: 3 of 6 validation images show the same picture as")
    stored = Path(last.removeprefix("stored in "))
    assert stored.parent == Path(os.environ["DISTBENCH_HOME"]) / "transfer"
    rows = list(csv.DictReader(stored.read_text().splitlines()))
    assert len({row["image"] for row in rows}) == len(rows) == 18
    queries = [row["query"] for row in rows]
    assert len(set(queries)) == 9
    assert {queries.count(query) for query in queries} == {2}
    assert all(0 < float(row["similarity"]) <= 1 for row in rows)


@pytest.mark.slow
def test_it_is_the_set_of_a_run(
    gallery: Path, tmp_path: Path, toy_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import distbench
    from distbench.engine import retrieval

    kept = []
    whole = retrieval.retrieve

    def keep(*given: Any) -> Any:
        kept.append(whole(*given))
        return kept[-1]

    monkeypatch.setattr(retrieval, "retrieve", keep)
    table = call(gallery, "--json", "--output", str(tmp_path / "sets"), encoder="general")
    found = json.loads(table.stdout)
    assert found["stored"] == str(tmp_path / "sets" / "transfer.csv")
    assert (found["queries"], found["each"], found["available"]) == (9, 2, 30)
    text = f'task_agnostic:transfer="images:path={gallery}",budget=27,encoder=general'
    options = {**toy_options, "plugin": (TESTS / "toys.py", TESTS / "toy_teachers.py")}
    options |= {"zoo": "teacher_zoo", "task": "toy_task", "baseline": "none", "strategy": "equal"}
    (row,) = distbench.run(**options, distiller=text).rows
    assert row.status == "done", row.reason
    assert len(kept) == 2
    assert kept[0].positions.tolist() == kept[1].positions.tolist()
    names = sorted(path.relative_to(gallery).as_posix() for path in gallery.rglob("*.png"))
    assert [one["image"] for one in found["images"]] == [names[i] for i in kept[1].positions]


def test_pixels_of_a_gallery_are_not_stored(
    gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distbench.engine import workspace

    (gallery / "1" / "10.png").write_bytes(b"no image")
    (gallery / "2" / "14.png").write_bytes((gallery / "2" / "14.png").read_bytes()[:-200])

    def features(home: Path) -> set[bytes]:
        return {file.read_bytes() for file in home.rglob("features.npy")}

    def pixels(home: Path) -> list[int]:
        return sorted(len(np.load(file)) for file in home.rglob("images/*/*/train.npy"))

    found, homes = [], [tmp_path / "streamed", tmp_path / "stored"]
    for home in homes:
        monkeypatch.setenv("DISTBENCH_HOME", str(home))
        found.append(call(gallery, "--skip-corrupt", "--json", "--output", str(tmp_path / "o.csv")))
        assert found[-1].exit_code == 0, found[-1].output
        assert json.loads(found[-1].stdout)["available"] == 28
        # The second time as it was when galleries were stored.
        monkeypatch.setattr(
            workspace.Workspace,
            "_opened",
            lambda self, task, key, stored: workspace.open_images(
                self._images_folder(task, key, stored)
            ),
        )
    assert found[0].stdout == found[1].stdout
    assert features(homes[0]) == features(homes[1])
    assert pixels(homes[1]) == sorted([28, *pixels(homes[0])])
    assert len(pixels(homes[0])) == 1


@pytest.mark.parametrize("store", ["pixels", "jpeg"])
def test_a_run_stores_of_a_gallery_what_it_picks(
    store: str,
    gallery: Path,
    tmp_path: Path,
    toy_options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import distbench
    from distbench.planning import jobs, plan

    options = {**toy_options, "plugin": (TESTS / "toys.py", TESTS / "toy_teachers.py")}
    options |= {"zoo": "teacher_zoo", "task": "toy_task", "baseline": "none", "strategy": "equal"}
    how = f'transfer="images:path={gallery}",budget=27,encoder=general'
    options["distiller"] = (f"pseudo_labels:{how}", f"task_oriented:{how}")
    results, homes = [], [tmp_path / "streamed", tmp_path / "stored"]
    for home in homes:
        monkeypatch.setenv("DISTBENCH_HOME", str(home))
        rows = distbench.run(**options, store=store).rows
        assert [row.status for row in rows] == ["done", "done"], [row.reason for row in rows]
        results.append([(row.key, row.result) for row in rows])
        # The second time as it was when galleries were stored.
        for module in (jobs, plan):
            monkeypatch.setattr(module, "galleries", lambda tasks, methods: frozenset())
    assert results[0] == results[1], "the same rows under the same keys"
    images, of_all = (list(home.glob("artifacts/images/*/[!.]*")) for home in homes)
    assert (len(images), len(of_all)) == (1, 2)
    (picked,) = homes[0].glob("artifacts/picked/*/*/images.npy")
    assert len(np.load(picked)) == 18
    assert not [*homes[1].glob("artifacts/picked")]


def test_the_stored_list_is_a_transfer_set(gallery: Path, tmp_path: Path) -> None:
    from distbench.plugins.registry import registry

    listing = tmp_path / "list.csv"
    assert call(gallery, "--output", str(listing)).exit_code == 0
    task: Any = registry().make("task", f"images:path={gallery},only={listing}")
    assert len(task.index().parts["train"]) == 18


def test_all_of_a_small_gallery_is_taken(gallery: Path) -> None:
    found = call(gallery, budget=900)
    assert "30 of 30 images" in found.stdout
    assert "all there are; 9 labelled images" in found.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"budget": 17}, "a budget of 17 leaves no image to retrieve for 9 labelled ones"),
        ({"encoder": "smal-2"}, "unknown source 'smal-2'. Did you mean 'small-2'?"),
    ],
)
def test_what_will_not_do_is_said(gallery: Path, more: dict[str, Any], message: str) -> None:
    found = call(gallery, **more)
    assert found.exit_code != 0
    assert message in found.stderr


def test_an_encoder_that_saw_the_task_is_refused(gallery: Path) -> None:
    from distbench.errors import RefusedError
    from distbench.planning.config import RunConfig
    from distbench.workflows.retrieve import curate

    given: dict[str, Any] = {
        "plugin": (TESTS / "toys.py", TESTS / "toy_teachers.py"),
        "task": "toy_task:hue=0.5",
        "zoo": "teacher_zoo",
        "labelled": "3-per-class",
    }
    with pytest.raises(
        RefusedError, match="encoder 'general' saw this task: trained on toy-data; take another"
    ):
        curate(RunConfig.make(**given), f"images:path={gallery}", "general", 27)
    allowed = RunConfig.make(**given, overlap="allow")
    assert len(curate(allowed, f"images:path={gallery}", "general", 27).images) == 18
    with pytest.raises(Exception, match="`retrieve` takes one task, got 0"):
        curate(RunConfig.make(**{**given, "task": ()}), "images:path=x", "general", 27)
