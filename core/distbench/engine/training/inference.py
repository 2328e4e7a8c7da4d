"""What a method says of evaluation, done to a student that is built anew with trained weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.engine.training.heads import is_linear
from distbench.engine.training.predict import features_of, predict_logits
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.student import with_weights
from distbench.errors import PluginError, WeightsError
from distbench.interfaces.calls import instance, naming
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.context import MethodContext
from distbench.interfaces.method import Method
from distbench.interfaces.training.inference import Inference
from distbench.interfaces.training.views import NAMED, SeveralViews, TestView
from distbench.storage.npy import SomeRows

_CROPS = ("centre", "top_left", "top_right", "bottom_left", "bottom_right")
OWN = "own"
"""What a row says of a view that has no name."""


@dataclass(frozen=True)
class Judged:
    """A student as it is judged.

    Attributes:
        model: With its weights, those of inference among them: what is kept and shipped.
        network: From images to the logits that count: the model, or several views through it.
        declared: What of it is not as usual, for the row.
        shown: Train images that were shown to it to find its inference.
    """

    model: Classifier
    network: nn.Module
    declared: dict[str, Any]
    shown: int


@dataclass(frozen=True)
class Judge:
    """Builds what is judged from what was trained.

    Attributes:
        method: Says how.
        context: What it may see.
        fresh: Of the architecture that is trained; taken again for each that is judged.
        setting: Where and how precisely.
    """

    method: Method
    context: MethodContext
    fresh: Classifier
    setting: TrainingSetting

    def __call__(self, trained: nn.Module) -> Judged:
        """What is judged, of a model that was trained.

        Raises:
            Declined: The method cannot be used here.
            PluginError: It changed the architecture, or its inference is none.
        """
        try:
            model = with_weights(self.fresh, trained.state_dict())
        except WeightsError as error:
            raise PluginError(
                self.method.name,
                f"it changes the student's architecture: {error}. Leave its modules as they "
                "are, and train others along as Phase.modules",
            ) from None
        head = {} if type(model.head) is nn.Linear else {"head": type(model.head).__name__}
        shown = _Shown(self.method, self.context, model, self.setting)
        with torch.random.fork_rng(devices=[]), naming(self.method.name, "inference"):
            torch.manual_seed(0)
            asked = self.method.inference(self.context, shown)
        network, done = self._inferring(model, asked) if asked is not None else (model, {})
        if shown.count:
            done = {**done, "images": shown.count}
        declared = {**head, "inference": done} if done else head
        return Judged(model, network, declared, shown.count)

    def _inferring(self, model: Classifier, asked: Inference) -> tuple[nn.Module, dict[str, Any]]:
        """What is judged, and what the row says of that."""
        instance(self.method.name, "inference", asked, Inference)
        done = {**self._replaced(model, asked.head), **self._adjusted(model, asked.adjust)}
        network, viewed = self._viewed(model, asked)
        return network, {**done, **viewed}

    def _replaced(self, model: Classifier, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Puts tensors into the head."""
        held = model.head.state_dict()
        for name, given in tensors.items():
            if name not in held:
                raise self._wrong(f"the head has no {name!r}; it has {', '.join(held)}")
            held[name] = self._finite(f"head[{name!r}]", given, held[name])
        model.head.load_state_dict(held)
        return {"head": sorted(tensors)} if tensors else {}

    def _adjusted(self, model: Classifier, adjust: Any) -> dict[str, Any]:
        """Adds to the bias of the head."""
        if adjust is None:
            return {}
        bias = getattr(model.head, "bias" if is_linear(model.head) else "offset", None)
        if not isinstance(bias, torch.Tensor) or bias.shape != (self.context.num_classes,):
            raise self._wrong(
                "adjust is added to the bias of a linear head, or to the buffer `offset` (c,) of "
                f"another one, which {type(model.head).__name__} has not; give it one, and add it "
                "to the logits"
            )
        values = self._finite("adjust", adjust, bias)
        features = torch.rand(2, model.num_features, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            before = model.head(features.to(bias))
            bias.add_(values)
            added = model.head(features.to(bias)) - before
        if not torch.allclose(added, values.expand_as(added), rtol=1e-3, atol=1e-3):
            raise self._wrong("adjust changes the head's `offset`, and not its logits by as much")
        return {"adjust": True}

    def _viewed(self, model: Classifier, asked: Inference) -> tuple[nn.Module, dict[str, Any]]:
        """The network that averages views; the model itself of a single plain one."""
        views = self._views(asked.views)
        if asked.mean not in ("probabilities", "logits"):
            raise self._wrong(f"mean is {asked.mean!r}; it is 'probabilities' or 'logits'")
        if views == ["plain"]:
            return model, {}
        probabilities = "sigmoid" if self.context.labels.ndim == 2 else "softmax"
        mean = "logits" if asked.mean == "logits" else probabilities
        names = [view if isinstance(view, str) else OWN for view in views]
        network = SeveralViews(model, views, mean).eval()  # type: ignore[arg-type]
        return network, {"views": names, "mean": mean}

    def _views(self, asked: Sequence[str | TestView]) -> list[str | TestView]:
        """Views by the names that there are, and functions that were tried."""
        given = [asked] if isinstance(asked, str) or callable(asked) else asked
        views: list[str | TestView] = []
        for view in given:
            views += _CROPS if view == "crops" else [view]
        for view in views:
            if not isinstance(view, str):
                self._try(view)
            elif view not in NAMED:
                raise self._wrong(f"no view {view!r}; there are crops, {', '.join(NAMED)}")
        kept = [view for view in views if view != "flip" or self.setting.flip]
        return kept or ["plain"]

    @torch.no_grad()
    def _try(self, view: TestView) -> None:
        """Refuses a function that is no view of each image by itself."""
        side, device = self.setting.image_size, self.setting.device
        draw = torch.Generator().manual_seed(0)
        images = torch.rand(2, 3, side, side, generator=draw).to(device)
        with naming(self.method.name, "inference: a view"):
            both, alone = view(images.clone()), view(images[1:].clone())
        if getattr(both, "shape", None) != images.shape:
            raise self._wrong(
                f"a view gives what is {_said(both)} for images {tuple(images.shape)}"
            )
        if not torch.isfinite(both).all():
            raise self._wrong("a view gives numbers that are not finite")
        if not torch.allclose(both[1:], alone, rtol=1e-4, atol=1e-5):
            raise self._wrong("a view of an image depends on its batch, or is drawn")

    def _finite(self, what: str, given: Any, like: torch.Tensor) -> torch.Tensor:
        tensor = torch.as_tensor(np.asarray(given) if not torch.is_tensor(given) else given)
        if tensor.shape != like.shape:
            raise self._wrong(f"{what} is {_said(tensor)}; it is to be {tuple(like.shape)}")
        if not torch.isfinite(tensor).all():
            raise self._wrong(f"{what} is not finite")
        return tensor.detach().to(like)

    def _wrong(self, what: str) -> PluginError:
        return PluginError(self.method.name, f"inference: {what}")


class _Shown:
    """A `distbench.interfaces.training.inference.TrainedStudent` that counts what it is shown."""

    def __init__(
        self, method: Method, context: MethodContext, model: Classifier, setting: TrainingSetting
    ) -> None:
        self._method, self._context, self._model = method, context, model
        self._setting = setting
        self.count = 0

    def features(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        return features_of(self._model, self._images(positions), self._setting)

    def logits(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        return predict_logits(self._model, self._images(positions), self._setting)

    def _images(self, positions: NDArray[np.int64]) -> SomeRows:
        positions = np.asarray(positions)
        if np.isin(positions, self._context.validation).any():
            raise PluginError(
                self._method.name,
                "inference: it asks for validation images; these judge it, so nothing is learnt "
                "of them",
            )
        self.count += len(positions)
        return SomeRows(self._setting.images, positions)


def _said(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" if shape is None else f"of shape {tuple(shape)}"
