"""Jobs and cells of a plan: what is computed, and what each needs to be there before."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from distbench.interfaces.reporter import Cell
from distbench.planning.keys import Keys
from distbench.planning.plan import Job, PlannedMethod, PlannedTask, galleries


def lay_out(
    tasks: tuple[PlannedTask, ...],
    methods: tuple[PlannedMethod, ...],
    seeds: tuple[int, ...],
    keys: Keys,
    declined: Mapping[str, Collection[str]] = {},
) -> tuple[tuple[Job, ...], tuple[Cell, ...]]:
    """Jobs and cells, task by task; what several cells need is one job.

    A gallery has none: its images are decoded while sources look at them.

    Args:
        tasks: The tasks.
        methods: The methods.
        seeds: The seeds.
        keys: Gives the keys.
        declined: For each task ids of methods that are not defined on it: their cells need nothing.
    """
    jobs: list[Job] = []
    cells: list[Cell] = []
    streamed = galleries(tasks, methods)
    stored = {m.id: m.transfer for m in methods if m.transfer and m.transfer.id not in streamed}
    transfers = {transfer.id: transfer for transfer in stored.values()}
    for transfer in transfers.values():
        key = keys.images(transfer)
        jobs.append(Job(f"prepare:{transfer.id}", "prepare", key, transfer.id))
    for task in tasks:
        prepare = Job(f"prepare:{task.id}", "prepare", keys.images(task), task.id)
        jobs.append(prepare)
        undefined = declined.get(task.id, ())
        defined = [method for method in methods if method.id not in undefined]
        wanted = {
            k: v for m in defined if m.uses_sources for k, v in keys.embeddings(task, m).items()
        }
        embeds = {
            name: Job(f"embed:{task.id}:{name}", "embed", key, task.id, (prepare.id,), source=name)
            for name, key in wanted.items()
        }
        jobs += embeds.values()
        needed = {
            method.id: tuple(embeds[name].id for name in keys.embeddings(task, method))
            if method.uses_sources
            else ()
            for method in defined
        }
        method_keys = {method.id: keys.method(task, method) for method in methods}
        for seed in seeds:
            scored: set[str] = set()
            reference: tuple[str, ...] = ()
            if keys.reference is not None:
                key = keys.reference_features(task, seed)
                reference = (f"reference:{task.id}:{seed}",)
                jobs.append(Job(*reference, "reference", key, task.id, (prepare.id,), seed=seed))
            for method in methods:
                needs = needed.get(method.id, ()) or (prepare.id,)
                more = (f"prepare:{stored[method.id].id}",) if method.id in stored else ()
                if method.id in undefined:
                    needs = more = ()
                elif "metric" in method.identities:
                    key = keys.score(task, method, seed)
                    needs += reference if "reference" in method.needs else ()
                    job = f"score:{task.id}:{seed}:{key[:12]}"
                    if key not in scored:
                        scored.add(key)
                        jobs.append(
                            Job(job, "score", key, task.id, needs, method=method.id, seed=seed)
                        )
                    needs = (job,)
                cells.append(
                    Cell(
                        id=f"{task.id}:{method.id}:{seed}",
                        key=keys.cell(method_keys[method.id], seed),
                        task=task.id,
                        method=method.id,
                        seed=seed,
                        needs=needs + more,
                    )
                )
    return tuple(jobs), tuple(cells)
