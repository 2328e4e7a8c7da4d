"""Students as ONNX graphs, and those that are none."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from distbench import Classifier, UsageError
from distbench.workflows.export.forms.onnx_graph import graph_of, logits_of, network_graph
from distbench.workflows.export.preprocessing import Preprocessing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(find_spec, ("onnx", "onnxscript"))), reason="needs the extra onnx"
    ),
]
HALF = (0.5, 0.5, 0.5)


class Backbone(nn.Module):
    """One convolution, which may look at its numbers."""

    num_features = 4

    def __init__(self, *, branches: bool = False) -> None:
        super().__init__()
        self.conv, self.branches = nn.Conv2d(3, 4, 3), branches

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.conv(images)
        if self.branches and maps.mean() > 0:
            maps = 2 * maps
        return maps.mean((2, 3))


def student(*, branches: bool = False) -> Classifier:
    torch.manual_seed(0)
    return Classifier(Backbone(branches=branches), 3, HALF, HALF).eval()


PIXELS = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
IMAGES = torch.rand(2, 3, 8, 8)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_graph_says_what_the_student_says(tmp_path: Path, count: int) -> None:
    import onnx

    model, pixels = student(), PIXELS[:count]
    network = network_graph(model, IMAGES)
    onnx.save_model(graph_of(network, Preprocessing(8, 8, HALF, HALF)), tmp_path / "m")
    with torch.inference_mode():
        wanted = model(pixels.float() / 255).numpy()
    assert np.allclose(logits_of(tmp_path / "m", pixels), wanted, atol=1e-5)


def test_why_there_is_none_is_said_in_one_line() -> None:
    with pytest.raises(UsageError, match="makes no ONNX graph of the student") as caught:
        network_graph(student(branches=True), IMAGES)
    message = str(caught.value)
    assert "\n" not in message
    assert "data-dependent" in message
    assert message.endswith("use --to torch, or mend its backbone")
