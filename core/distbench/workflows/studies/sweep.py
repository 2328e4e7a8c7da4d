"""One parameter swept over several values: a run for each, and the curve through their means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distbench.errors import UsageError
from distbench.interfaces.progress import Progress, silent
from distbench.interfaces.suite import METHOD_KINDS, Value
from distbench.leaderboard.figures.sweep import SweepCurve, sweep_curve, write_sweep
from distbench.planning.config import PROTOCOL_OPTIONS, RunConfig
from distbench.planning.planner import make_plan
from distbench.planning.resolve import ResolvedRun
from distbench.plugins.registry import Registry, registry
from distbench.plugins.spec import parse
from distbench.storage.atomic import write_atomic
from distbench.workflows.run import execute
from distbench.workflows.run_result import RunResult

_ONE = ("zoo", "student")


@dataclass(frozen=True)
class Sweep:
    """What is swept, over which values.

    Attributes:
        key: An option of the protocol (``labelled``), or ``KIND.PARAMETER``
            (``strategy.power``): a parameter of all components of that kind that have it.
        values: As they are typed.
    """

    key: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Sweep:
        """Reads ``KEY=VALUE,VALUE,...``.

        Raises:
            UsageError: It is not written so, or has fewer than two different values.
        """
        key, equals, rest = text.partition("=")
        values = tuple(value.strip() for value in rest.split(","))
        if not (key and equals and all(values)):
            raise UsageError(
                f"sweep {text!r} will not do; write KEY=VALUE,VALUE, e.g. strategy.power=0,4,inf"
            )
        if len(set(values)) < max(len(values), 2):
            raise UsageError(f"sweep {text!r} needs two values or more, each once")
        return cls(key, values)


@dataclass(frozen=True)
class Swept:
    """What a sweep leaves behind.

    Attributes:
        folder: ``runs/NAME``: curve.png, curve.csv, curve.md, and a run's folder for each value.
        runs: One for each value, in their order.
        curve: Mean accuracy of every method at every value.
    """

    folder: Path
    sweep: Sweep
    runs: tuple[RunResult, ...]
    curve: SweepCurve

    @property
    def exit_code(self) -> int:
        """The highest of the runs'."""
        return max(run.exit_code for run in self.runs)


def configurations(config: RunConfig, sweep: Sweep) -> list[RunConfig]:
    """The configuration with each of the values; components without the parameter stay.

    Raises:
        UsageError: Nothing that is run has such a parameter.
    """
    if sweep.key in PROTOCOL_OPTIONS and sweep.key != "seeds":
        return [config.model_copy(update={sweep.key: value}) for value in sweep.values]
    kind, dot, parameter = sweep.key.partition(".")
    kinds = (*METHOD_KINDS, *_ONE)
    if not dot or kind not in kinds:
        raise UsageError(
            f"nothing is called {sweep.key!r}; sweep KIND.PARAMETER with a kind of "
            f"{', '.join(kinds)}, or an option of the protocol: "
            f"{', '.join(o for o in PROTOCOL_OPTIONS if o != 'seeds')}"
        )
    names = registry(config.plugin)
    configured = getattr(config, kind)
    given: list[Value] = [configured] if kind in _ONE and configured else list(configured or ())
    has = [_has(names, kind, value, parameter) for value in given]
    if not any(has):
        shown = ", ".join(_name(value) for value in given) or "none was given"
        raise UsageError(
            f"no {kind} of this run has a parameter {parameter!r} ({shown}); "
            f"`distbench info {kind} NAME` shows those there are"
        )

    def at(value: str) -> RunConfig:
        changed = [
            {**_table(one), parameter: value} if mine else one
            for one, mine in zip(given, has, strict=True)
        ]
        return config.model_copy(update={kind: changed[0] if kind in _ONE else tuple(changed)})

    return [at(value) for value in sweep.values]


def _table(value: Value) -> dict[str, Any]:
    return {"use": value} if isinstance(value, str) else dict(value)


def _name(value: Value) -> str:
    return parse(str(_table(value).get("use", "")))[0]


def _has(names: Registry, kind: str, value: Value, parameter: str) -> bool:
    name = _name(value)
    if name in ("none", "all"):
        return False
    return parameter.partition(".")[0] in names.load(kind, name).parameters()


def run_sweep(
    config: RunConfig, sweep: Sweep, *, progress: Progress = silent, runs: Path | None = None
) -> Swept:
    """Runs a configuration at each value, and draws the curve.

    What does not depend on the value is computed once, as in any run.

    Args:
        config: All but the value.
        sweep: What is swept.
        progress: Hears of every unit that ends, counted anew for each run.
        runs: Folder of run folders; ``runs`` in the working folder if None.

    Raises:
        DistbenchError: As `execute`; also when no value leaves anything to draw.
    """
    # With few labels another metric is the default: one curve has one throughout.
    config = config.model_copy(update={"metric": ResolvedRun(config).metric_values})
    each = configurations(config, sweep)
    base = make_plan(config)
    plans = [make_plan(one) for one in each]
    folder = (runs or Path("runs")) / f"{base.name}-{sweep.key}"
    results = []
    for value, one, plan in zip(sweep.values, each, plans, strict=True):
        if len(plan.methods) != len(base.methods):
            raise UsageError(
                f"with {sweep.key}={value} there are other methods than without; sweep it apart"
            )
        safe = "".join(c if c.isalnum() or c in "._-" else "-" for c in value)
        named = one.model_copy(update={"name": f"at-{safe}"})
        results.append(execute(named, progress=progress, runs=folder))
    curve = sweep_curve(
        sweep.key,
        [
            (value, [(m.id, m.role) for m in base.methods], [m.id for m in plan.methods], run.board)
            for value, plan, run in zip(sweep.values, plans, results, strict=True)
        ],
    )
    write_atomic(folder / "sweep.json", json.dumps({"key": sweep.key, "values": sweep.values}))
    write_sweep(curve, folder)
    return Swept(folder, sweep, tuple(results), curve)
