"""Students as programs of `torch.export`, which run without the Python of their architecture."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from distbench.errors import UsageError
from distbench.workflows.export.forms.loader import program_loader
from distbench.workflows.export.forms.reasons import innermost
from distbench.workflows.export.forms.written import Written, by_loader
from distbench.workflows.export.preprocessing import FromPixels
from distbench.workflows.export.student import Original, seeing

_WEIGHTS = "model.pt2"


def write_program(original: Original, folder: Path) -> Written:
    """One file with resizing, normalisation and network; a batch may have any size.

    Raises:
        UsageError: torch makes no program of it, or one with operations that only some library has.
    """
    model, steps, views = original.model, original.steps, original.exported_views
    network = FromPixels(seeing(nn.Sequential(model.backbone, model.head), views), steps)
    network.eval().to(memory_format=torch.contiguous_format)
    pixels = torch.from_numpy(np.array(original.samples[:2])).permute(0, 3, 1, 2).contiguous()
    batch = torch.export.Dim("batch", min=1)
    try:
        with warnings.catch_warnings(), torch.inference_mode(mode=False), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch's own
            program = torch.export.export(network, (pixels,), dynamic_shapes=({0: batch},))
            foreign = _foreign(program.run_decompositions())
            _forget_places(program)
            torch.export.save(program, folder / _WEIGHTS)
    except Exception as error:  # an architecture may refuse it in every way there is
        raise UsageError(
            f"torch makes no program of the student ({innermost(error)}); use --to torch, or mend "
            "its backbone"
        ) from error
    if foreign:
        raise UsageError(
            f"--to pt2: the student has operations that only its library knows "
            f"({', '.join(foreign)}); use --to torch"
        )
    text = program_loader(original.task.several)
    logits = by_loader(original, folder, text, "export: its program")
    return Written(
        _WEIGHTS, logits, ("torch", "numpy", "pillow"), single=original.exported_views is None
    )


def _forget_places(program: torch.export.ExportedProgram) -> None:
    """Takes out where on this machine the code of each operation lies."""
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)


def _foreign(program: torch.export.ExportedProgram) -> list[str]:
    """Operations of a program that are none of torch's own core ones."""
    calls = (node.target for node in program.graph.nodes if node.op == "call_function")
    return sorted(
        {str(target) for target in calls if getattr(target, "namespace", "aten") != "aten"}
    )
