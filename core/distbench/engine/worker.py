"""A process that executes units of a plan: ``python -m distbench.engine.worker PLAN``.

It reads unit ids from its standard input, each a line of JSON, and answers each with one, an
`Outcome`, on its standard output; before it there may be lines of `News`. When its input ends,
because whoever started it is gone, it stops at once: what it was doing leaves nothing that is read
later.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from dataclasses import asdict
from queue import SimpleQueue

from distbench.engine.processes.parent_death import die_with_parent
from distbench.engine.unit import execute_unit
from distbench.interfaces.execution.unit import News, Outcome
from distbench.storage.system.ordinary_files import refuse_what_never_ends

READY = "ready"
"""The first line that a worker process writes; then one for each unit."""


def main(plan_path: str) -> None:
    """Serves units until the input ends."""
    die_with_parent()
    refuse_what_never_ends()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    # What a component prints must not be taken for an answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            requests.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    # Starting takes seconds, which must not count against the first unit's time limit.
    importlib.import_module("distbench.engine.cell")

    def write(answer: News | Outcome) -> None:
        answers.write(json.dumps(asdict(answer)) + "\n")

    answers.write(READY + "\n")
    while True:
        write(execute_unit(plan_path, requests.get(), on_news=write))


if __name__ == "__main__":
    main(sys.argv[1])
