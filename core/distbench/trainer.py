"""Trains the student on one task with one seed: what cells and references have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import nn

from distbench.components import Method
from distbench.device import pick_device
from distbench.method import Context, MethodContext, WeightedSource
from distbench.plan import PlannedTask
from distbench.stages.evaluate import accuracy
from distbench.stages.train import Trained, fresh_student, train
from distbench.training.loop import Setting, features_of, predict
from distbench.training.model import StudentModel
from distbench.workspace import Workspace


@dataclass(frozen=True)
class Trainer:
    """One task with one seed, ready to be trained on.

    Attributes:
        work: The plan, opened.
        task: The task.
        seed: The run's seed.
    """

    work: Workspace
    task: PlannedTask
    seed: int

    @cached_property
    def context(self) -> Context:
        """What methods may see."""
        return self.work.context(self.task, self.seed)

    @cached_property
    def setting(self) -> Setting:
        """Where and how precisely students are trained."""
        protocol = self.work.plan.protocol
        return Setting(
            images=self.work.images(self.task).train,
            image_size=protocol.image_size,
            device=pick_device(self.work.plan.device),
            precision=protocol.precision,
            seed=self.context.seed_for("batches"),
        )

    def validate(self, model: nn.Module) -> float | None:
        """Accuracy on the validation images, where there are any."""
        positions = self.context.validation
        if not len(positions):
            return None
        found = predict(model, self.setting.images[positions], self.setting)
        return accuracy(found, self.context.labels[positions])

    def train(self, method: Method, sources: tuple[WeightedSource, ...] = ()) -> Trained:
        """The student, trained.

        Raises:
            Declined: The method cannot be used here.
        """
        context = self.context
        model = fresh_student(
            self.work.student,
            method,
            context.seed_for("student"),
            context.num_classes,
            self.setting.device,
        )
        method_context = MethodContext(
            **{name: getattr(context, name) for name in Context.__dataclass_fields__},
            sources=sources,
            num_features=model.num_features,
        )
        return train(method, method_context, model, self.setting, self.validate)

    def features(self, model: StudentModel, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """A student's features (n, d) of train images."""
        return features_of(model, self.setting.images[positions], self.setting)
