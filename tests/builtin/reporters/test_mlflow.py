from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.errors import UsageError
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]
URI = "sqlite:///tracked/mlflow.db"


@pytest.fixture
def client() -> Callable[[], Any]:
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    pytest.importorskip("alembic", reason="needs the extra mlflow")

    def make() -> Any:
        from distbench_builtin.reporters.mlflow import _quiet

        with _quiet():
            from mlflow import MlflowClient

            return MlflowClient(tracking_uri=URI, registry_uri=URI)

    return make


def found(client: Any) -> list[Any]:
    from distbench_builtin.reporters.mlflow import _quiet

    with _quiet():
        experiment = client.get_experiment_by_name("distbench")
        return sorted(
            client.search_runs([experiment.experiment_id]), key=lambda run: run.info.start_time
        )


def test_a_missing_package_is_named_before_anything(run: Run, without: Any) -> None:
    without("mlflow")
    with pytest.raises(UsageError, match=r"'mlflow'.*pip install 'distbench\[mlflow\]'"):
        run(f"mlflow:{URI}")
    assert not Path("runs").exists()


@pytest.mark.slow
def test_a_local_store_from_failure_to_success_and_resumption(
    run: Run, client: Callable[[], Any], toy_options: dict[str, Any], tmp_path: Path
) -> None:
    """One life of a store, since making its tables takes seconds."""
    plugin = tmp_path / "moody.py"
    mood = tmp_path / "mood"
    plugin.write_text(
        "from pathlib import Path\n"
        "from distbench import Baseline, Declined\n"
        "class Moody(Baseline):\n"
        '    """Fails until a file is there."""\n'
        "    def phases(self, context):\n"
        f"        if not Path({str(mood)!r}).exists():\n"
        "            raise RuntimeError('not today, secret-password')\n"
        "        raise Declined('has had enough')\n"
    )
    options = {"plugin": (*toy_options["plugin"], plugin), "baseline": ("finetune", "moody")}
    made = run(f"mlflow:{URI}", **options)
    assert made.warnings == ()
    row = next(row for row in made.rows if row.status == "done")
    assert row.result
    cells = {r.data.tags.get("distbench.cell"): r for r in found(client())}
    assert set(cells) == {"toy_task:finetune:0", "toy_task:moody:0", None}
    done, failed, board = cells["toy_task:finetune:0"], cells["toy_task:moody:0"], cells[None]
    assert done.info.status == "FINISHED"
    assert done.data.metrics["accuracy"] == row.result.accuracy
    assert done.data.params["baseline.lr"] == "0.01"
    assert done.data.tags["distbench.key"] == row.key
    history = client().get_metric_history(done.info.run_id, "train_loss")
    assert [(m.step, m.value) for m in history] == [(p.step, p.loss) for p in row.result.curve]
    assert failed.info.status == "FAILED"
    reason = "plugin 'moody': phases: RuntimeError: not today, secret-password"
    assert failed.data.tags["distbench.reason"] == reason
    assert board.info.run_name == "toy"
    files = [file.path for file in client().list_artifacts(board.info.run_id)]
    assert {"leaderboard.csv", "leaderboard.md"} <= set(files)
    assert Path("tracked/mlartifacts").is_dir()

    mood.touch()
    run(f"mlflow:{URI}", **options)
    again = {r.data.tags.get("distbench.cell"): r for r in found(client())}
    assert len(found(client())) == 3, "nothing is there twice"
    assert again["toy_task:moody:0"].info.run_id == failed.info.run_id
    assert again["toy_task:moody:0"].info.status == "FINISHED"
    assert again["toy_task:moody:0"].data.tags["distbench.status"] == "declined"
    assert again["toy_task:finetune:0"].info.end_time == done.info.end_time, "left as it was"


@pytest.mark.slow
def test_a_store_that_cannot_be_used_is_told_at_once(
    run: Run, client: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"reporter mlflow cannot use nonsense://\*\*\*@x: "):
        run("mlflow:nonsense://me:pw@x")
    monkeypatch.setattr("distbench_builtin.reporters.mlflow.offline", lambda: True)
    with pytest.raises(UsageError, match=r"would contact https://\*\*\*@host, and .* is offline"):
        run("mlflow:https://me:pw@host")
    assert not Path("runs").exists()
    assert distbench.home()
