"""Trains on one task with one seed: what cells, references and teachers have in common."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.engine.device import pick_device
from distbench.engine.global_state import unchanged
from distbench.engine.sources.source_network import network_of
from distbench.engine.sources.source_runner import What, check_what, chosen, source_pass
from distbench.engine.sources.stored_embeddings import is_finite, open_embedding
from distbench.engine.stages.train import Trained, fresh_student, train
from distbench.engine.training.average_precision import mean_average_precision
from distbench.engine.training.heads import give_head
from distbench.engine.training.inference import Judge
from distbench.engine.training.predict import features_of, predict, predict_logits
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.student import build_student
from distbench.engine.training.teacher import TeacherTrainer, source_model
from distbench.engine.workspace import Workspace
from distbench.errors import Declined
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.context import (
    Context,
    Embedding,
    MethodContext,
    Pool,
    TeacherLogits,
    TeacherRecipe,
    TransferSet,
    WeightedSource,
)
from distbench.interfaces.layers import shape_of
from distbench.interfaces.method import Method
from distbench.interfaces.read_only import read_only
from distbench.interfaces.student import RANDOM_WEIGHTS
from distbench.planning.plan import PlannedTask
from distbench.storage.npy import Images, SomeRows
from distbench.storage.predictions import accuracy


@dataclass(frozen=True)
class Trainer:
    """One task with one seed, ready to be trained on.

    Attributes:
        work: The plan, opened.
        task: The task.
        seed: The run's seed.
        transfer: The transfer set of the method, if it has one.
        chosen: Which of its images are used; None for all.
        looking: Names of the sources that look at a transfer set in one pass.
        teachers: Sources that were trained on the task meanwhile, and their logits.
        read: Names of the sources whose embeddings strategy or method asked for.
        shown: How many images sources were run on while a student was trained, by name.
        tapped: How many images sources were run on for layers that are kept, by name.
    """

    work: Workspace
    task: PlannedTask
    seed: int
    transfer: PlannedTask | None = None
    chosen: NDArray[np.int64] | None = None
    looking: tuple[str, ...] = ()
    teachers: list[tuple[str, TeacherLogits]] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    tapped: Counter[str] = field(default_factory=Counter)

    @property
    def distilled_on(self) -> int:
        """Images on which a method has the outputs of its sources: train and transfer set."""
        count = len(self.setting.images)
        if self.setting.transfer is not None:
            count += len(self.setting.transfer if self.chosen is None else self.chosen)
        return count

    @cached_property
    def context(self) -> Context:
        """What methods may see."""
        return self.work.context(self.task, self.seed, self.read)

    @cached_property
    def setting(self) -> TrainingSetting:
        """Where and how precisely students are trained."""
        protocol = self.work.plan.protocol
        return self._setting_at(protocol.image_size, protocol.crop)

    def _setting_at(self, side: int, crop: float) -> TrainingSetting:
        """Where a network of some input size is trained: on images stored large enough for it."""
        protocol = self.work.plan.protocol
        return TrainingSetting(
            images=self.work.images(self.task, side).train,
            transfer=self._transfer_images(side),
            image_size=side,
            device=pick_device(self.work.plan.device),
            precision=protocol.precision,
            seed=self.context.seed_for("batches"),
            flip=self.work.plan.mirrors(self.task),
            crop=crop,
            compile=protocol.compile,
        )

    def _transfer_images(self, side: int) -> Images | None:
        """The images of the transfer set, as a network of some input size needs them."""
        if self.transfer is None:
            return None
        if self.chosen is None:
            return self.work.images(self.transfer, side).train
        return self.work.picked(self.transfer, self.chosen, side)

    def validate(self, model: nn.Module, setting: TrainingSetting | None = None) -> float | None:
        """Accuracy on the validation images, where there are any.

        Where an image may show several classes, the mean average precision: few images of a
        student in training have every class right.
        """
        positions = self.context.validation
        if not len(positions):
            return None
        setting = setting or self.setting
        if self.context.several:
            logits = predict_logits(model, SomeRows(setting.images, positions), setting)
            return mean_average_precision(logits, self.context.labels[positions])
        predicted = predict(model, SomeRows(setting.images, positions), setting)
        return accuracy(predicted, self.context.labels[positions])

    def train(self, method: Method, sources: tuple[WeightedSource, ...] = ()) -> Trained:
        """The student, trained; or the heaviest source, for a method that trains that.

        The one that is judged, on the way and in the end, is built anew and takes over the weights.

        Raises:
            Declined: The method cannot be used here.
            PluginError: It breaks a rule, or changes the architecture.
        """
        context = self.context
        model, fresh, setting = self._networks(method, sources)
        seen: dict[str, Any] = {n: getattr(context, n) for n in Context.__dataclass_fields__}
        for name in ("labels", "labelled", "unlabelled", "validation"):
            # Copies: a tensor made of a read-only array can be written, and ours judge the method.
            seen[name] = read_only(seen[name].copy())
        method_context = MethodContext(
            **seen,
            sources=sources,
            num_features=model.num_features,
            pretrained=self._starts_pretrained(method),
            transfer=self._transfer_set(),
            train_teacher=self._train_teacher,
            run=self._run,
            layer=self._layer,
            layer_shape=partial(self._layer_shape, fresh, setting),
            device=str(setting.device),
        )
        judge = Judge(method, method_context, fresh, setting)
        with unchanged(method.name):
            result = train(
                method,
                method_context,
                model,
                setting,
                lambda trained: self.validate(judge(trained).network, setting),
                steps=self.work.plan.protocol.steps,
            )
            return result.as_judged(judge(result.model))

    def _starts_pretrained(self, method: Method) -> bool:
        """Whether a method trains something that has been trained before."""
        if method.initialisation == "pretrained":
            return bool(self.work.plan.student_identity["weights"] != RANDOM_WEIGHTS)
        return method.initialisation == "source"

    def _networks(
        self, method: Method, sources: tuple[WeightedSource, ...]
    ) -> tuple[Classifier, Classifier, TrainingSetting]:
        """The network that is trained, one to be judged with its weights, and where and how."""
        context, device = self.context, self.setting.device
        seed, classes = context.seed_for("student"), context.num_classes
        of_head = context.seed_for("head")
        if method.initialisation == "source":
            source = self.work.sources[sources[0].info.name]
            model = source_model(source, classes, seed, device)
            fresh = deepcopy(model)
            give_head(method, classes, model, fresh, seed=of_head)
            return model, fresh, self._setting_at(source.info.input_size, source.info.crop)
        student = self.work.student
        model = fresh_student(student, method, seed, classes, device)
        # As a shipped one is built: what it needs of its initialisation is in its weights.
        fresh = build_student(student, classes, pretrained=False, seed=0, device=device)
        give_head(method, classes, model, fresh, seed=of_head)
        return model, fresh, self.setting

    def features(self, model: Classifier, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """A student's features (n, d) of train images."""
        return features_of(model, SomeRows(self.setting.images, positions), self.setting)

    def _transfer_set(self) -> TransferSet | None:
        if self.transfer is None:
            return None
        count = len(self.work.images(self.transfer).train)
        positions = np.arange(count) if self.chosen is None else self.chosen
        return TransferSet(read_only(positions), self._on_transfer)

    def _on_transfer(self, source: str) -> Embedding:
        if self.transfer is None:
            raise ValueError("this method has no transfer set")
        if source in self.looking:
            folder = self.work.embed(self.transfer, self.looking)[source]
        else:
            folder = self.work.embedding_folder(self.transfer, source)
        if not is_finite(folder):
            raise Declined(f"what source {source!r} says of the transfer set is not finite")
        return open_embedding(folder)

    def _train_teacher(self, source: WeightedSource, recipe: TeacherRecipe) -> TeacherLogits:
        info = source.info
        trainer = TeacherTrainer(
            self._setting_at(info.input_size, info.crop),
            self.context.labelled,
            self.context.labels,
            self.context.num_classes,
            self.context.seed_for("teach", info.name),
            self.chosen,
        )
        transfer = self._on_transfer(info.name).features if self.transfer else None
        started = time.perf_counter()
        logits = trainer.train(
            self.work.sources[info.name], recipe, source.embedding.features, transfer
        )
        logits = replace(
            logits,
            train=read_only(logits.train),
            transfer=None if logits.transfer is None else read_only(logits.transfer),
            seconds=time.perf_counter() - started,
        )
        self.teachers.append((info.name, logits))
        return logits

    def _run(
        self, source: WeightedSource, what: What = "logits", layers: Sequence[str] = ()
    ) -> Callable[[torch.Tensor], Any]:
        model, name = self.work.sources[source.info.name], source.info.name
        if not layers:
            check_what(what, model)
        run = source_pass(model, tuple(layers), self.setting.device)
        self.shown.setdefault(name, 0)

        def shown_to(images: torch.Tensor) -> Any:
            self.shown[name] += len(images)
            return chosen(run(images), "all" if layers else what)

        return shown_to

    def _layer_shape(
        self,
        student: Classifier,
        setting: TrainingSetting,
        name: str,
        source: WeightedSource | None = None,
    ) -> tuple[int, ...]:
        side, device = setting.image_size, setting.device
        network: nn.Module = student.backbone
        whose = "the student"
        if source is not None:
            whose = f"source {source.info.name!r}"
            side = source.info.input_size
            network = network_of(self.work.sources[source.info.name], device)
        image = torch.zeros(1, 3, side, side, device=device)
        return shape_of(network.eval(), name, lambda: network(image), whose)

    def _layer(self, source: WeightedSource, name: str, pool: Pool = None) -> NDArray[np.float16]:
        self.tapped[source.info.name] += len(self.setting.images)
        return self.work.layer(self.task, source.info.name, name, pool)
