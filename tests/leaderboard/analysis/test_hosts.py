"""Where cells ran is told to the person, and counts nowhere else."""

from __future__ import annotations

from collections.abc import Callable

from distbench.leaderboard.analysis.costs import machine_of
from distbench.leaderboard.analysis.hosts import cells_by_host, hosts_text
from distbench.leaderboard.rows.row_reader import as_records
from distbench.storage.rows import Row
from distbench.submission.scrub import Scrubber

MakeRow = Callable[..., Row]


def of(row: Row, **environment: str) -> Row:
    return row.model_copy(update={"environment": environment})


def test_cells_are_counted_by_host(make_row: MakeRow) -> None:
    hosts = ("n1", "n2", "n2")
    rows = [of(make_row("m", "t", seed=s), host=host, device="cpu") for s, host in enumerate(hosts)]
    old = of(make_row("m", "t", seed=3), device="cpu")
    told = cells_by_host(as_records([*rows, old]))
    assert told == {"n2": 2, "n1": 1}
    assert hosts_text(told) == "Computed on: n2 (2 cells), n1 (1 cell)."
    assert hosts_text({}) == ""


def test_nodes_that_are_alike_are_one_machine(make_row: MakeRow) -> None:
    first, second = as_records(
        of(make_row("m", "t", seed=0), host=h, device="cpu") for h in ("n1", "n2")
    )
    assert machine_of(first) == machine_of(second) == "device=cpu"


def test_no_host_leaves_the_machine_with_its_rows(make_row: MakeRow) -> None:
    row = of(make_row("m", "t", seed=0), host="babbage", device="cpu")
    failed = row.model_copy(
        update={"status": "failed", "reason": "disk full, on babbage", "result": None, "cost": None}
    )
    clean = Scrubber(user="ada", host="login").row(failed)
    assert clean.environment == {"device": "cpu"}
    assert clean.reason == "disk full, on HOST"
