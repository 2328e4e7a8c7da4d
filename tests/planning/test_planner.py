"""What a plan holds: names, keys, slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distbench.errors import UnknownNameError, UsageError
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan
from distbench.planning.planner import make_plan
from distbench.plugins.registry import Registry

Options = dict[str, Any]


def plan(options: Options, **more: Any) -> Plan:
    return make_plan(RunConfig.make(**{**options, **more}))


def keys(made: Plan) -> set[str]:
    return {cell.key for cell in made.cells}


def test_rows_are_named_by_what_differs_from_the_suite() -> None:
    made = make_plan(
        RunConfig.make(
            suite="mini",
            task="mini-cub",
            strategy=("weighted", "weighted:power=6", "weighted:power=9"),
            baseline=("fixmatch", "fixmatch:mu=7"),
        )
    )
    assert [method.id for method in made.methods] == [
        "pseudo_labels/weighted/logme",
        "pseudo_labels/weighted:6/logme",
        "fixmatch",
        "fixmatch:mu=7",
    ]
    assert made.methods[0].components["strategy"]["power"] == 9
    assert made.methods[2].components["baseline"]["mu"] == 3


def test_a_plan_is_read_back_as_it_was(toy_options: Options) -> None:
    made = plan(toy_options, seeds=2)
    assert Plan.from_json(made.to_json()) == made


def test_fresh_seeds_are_others_than_the_first(toy_options: Options) -> None:
    first, fresh = plan(toy_options, seeds=2), plan(toy_options, seeds=2, first_seed=2)
    assert (first.seeds, fresh.seeds) == ((0, 1), (2, 3))
    assert not keys(first) & keys(fresh)
    assert keys(first) | keys(fresh) == keys(plan(toy_options, seeds=4))


def test_a_task_that_is_not_mirrored_has_other_keys_and_no_other_task_has(
    toy_options: Options,
) -> None:
    entries = [{"id": "a", "use": "toy_task"}, {"id": "b", "use": "toy_task:hue=0.5"}]
    usual = plan(toy_options, task=entries)
    still = plan(toy_options, task=[entries[0], {**entries[1], "flip": False}])
    by_task = [{t: {c.key for c in p.cells if c.task == t} for t in "ab"} for p in (usual, still)]
    assert by_task[0]["a"] == by_task[1]["a"] and not by_task[0]["b"] & by_task[1]["b"]
    assert [still.mirrors(task) for task in still.tasks] == [True, False]
    assert {j.key for j in still.jobs} == {j.key for j in usual.jobs}
    none = plan(toy_options, task=[entries[0], {**entries[1], "flip": False}], flip=False)
    assert keys(none) == keys(plan(toy_options, task=entries, flip=False))


@pytest.mark.parametrize("option", [None, True, False])
def test_the_flip_of_a_run_wins_over_that_of_a_task_in_its_suite(
    toy_options: Options, tmp_path: Path, option: bool | None
) -> None:
    entry = 'id = "a"\nuse = "toy_task"\n'
    suite = 'name = "toys"\nversion = 1\nstudent = "toy_student"\n[[tasks]]\n'
    for name, more in (("still.toml", "flip = false\n"), ("usual.toml", "")):
        (tmp_path / name).write_text(suite + entry + more)
    options = {**toy_options, "task": (), "distiller": "none"}
    still = plan(options, suite=str(tmp_path / "still.toml"), flip=option)
    assert [still.mirrors(task) for task in still.tasks] == [option is True]
    if option:
        assert keys(still) == keys(plan(options, suite=str(tmp_path / "usual.toml")))


def test_the_flip_of_a_command_wins_over_that_of_a_task_in_its_file(
    toy_options: Options, tmp_path: Path
) -> None:
    def mirrors(text: str, **options: Any) -> bool:
        task = '[[task]]\nid = "a"\nuse = "toy_task"\nflip = false\n'
        (tmp_path / "run.toml").write_text(text + task)
        given = {k: v for k, v in toy_options.items() if k != "task"}
        made = make_plan(RunConfig.make(tmp_path / "run.toml", **given, **options))
        return made.mirrors(made.tasks[0])

    assert not mirrors("")
    assert mirrors("", flip=True)
    assert not mirrors("flip = true\n"), "in one file, what is said of the task alone counts"


def test_x_rays_of_the_paper_are_not_mirrored() -> None:
    from distbench_builtin.suites.paper8 import Paper8

    tasks = Paper8().definition().tasks
    assert [task.id for task in tasks if not task.flip] == ["chestx"]


def test_keys_follow_what_a_result_depends_on(toy_options: Options) -> None:
    base = keys(plan(toy_options))
    assert keys(plan(toy_options, name="other", executor="local", timeout=9.0)) == base
    assert keys(plan(toy_options, distiller="pseudo_labels")) < base
    assert keys(plan(toy_options, seeds=2)) > base
    for change in (
        {"steps": 5},
        {"threads": 2},
        {"precision": "bf16"},
        {"labelled": "4-per-class"},
        {"suite": "mini"},
    ):
        assert not keys(plan(toy_options, **change)) & base, change
    sources = {c.key for c in plan(toy_options).cells if c.method.startswith("pseudo")}
    allowed = {
        c.key for c in plan(toy_options, overlap="allow").cells if c.method.startswith("pseudo")
    }
    assert len(sources & allowed) == 1, "only the task that a source saw is touched"


def test_what_is_not_as_the_suite_has_it_is_told() -> None:
    options: Options = {"suite": "mini", "task": "mini-cub", "distiller": "none"}
    notes = plan(options, steps=30, batch=8).notes
    assert notes == (
        "steps=30, batch=8: not as suite mini has it, so these results stand in a table of their "
        "own and cannot be submitted to it",
    )
    assert plan(options, seeds=2).notes == () == plan(options, steps=300).notes


def test_facts_of_sources_are_in_the_keys(
    toy_options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distbench.plugins.registry import registry

    source_class = (
        registry(toy_options["plugin"]).load("zoo", "toy_zoo").sources.__globals__["ToySource"]
    )
    base = keys(plan(toy_options, baseline="none"))
    made = source_class.__init__

    def sigmoid(self: Any, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        self.info = self.info.model_copy(update={"activation": "sigmoid"})

    monkeypatch.setattr(source_class, "__init__", sigmoid)
    assert not keys(plan(toy_options, baseline="none")) & base


def test_the_content_of_a_file_parameter_is_in_the_key(
    toy_options: Options, tmp_path: Path
) -> None:
    plugin, table = tmp_path / "filed.py", tmp_path / "table.txt"
    plugin.write_text(
        "from pathlib import Path\nfrom distbench import Strategy\n"
        "class Filed(Strategy):\n    'From a file.'\n    file: Path\n"
        "    def weigh(self, scores, sources, context=None): return scores\n"
    )
    options = {**toy_options, "plugin": (*toy_options["plugin"], plugin), "baseline": "none"}
    found = []
    for text in ("one", "two"):
        table.write_text(text)
        found.append(keys(plan(options, strategy=f"filed:file={table}")))
    assert not found[0] & found[1]


def test_rows_do_not_tell_where_things_lie(toy_options: Options, tmp_path: Path) -> None:
    for name in ("a", "b"):
        for part in range(3):
            folder = tmp_path / "images" / name
            folder.mkdir(parents=True, exist_ok=True)
            from PIL import Image

            shade = (part * 40, ord(name), 0)
            Image.new("RGB", (16, 16), shade).save(folder / f"{part}.png")
    made = plan(toy_options, task=f"folder:path={tmp_path / 'images'}")
    assert made.tasks[0].id == "images"
    assert made.tasks[0].label == "folder:path=images"
    assert (made.zoo_identity or "").startswith("toy_zoo@")


def test_ids_of_folders_are_told_apart(toy_options: Options, tmp_path: Path) -> None:
    from PIL import Image

    names = ("ünï", "önö", "Straße", "鳥", "犬", "犬 2", "plain name")
    for folder in names:
        for number, part in enumerate(("a/1", "a/2", "b/1", "b/2")):
            file = tmp_path / folder / f"{part}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 16), (number * 40, 0, 0)).save(file)
    tasks = tuple(f"folder:path={tmp_path / name}" for name in names)
    ids = [task.id for task in plan(toy_options, task=tasks).tasks]
    assert ids[:3] == ["uni", "ono", "Strasse"] and ids[-1] == "plain-name"
    assert len(set(ids)) == len(ids)
    assert ids[3].startswith("folder-") and ids[5].startswith("2-")


def test_slices_follow_tasks(toy_options: Options) -> None:
    made = plan(toy_options, seeds=3)
    parts = [made.shard(n, 2) for n in (1, 2)]
    assert [{c.task for c in part} for part in parts] == [{"toy_task"}, {"toy_task-hue-0.5"}]
    many = [made.shard(n, 5) for n in range(1, 6)]
    assert [c for part in many for c in part] == list(made.cells)
    with pytest.raises(UsageError, match="shard 3/2"):
        made.shard(3, 2)


def test_a_file_means_what_the_options_mean(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('task = ["mini-cub"]\nbaseline = "none"\n')
    made = make_plan(RunConfig.make(file))
    assert made.suite == "mini"
    assert [method.id for method in made.methods] == ["pseudo_labels/weighted/logme"]


def test_a_task_named_twice(toy_options: Options) -> None:
    with pytest.raises(UsageError, match="two tasks are called 'mini-cub'"):
        make_plan(RunConfig.make(task=("mini-cub", "mini-cub")))


def test_what_is_wrong_in_a_suite_file(toy_options: Options, tmp_path: Path) -> None:
    file = tmp_path / "suite.toml"
    head = 'name = "x"\nversion = 1\nstudent = "mini"\n'
    for text, message in (
        (head, "suite 'x' has no tasks"),
        (head + "[settings.finetun]\nlr = 1\n", "Did you mean 'finetune'"),
        (head + "[protocol]\nstepz = 1\n", "unknown key 'protocol.stepz'. Did you mean 'steps'"),
        (head + '[[tasks]]\nid = "a"\nuse = "mini-cub"\nseen_by = "x"\n', "seen_by='x'"),
        ("name = ", "is not valid TOML"),
    ):
        file.write_text(text)
        with pytest.raises((UsageError, UnknownNameError)) as caught:
            make_plan(RunConfig.make(suite=str(file), distiller="none"))
        assert message in str(caught.value)


def test_every_name_becomes_a_component_once(
    toy_options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, str]] = []
    make = Registry.make

    def counted(self: Registry, kind: str, value: Any, **options: Any) -> Any:
        made.append((kind, str(value)))
        return make(self, kind, value, **options)

    monkeypatch.setattr(Registry, "make", counted)
    many = {**toy_options, "metric": ("logme", "parc"), "strategy": ("weighted", "nearest")}
    assert len(plan(many, distiller="pseudo_labels", seeds=2).cells) == 20
    assert made
    assert len(made) == len(set(made)), sorted(v for v in made if made.count(v) > 1)


def test_all_faults_of_a_file_are_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('seeds = "many"\nmetrik = "logme"\nworkers = 0\n')
    with pytest.raises(UsageError) as caught:
        RunConfig.make(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "seeds='many' will not do: Input should be a valid integer" in message
    assert "workers=0 will not do: Input should be greater than or equal to 1" in message
    assert "unknown key 'metrik'. Did you mean 'metric'?" in message
    assert message.count("; ") == 2
