"""The front of planning: the names of a configuration become components, each once.

What comes after it, eligibility, keys, jobs and cells, asks the registry no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TypeVar

from distbench.errors import PluginError, UnknownNameError, UsageError
from distbench.interfaces.calls import instance, naming
from distbench.interfaces.component import Component
from distbench.interfaces.context import Transfer
from distbench.interfaces.method import Distiller
from distbench.interfaces.metric import SetMetric
from distbench.interfaces.student import Student
from distbench.interfaces.suite import METHOD_KINDS, Protocol, Value
from distbench.interfaces.zoo import Source, SourceInfo, Zoo
from distbench.interfaces.zoo_sources import sources_of
from distbench.planning.config import PROTOCOL_OPTIONS, RunConfig
from distbench.planning.default_metric import DOUBTFUL, WITH_FEW, chosen_note, doubt, tasks_with_few
from distbench.planning.methods import ResolvedMethod, crossed
from distbench.planning.named_tasks import named_tasks
from distbench.planning.quick import Machine, Quick, quick
from distbench.planning.resolved_task import ResolvedTask
from distbench.planning.settings import check_settings, suite_component
from distbench.planning.suite_choice import NO_SUITE, chosen_suite
from distbench.plugins.component_identity import Identified
from distbench.plugins.registry import Registry, registry
from distbench.storage.network.offline import go_offline
from distbench.storage.verified import verify_data

C = TypeVar("C", bound=Component)


class ResolvedRun:
    """A run whose names have become components, each made once, when it is first asked for.

    Args:
        config: What to run.
        names: What there is; found with the plugins of the configuration if None.

    Raises:
        UsageError: The suite is unknown. The properties raise it where a name is unknown, a
            parameter wrong, or a value of the protocol will not do.
    """

    def __init__(self, config: RunConfig, names: Registry | None = None) -> None:
        if config.offline:
            go_offline()
        if config.verify_data:
            verify_data()
        self.config = config
        self.names = names or registry(config.plugin)
        self.suite = chosen_suite(config, self.names)
        self.overlap = config.overlap or self.suite.overlap

    @cached_property
    def quick(self) -> Quick | None:
        """What is run where no suite says it; None where one does.

        Raises:
            DataError: The data of a task cannot be used.
        """
        if self.suite.name != NO_SUITE:
            return None
        return quick(self.tasks, Machine.here(self.config.device))

    @cached_property
    def protocol(self) -> Protocol:
        """The suite's protocol, or one that fits the machine, with what this run overrides.

        Raises:
            UsageError: An overriding value will not do.
            DataError: The data of a task cannot be used.
        """
        return self.config.protocol(self.quick.protocol if self.quick else self.suite.protocol)

    def _identified(self, kind: str, component: C) -> Identified[C]:
        return Identified.of(self.names, kind, component)

    @cached_property
    def student(self) -> Identified[Student]:
        """The student; its weights are not looked at."""
        given = self.config.student
        base = self.config.base_of("student") if given else self.suite.base
        student = self.names.make("student", given or self.suite.student, base=base)
        return self._identified("student", student)

    @cached_property
    def zoo(self) -> Identified[Zoo]:
        """The zoo.

        Raises:
            UsageError: Neither the run nor its suite names one.
        """
        given = self.config.zoo if self.config.zoo is not None else self.suite.zoo
        if given is None:
            raise UsageError(
                "which source models? Name a zoo, e.g. --zoo local:path=my_models "
                "(`distbench list zoos`), or run baselines only with --distiller none"
            )
        base = self.suite.base if self.config.zoo is None else self.config.base_of("zoo")
        return self._identified("zoo", self.names.make("zoo", given, base=base))

    @cached_property
    def _by_name(self) -> dict[str, Source]:
        return sources_of(self.zoo.component)

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The sources of the zoo by name, without its generalists, each verified.

        Raises:
            WeightsError: Weights are missing or differ from their fingerprint.
        """
        sources = {n: s for n, s in self._by_name.items() if s.info.role == "source"}
        for source in sources.values():
            source.verify()
        return sources

    @cached_property
    def generalist(self) -> SourceInfo:
        """The suite's one general teacher, verified.

        Raises:
            UsageError: The suite names none, or the zoo has no such source.
        """
        suite, name = self.suite, self.suite.generalist
        if name is None:
            raise UsageError(
                f"a distiller learns from the suite's generalist, but suite {suite.name!r} names "
                'none; write generalist = "NAME OF A SOURCE" into its file'
            )
        if name not in self._by_name:
            raise UsageError(
                f"the zoo of suite {suite.name!r} has no source {name!r}, its generalist"
            )
        self._by_name[name].verify()
        return self._by_name[name].info

    def encoders(self, names: Collection[str]) -> dict[str, SourceInfo]:
        """Sources, generalists too, by whose features images are retrieved, each verified.

        Raises:
            UnknownNameError: The zoo has no source of that name; with what is near.
        """
        for name in sorted(names):
            if name not in self._by_name:
                known = list(self._by_name)
                raise UnknownNameError("source", name, known, "It should be the encoder.")
            self._by_name[name].verify()
        return {name: self._by_name[name].info for name in sorted(names)}

    @cached_property
    def tasks(self) -> tuple[ResolvedTask, ...]:
        """The tasks of the run: those named, or all of its suite.

        Raises:
            UsageError: An entry is wrong, or two have one id.
        """
        return named_tasks(self.config, self.suite, self.names)

    @cached_property
    def metric_values(self) -> tuple[Value, ...]:
        """The metrics: those named, else the suite's, else one that there are labels enough for.

        Raises:
            DataError: None is named, and a task's data cannot be used.
        """
        if "metric" in self.config.model_fields_set:
            return self.config.metric
        if self.suite.metric is not None:
            return (self.suite.metric,)
        return (WITH_FEW,) if self._few else self.config.metric

    @cached_property
    def _few(self) -> dict[str, float]:
        return tasks_with_few(self.tasks, self.protocol)

    def metric_remarks(self) -> tuple[str | None, str | None]:
        """A note on the metric that was chosen, and a warning on one that is not to be trusted."""
        if not ("metric" in self.config.model_fields_set or self.suite.metric is not None):
            return (chosen_note(self._few) if self._few else None), None
        names = {v if isinstance(v, str) else v.get("use") for v in self.metric_values}
        named = any(str(name).partition(":")[0] == DOUBTFUL for name in names)
        return None, (doubt(self._few) if named and self._few else None)

    def components(self, kind: str) -> tuple[Component, ...]:
        """The components of one kind of method, with the suite's settings.

        ``none`` stands for no distiller or no baseline, ``all`` for every metric that can be made
        without parameters.
        """
        values = self.metric_values if kind == "metric" else self._values(kind)
        if kind == "metric" and "all" in values:
            left_out = self.metrics_left_out
            every = (n for n in self.names.names("metric") if n not in left_out)
            # Of single sources, those of teams say what other metrics do.
            values = tuple(n for n in every if not issubclass(self.names.load(kind, n), SetMetric))
        return tuple(
            suite_component(self.names, self.suite, kind, value, self.config.base_of(kind))
            for value in values
            if not (value == "none" and kind in ("distiller", "baseline"))
        )

    def quick_note(self) -> str | None:
        """A line on what was chosen for this machine; None where nothing was."""
        if self.quick is None:
            return None
        protocol = {k for k in PROTOCOL_OPTIONS if getattr(self.config, k) is not None}
        return self.quick.note(protocol | self.config.model_fields_set)

    def protocol_note(self) -> str | None:
        """A line on what is not as the suite has it; None where all is, or there is no suite."""
        changed = self.protocol.changed_from(self.suite.protocol)
        if self.suite.name == NO_SUITE or not changed:
            return None
        named = ", ".join(f"{name}={ours}" for name, (ours, _) in changed.items())
        return (
            f"{named}: not as suite {self.suite.name} has it, so these results stand in a table of "
            "their own and cannot be submitted to it"
        )

    def _values(self, kind: str) -> tuple[Value, ...]:
        """The components of one kind as they are named, by the run or for this machine."""
        values: tuple[Value, ...] = getattr(self.config, kind)
        if kind in ("distiller", "baseline") and kind not in self.config.model_fields_set:
            values = getattr(self.quick, kind, values)
        return values

    @cached_property
    def metrics_left_out(self) -> dict[str, str]:
        """Metrics that ``all`` does not stand for, since they cannot be made, with the reason."""
        if "all" not in self.config.metric:
            return {}
        reasons = {}
        for name in self.names.names("metric"):
            try:
                suite_component(self.names, self.suite, "metric", name, None)
            except (PluginError, UsageError) as error:
                reasons[name] = f"metric {name} is left out: {error}"
        return reasons

    @cached_property
    def methods(self) -> tuple[ResolvedMethod, ...]:
        """The methods of the run.

        Raises:
            UsageError: There are none, or the suite has settings for what there is not.
        """
        check_settings(self.suite, self.names)
        # Metrics last: without a name they depend on the tasks, whose data may be wrong.
        parts = {
            kind: [self._identified(kind, part) for part in self.components(kind)]
            for kind in sorted(METHOD_KINDS, key="metric".__eq__)
        }
        of = {id(part.component): part for several in parts.values() for part in several}
        methods = tuple(
            self._with_images({kind: of[id(part)] for kind, part in one.items()})
            for one in crossed(*([part.component for part in parts[kind]] for kind in METHOD_KINDS))
        )
        if not methods:
            raise UsageError("nothing to run: name a --distiller with --strategy, or a --baseline")
        return methods

    def _with_images(self, parts: Mapping[str, Identified[Component]]) -> ResolvedMethod:
        distiller = parts["distiller"].component if "distiller" in parts else None
        transfer = transfer_of(distiller)
        images = self._identified("task", transfer.images) if transfer else None
        return ResolvedMethod(parts, images)

    @cached_property
    def reference(self) -> ResolvedMethod:
        """The baseline that trains the reference model of metrics that need one."""
        baseline = suite_component(
            self.names, self.suite, "baseline", self.suite.reference, self.suite.base
        )
        return ResolvedMethod({"baseline": self._identified("baseline", baseline)})


def transfer_of(distiller: Component | None) -> Transfer | None:
    """The images besides a task's own that a distiller distils on."""
    if not isinstance(distiller, Distiller):
        return None
    with naming(distiller.name, "transfer_set"):
        given = distiller.transfer_set()
    return None if given is None else instance(distiller.name, "transfer_set", given, Transfer)
