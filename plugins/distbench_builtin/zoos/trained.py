"""A zoo that is made by training: architectures by source data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from distbench import Download, Source, UsageError, WeightsError, Zoo
from distbench_builtin.shared.zoo_building.settings import (
    Architecture,
    Recipe,
    Settings,
    TrainingSet,
)

if TYPE_CHECKING:
    from distbench import Task
    from distbench_builtin.shared.zoo_building.jobs import TrainingJob

_HOW = (
    "a zoo that is made by training has to be built first, e.g. `distbench zoo build "
    "--architecture resnet18 --data folder:path=my_images --output my_zoo`; then use "
    "local:path=my_zoo"
)


class TrainedZoo(Settings, Zoo):
    """Source models that `distbench zoo build` trains: architectures by data sets.

    Each architecture is trained on the train part of each data set and judged on its test part.
    What comes out is a `local` zoo.

    Any task can be source data. One whose images may show several classes
    (`distbench.Task.multi_labels`) makes multi-label models, trained by binary cross-entropy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    declines: ClassVar = {
        "made": "it trains models of your choice: check what it made as zoo:local:path=DIR"
    }

    path: Path | None = Field(None, description="the folder, once it is built")
    architecture: tuple[Architecture, ...] = Field(
        (), description="networks, [timm:|torchvision:]NAME[:argument=value,...]"
    )
    data: tuple[TrainingSet, ...] = Field((), description="what they are trained on")
    only: tuple[str, ...] = Field((), description="patterns of DATA-ARCHITECTURE; all if none")

    @model_validator(mode="before")
    @classmethod
    def _one_is_several(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        alone = {
            key: (value[key],)
            for key in ("architecture", "data", "only")
            if key in value and not isinstance(value[key], (list, tuple))
        }
        return {**value, **alone}

    @classmethod
    def file_form(cls) -> type[BaseModel]:  # noqa: D102
        return Recipe

    @classmethod
    def recipes(cls) -> Mapping[str, Mapping[str, Any]]:
        """Published zoos that can be trained again."""
        from distbench_builtin.shared.zoo_building.recipes import RECIPES

        return RECIPES

    def sources(self) -> Sequence[Source]:  # noqa: D102
        from distbench_builtin.zoos.local import LocalZoo

        if self.path is None:
            raise WeightsError(_HOW)
        return LocalZoo(path=self.path).sources()

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        networks, data = self._wanted()
        needs = [need for network in networks for need in network.downloads()]
        return needs + [need for one in data for need in one.task.downloads()]

    def build(
        self, output: Path, report: Callable[[str], None], **options: Any
    ) -> Sequence[Mapping[str, Any]]:
        """Trains what is not there yet.

        Args:
            output: Folder of the zoo.
            report: Told one line for each model, and now and then of a long one.
            options: As `distbench_builtin.shared.zoo_building.build.BuildOptions`.

        Returns:
            Of each model its name, figure, value, and number of test images.

        Raises:
            DistbenchError: Data or weights are missing, or some models could not be made.
        """
        from distbench_builtin.shared.zoo_building.build import BuildOptions, build

        jobs, tasks = self._jobs()
        return [
            {
                "name": record.name,
                "figure": record.figure,
                "value": record.value,
                "test_images": record.test_images,
                "seconds": record.seconds,
            }
            for record in build(output, jobs, tasks, BuildOptions(**options), report)
        ]

    def _pairs(self) -> list[tuple[TrainingSet, Architecture]]:
        """The models that are wanted."""
        if not self.architecture or not self.data:
            raise UsageError(
                "which models? Name networks and what they learn from, e.g. --architecture "
                "resnet18 --data folder:path=my_images, or a recipe: a TOML file, or one of "
                f"{', '.join(self.recipes())}"
            )
        for what, called in (
            ("architectures", [a.name for a in self.architecture]),
            ("data sets", [d.name for d in self.data]),
        ):
            for twice in {name for name in called if called.count(name) > 1}:
                raise UsageError(f"two {what} are called {twice!r}; give one a name")
        pairs = [(d, a) for d in self.data for a in self.architecture]
        for pattern in self.only:
            if not any(fnmatchcase(f"{d.name}-{a.name}", pattern) for d, a in pairs):
                first = f"{pairs[0][0].name}-{pairs[0][1].name}"
                raise UsageError(f"--only {pattern} matches no model; there are {first} ...")
        return [
            (d, a)
            for d, a in pairs
            if not self.only or any(fnmatchcase(f"{d.name}-{a.name}", p) for p in self.only)
        ]

    def _wanted(self) -> tuple[list[Any], list[TrainingSet]]:
        """The networks and the data of the models that are wanted, each once."""
        from distbench_builtin.shared.zoo_building.networks import settle

        pairs = self._pairs()
        networks = [
            settle(a, self.init, self.image_size)
            for a in self.architecture
            if any(a is other for _, other in pairs)
        ]
        return networks, [d for d in self.data if any(d is other for other, _ in pairs)]

    def _jobs(self) -> tuple[list[TrainingJob], dict[str, Task]]:
        from distbench_builtin.shared.zoo_building.build import source_of
        from distbench_builtin.shared.zoo_building.jobs import TrainingJob
        from distbench_builtin.shared.zoo_building.settings import Settings

        networks, data = self._wanted()
        by_name = {network.name: network for network in networks}
        sources = {one.name: source_of(one) for one in data}
        settings = Settings(**{key: getattr(self, key) for key in Settings.model_fields})
        jobs = [TrainingJob(by_name[a.name], sources[d.name], settings) for d, a in self._pairs()]
        for network in networks:
            network.weights()  # before anything is trained
            network.cost(2, self.image_size)
        return jobs, {one.name: one.task for one in data}
