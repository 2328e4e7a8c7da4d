"""The Python that is shipped: `load.py`, and what a model card shows of each format."""

from __future__ import annotations

from distbench.workflows.export.preprocessing import FIT


def loader(loading: str, several: bool) -> str:
    """The module that loads a student's weights and classifies images.

    Args:
        loading: Lines that make the network, indented.
        several: Whether an image may show several classes.
    """
    return _LOADER.format(
        fit=FIT,
        loading=loading,
        activation="sigmoid()" if several else "softmax(1)",
        named="[p for p in ranked if p[1] >= 0.5]" if several else "ranked[:3]",
    )


def use_torch(several: bool) -> str:
    """How `load.py` is used."""
    return _USE_TORCH_SEVERAL if several else _USE_TORCH


def use_timm(several: bool) -> str:
    """How the folder is used with timm."""
    return _USE_TIMM + (_LAST_TIMM_SEVERAL if several else _LAST_TIMM)


def use_onnx(several: bool) -> str:
    """How the ONNX file is used."""
    return _USE_ONNX.format(fit=FIT) + (_LAST_ONNX_SEVERAL if several else _LAST_ONNX)


_LOADER = '''\
"""Loads this student and classifies images: python load.py IMAGE..."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "preprocessing.json").read_text(encoding="utf-8"))
sys.path.insert(0, str(HERE))


def load(PATH=HERE / "model.safetensors"):
    """The network, from normalised images (b, 3, s, s) to logits (b, c)."""
{loading}
    return model.eval()


{fit}

@torch.inference_mode()
def logits(model, pixels):
    """Logits (b, c) of uint8 pixels (b, 3, s, s), which `fit` gives."""
    start = (ABOUT["stored"] - ABOUT["kept"]) // 2
    shown = slice(start, start + ABOUT["kept"])
    images = pixels[..., shown, shown].float() / 255
    if images.shape[-1] != ABOUT["size"]:
        sides = (ABOUT["size"], ABOUT["size"])
        images = torch.nn.functional.interpolate(images, sides, mode="bilinear", antialias=True)
        images = images.clamp(0, 1)
    mean, std = (torch.tensor(ABOUT[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    return model((images - mean) / std)


def classify(model, files):
    """For each file the classes with their probabilities, the likeliest first."""
    pixels = np.stack([fit(Image.open(file), ABOUT["stored"], ABOUT["bits"]) for file in files])
    found = logits(model, torch.from_numpy(pixels).permute(0, 3, 1, 2)).{activation}
    return [
        sorted(zip(ABOUT["classes"], row), key=lambda pair: -pair[1]) for row in found.tolist()
    ]


if __name__ == "__main__":
    for file, ranked in zip(sys.argv[1:], classify(load(), sys.argv[1:])):
        print(file, *(f"{{name}} {{share:.3f}}" for name, share in {named}), sep="\\t")
'''

_USE_TORCH = """\
from load import classify, load

model = load()
for name, share in classify(model, ["image.jpg"])[0][:3]:
    print(name, share)
"""

_USE_TORCH_SEVERAL = """\
from load import classify, load

model = load()
for name, share in classify(model, ["image.jpg"])[0]:
    if share >= 0.5:
        print(name, share)
"""

_USE_TIMM = """\
import timm
import torch
from PIL import Image, ImageOps
from timm.data import create_transform, resolve_data_config

model = timm.create_model("local-dir:.", pretrained=True).eval()
transform = create_transform(**resolve_data_config(model=model))
image = ImageOps.exif_transpose(Image.open("image.jpg")).convert("RGB")
with torch.inference_mode():
    logits = model(transform(image)[None])[0]
"""

_LAST_TIMM = """\
shares = logits.softmax(0)
for share, number in zip(*(part.tolist() for part in shares.topk(min(3, len(shares))))):
    print(model.pretrained_cfg["label_names"][number], share)
"""

_LAST_TIMM_SEVERAL = """\
for name, share in zip(model.pretrained_cfg["label_names"], logits.sigmoid().tolist()):
    if share >= 0.5:
        print(name, share)
"""

_USE_ONNX = """\
import json

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


{fit}

session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
about = session.get_modelmeta().custom_metadata_map
classes, steps = json.loads(about["classes"]), json.loads(about["preprocessing"])
pixels = fit(Image.open("image.jpg"), steps["stored"], steps["bits"])
pixels = pixels.transpose(2, 0, 1)[None]
logits = session.run(["logits"], {{"pixels": pixels}})[0][0]
"""

_LAST_ONNX = """\
shares = np.exp(logits - logits.max())
for number in np.argsort(-logits)[:3]:
    print(classes[number], float(shares[number] / shares.sum()))
"""

_LAST_ONNX_SEVERAL = """\
for name, share in zip(classes, 1 / (1 + np.exp(-logits))):
    if share >= 0.5:
        print(name, float(share))
"""
