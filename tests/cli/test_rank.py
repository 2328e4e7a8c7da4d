from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from distbench.cli import app
from distbench.cli.shown.rank_tables import comparison_text
from distbench.engine.ranking import Ranked, Ranking
from distbench.interfaces.zoo import SourceInfo
from distbench.workflows.rank import ZooComparison

TOYS = Path(__file__).parents[1] / "toys.py"


def photographs(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for part, name in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")):
        folder = root / part / name
        folder.mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


def test_images_that_are_skipped_are_counted(tmp_path: Path) -> None:
    folder = photographs(tmp_path / "photographs")
    (folder / "train" / "a" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    arguments = ["rank", "--task", f"folder:path={folder}", "--zoo", "toy_zoo", "--metric", "knn"]
    done = CliRunner().invoke(app, [*arguments, "--plugin", str(TOYS), "--skip-corrupt"])
    assert done.exit_code == 0, done.output
    assert "1 images of the probe cannot be read and are skipped" in done.stderr


def info(name: str, trained_on: tuple[str, ...] = ()) -> SourceInfo:
    return SourceInfo(
        name=name,
        architecture="net",
        num_classes=2,
        feature_dim=2,
        input_size=8,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        trained_on=trained_on,
        fingerprint="f",
    )


def ranking(metric: str, scores: dict[str, float], **more: Any) -> Ranking:
    trained_on = {"a": ("data-a",), "b": ("a-very-long-name-of-a-data-set", "data-b")}
    ranked = [Ranked(info(n, trained_on.get(n, ())), s, 0.0) for n, s in scores.items()]
    ordered = tuple(sorted(ranked, key=lambda r: -r.score))
    return Ranking("task", metric, "weighted", 10, ordered, **more)


A_FIRST = {"a": 3.0, "b": 2.0, "c": 1.0}
C_FIRST = {"a": 1.0, "b": 2.0, "c": 3.0}


def test_controls_and_partial_metrics_do_not_decide_who_stands_first() -> None:
    rankings = [
        ranking("leep", A_FIRST),
        ranking("knn", {"a": 3.0, "b": 1.0, "c": 2.0}),
        *(ranking(name, C_FIRST) for name in ("random", "source_size")),
        ranking("plasticity", {"c": 2.0, "b": 1.0}),
        ranking("hscore", dict.fromkeys("abc", 1.0)),
        ranking("parc", {}),
    ]
    compared = ZooComparison(tuple(rankings), controls=("random", "source_size"))
    assert compared.counted == ("leep", "knn")
    assert compared.mean_places == {"a": 1.0, "b": 2.5, "c": 2.5}
    assert compared.sources == ("a", "b", "c")
    lines = comparison_text(compared).splitlines()
    assert " ".join(lines[:2]) == (
        "Place of each source under each metric; mean over 2 metrics, without random (control), "
        "source_size (control), plasticity (2 sources, the others 3), hscore (all scores are "
        "equal), parc (no answer):"
    )
    head = next(line for line in lines if line.startswith("source "))
    assert head.split()[:5] == ["source", "mean", "trained", "on", "leep"]
    assert head.split()[6:9] == ["(random)", "(source", "(plasticity)"]
    begin = lines.index(head)
    rows = {line.split()[0]: line for line in lines[begin : begin + 6] if line[:3].strip() in "abc"}
    assert rows["a"].split()[1:5] == ["1.0", "data-a", "1", "1"]
    assert "a-very-long-name-of-a..." in rows["b"]
    assert rows["c"].split()[2] == "?"
    agreement = lines[next(i for i, line in enumerate(lines) if line.startswith("Agreement")) :]
    (leep,) = (line for line in agreement if " leep " in line)
    assert leep.split()[2] == "0.33", "with knn alone: random and plasticity would make it less"


def test_only_controls_leave_no_mean() -> None:
    compared = ZooComparison((ranking("random", C_FIRST),), controls=("random",))
    assert (compared.counted, compared.mean_places, compared.sources) == ((), {}, ("c", "b", "a"))
    assert "no metric counts, so there is no mean:" in comparison_text(compared)


def test_many_metrics_fit_a_hundred_columns() -> None:
    names = [f"metric_{n}:of=something" for n in range(25)]
    compared = ZooComparison(tuple(ranking(name, A_FIRST) for name in names))
    text = comparison_text(compared)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("of=something") >= 25 * 2
    assert "mean over 25 metrics:" in text
