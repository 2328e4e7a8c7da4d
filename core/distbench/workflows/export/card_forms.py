"""What a model card says of the form of its files: inputs, what they lose, what they cost."""

from __future__ import annotations

from distbench.workflows.export.compare import TOLERANCE, Agreement
from distbench.workflows.export.footprint import Footprint
from distbench.workflows.export.forms.written import Written
from distbench.workflows.export.loss import Loss
from distbench.workflows.export.markdown import escaped, table
from distbench.workflows.export.student import Original

_TIMM = (
    '`timm.create_model("local-dir:FOLDER", pretrained=True)` gives the network. `load.py` gives '
    "it images exactly as it was judged; the transform that timm makes of `config.json` resizes in "
    "one step and rounds the longer side down, so that some images near a boundary get another "
    "class by it."
)
_TORCH = "Weights are safetensors, the rest is JSON and `load.py`; nothing is unpickled."
_HALF = (
    "Weights and operations are of 16 bits, pixels and logits as they are without. A processor "
    "without arithmetic of 16 bits computes with 32: what is gained there is the smaller file."
)

BUSY = " Other work had the machine meanwhile: the times are too long."


def notes(original: Original, to: str, written: Written) -> list[str]:
    """What the files take and give."""
    if to == "timm":
        return [_TIMM]
    if to == "torch":
        return [_TORCH]
    side = original.steps.stored
    squares = (
        f"uint8 (batch, 3, {side}, {side}), red, green, blue, and gives `logits`, float32 (batch, "
        "classes); the batch is free. What follows after the central square (scaling, resizing, "
        "normalising) is inside the file."
    )
    if to == "pt2":
        return [
            '`torch.export.load("model.pt2").module()` takes pixels, '
            + squares.replace("`logits`", "logits"),
            "All its operations are core ATen ones, so that ExecuTorch can lower it. torch may "
            "unpickle what lies in such a file: load it where you would run code of who gives it.",
        ]
    takes = (
        "`model.onnx` takes `image`, uint8 (height, width, 3), one image of any size, upright, "
        "red, green, blue, and gives `logits`, float32 (1, classes). Resizing, the central square "
        "and what follows are inside the file; decoding is `upright` in `load.py`."
        if written.whole
        else f"`model.onnx` takes `pixels`, {squares}"
    )
    eight = (
        "Weights and activations are of 8 bits (static quantisation of ONNX Runtime, weights per "
        f"channel), pixels and logits as they are without; the scales are of {written.calibrated} "
        "images of the task, without their labels."
    )
    lines = [f"{takes} Classes and steps are in its metadata too."]
    return lines + {"onnx-fp16": [_HALF], "onnx-int8": [eight]}.get(to, [])


def lost(original: Original, written: Written, loss: Loss | None) -> list[str]:
    """How right the files are, where they need not say what the student says."""
    if loss is None:
        return []
    what = "every class right" if original.task.several else "accuracy"
    which = f"{loss.images}" if loss.images == loss.of else f"{loss.images} of {loss.of}, evenly"
    rows = [
        [f"{what} of the student", f"{100 * loss.before:.1f} %"],
        [f"{what} of the files here", f"{100 * loss.after:.1f} %"],
        ["test images", which],
        [
            "images with another answer",
            f"{loss.changed}: {loss.lost} right before and wrong now, {loss.gained} the other way",
        ],
    ]
    resizes = " The file resizes by itself, which rounds some pixels another way by one of 255."
    return [
        f"The files here were judged too:{resizes if written.whole else ''}",
        table(["", ""], rows),
        "So these test images were shown a second time; nothing was chosen by what came out.",
    ]


def measured(costs: Footprint) -> str:
    """What the files cost on the machine that wrote them."""
    height, width = costs.image
    rows = [
        ["weights", f"{costs.size / 1e6:.2f} MB"],
        *(
            [f"one image, {threads} thread{'s' if threads > 1 else ''}", f"{time:.2f} ms"]
            for threads, time in costs.milliseconds.items()
        ),
    ]
    return (
        f"{table(['', ''], rows)}\n\nMeasured on {escaped(costs.processor)}: the median of single "
        f"images of {height} x {width} pixels, decoding not counted.{BUSY if costs.busy else ''}"
    )


def checked(check: Agreement) -> str:
    """How the files were compared with the student."""
    refused = (
        f"A file whose logits differ by more than {TOLERANCE:g} of the largest one is not written."
        if check.allowed is not None
        else "A file that gives most of them another class is not written."
    )
    return (
        f"The files here were loaded again and compared with the trained student: {check}. "
        f"{refused} The student compared is the one that was judged: the digest of its weights is "
        "in the row."
    )
