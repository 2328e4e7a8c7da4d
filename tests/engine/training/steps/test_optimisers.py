"""Which optimiser a phase has, and the rate and penalty of each weight."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from distbench import Classifier, Phase, Together, adamw, sgd
from distbench.engine.training.steps.optimisers import optimiser_of
from distbench.interfaces.training.optimiser import Optimiser

timm = pytest.importorskip("timm")
NONE = torch.nn.ModuleDict()


class Layers(torch.nn.Module):
    num_features = 4

    def __init__(self, norm: type[torch.nn.Module] = torch.nn.BatchNorm2d) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 4, 3)
        self.norm = norm(4)
        self.last = torch.nn.Conv2d(4, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(self.stem(x))).mean((2, 3))


def model(norm: type[torch.nn.Module] = torch.nn.BatchNorm2d) -> Classifier:
    return Classifier(Layers(norm), 3, (0.5,) * 3, (0.25,) * 3)  # type: ignore[arg-type]


def phase(**more: Any) -> Phase:
    return Phase(steps=10, streams={}, loss=lambda m, b: m, **{"lr": 0.1, **more})


def rates(wanted: Phase, of: Classifier) -> dict[str, tuple[float, float]]:
    """Each weight's rate and penalty."""
    names = {id(weight): name for name, weight in of.named_parameters()}
    groups = optimiser_of(of, NONE, wanted).param_groups
    return {
        names[id(weight)]: (round(group["lr"], 8), group["weight_decay"])
        for group in groups
        for weight in group["params"]
    }


def test_norms_and_biases_are_not_decayed_and_heads_have_their_rate() -> None:
    extra = torch.nn.ModuleDict({"heads": torch.nn.Linear(4, 2)})
    wanted = phase(
        lr=0.1, head_lr=3.0, modules=dict(extra), module_lr={"heads": 10.0}, weight_decay=0.01
    )
    groups = optimiser_of(model(), extra, wanted).param_groups
    found = {(round(g["lr"], 6), g["weight_decay"], g["params"][0].ndim > 1) for g in groups}
    assert found == {
        (0.1, 0.01, True),
        (0.1, 0.0, False),
        (0.3, 0.01, True),
        (0.3, 0.0, False),
        (1.0, 0.01, True),
        (1.0, 0.0, False),
    }


def test_norms_by_batch_have_sgd_and_norms_by_layer_adamw() -> None:
    usual = optimiser_of(model(), NONE, phase(momentum=0.8, weight_decay=5e-4))
    assert isinstance(usual, torch.optim.SGD)
    assert (usual.defaults["momentum"], usual.defaults["nesterov"]) == (0.8, True)

    class LayerNorm2d(torch.nn.GroupNorm):
        def __init__(self, channels: int) -> None:
            super().__init__(1, channels)

    by_layer = model(LayerNorm2d)
    other = optimiser_of(by_layer, NONE, phase(lr=0.1, head_lr=10, weight_decay=5e-4))
    assert isinstance(other, torch.optim.AdamW)
    found = rates(phase(lr=0.1, head_lr=10, weight_decay=5e-4), by_layer)
    assert found["backbone.last.weight"] == (0.001, pytest.approx(0.05))
    assert found["backbone.last.bias"] == (0.001, 0)
    assert found["head.weight"] == (0.01, pytest.approx(0.05))
    asked = optimiser_of(by_layer, NONE, phase(optimiser=sgd(momentum=0, nesterov=False)))
    assert isinstance(asked, torch.optim.SGD) and asked.defaults["lr"] == 0.1


def test_any_class_of_torch_has_the_rates_of_its_phase() -> None:
    own = Optimiser(torch.optim.RMSprop, {"alpha": 0.9})
    found = optimiser_of(model(), NONE, phase(optimiser=own, weight_decay=0.01))
    assert isinstance(found, torch.optim.RMSprop) and found.defaults["alpha"] == 0.9
    assert phase(optimiser=own).declared()["optimiser"] == "rmsprop"
    assert phase(optimiser=lambda m, n: None).declared()["optimiser"] == "own"
    assert "optimiser" not in phase().declared()


def test_earlier_layers_learn_more_slowly_where_it_is_asked_for() -> None:
    found = rates(phase(optimiser=adamw(layer_decay=0.5), head_lr=2.0), model())
    assert found["backbone.last.weight"][0] == 0.05
    assert found["backbone.norm.weight"][0] == 0.025
    assert found["backbone.stem.weight"][0] == 0.0125
    assert found["head.weight"][0] == 0.2


def test_layers_of_timm_are_its_own() -> None:
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=2, img_size=32)
    of = Classifier(vit, 3, (0.5,) * 3, (0.25,) * 3)
    found = rates(phase(optimiser=adamw(layer_decay=0.5)), of)
    assert found["backbone.norm.weight"][0] == found["backbone.blocks.1.mlp.fc2.weight"][0] == 0.05
    assert found["backbone.blocks.0.mlp.fc2.weight"][0] == 0.025
    assert found["backbone.patch_embed.proj.weight"][0] == 0.0125
    assert len(found) == len([*of.named_parameters()])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Optimiser(torch.nn.Linear), "is no class of torch.optim.Optimizer"),  # type: ignore[arg-type]
        (lambda: adamw(layer_decay=0), "layer_decay is 0; it is above 0 and at most 1"),
        (lambda: sgd(layer_decay=1.5), "layer_decay is 1.5"),
        (lambda: phase(optimiser=torch.optim.SGD), "SGD'>; it is sgd\\(\\), adamw"),
        (lambda: phase(optimiser="sgd"), "optimiser is 'sgd'; it is"),
        (lambda: phase(ema="teatcher"), "ema is 'teatcher'; it is False, True or 'teacher'"),
        (lambda: phase(precision="float32"), "precision is 'float32'; it is None, 'fp32', 'bf16'"),
        (lambda: phase(module_lr={"hed": 2.0}), "module_lr names 'hed'; of modules there is none"),
    ],
)
def test_what_a_phase_cannot_be_trained_with_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_optimisers_together_are_each_as_alone() -> None:
    def parts() -> tuple[torch.nn.Linear, torch.nn.Linear]:
        torch.manual_seed(0)
        return torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)

    def steps(one: torch.nn.Linear, other: torch.nn.Linear, *by: torch.optim.Optimizer) -> None:
        for turn in range(4):
            learning = one if turn % 2 else other
            for optimiser in by:
                optimiser.zero_grad(set_to_none=True)
                for group in optimiser.param_groups:
                    group["lr"] = 0.1 * (turn + 1)
            learning(torch.ones(1, 3)).square().sum().backward()
            for optimiser in by:
                optimiser.step()

    first, second = parts(), parts()
    sgd, adam = torch.optim.SGD, torch.optim.Adam
    steps(*first, sgd(first[0].parameters(), 1, momentum=0.9), adam(first[1].parameters()))
    own = sgd(second[0].parameters(), 1, momentum=0.9), adam(second[1].parameters())
    both = Together(*own)
    steps(*second, both)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.weight, other.weight)
    again = Together(sgd(second[0].parameters(), 1, momentum=0.9), adam(second[1].parameters()))
    again.load_state_dict(both.state_dict())
    assert str(again.state_dict()) == str(both.state_dict())
    assert again.param_groups[0]["lr"] == 0.4
    with pytest.raises(ValueError, match="two optimisers move the same weight"):
        Together(own[0], own[0])
