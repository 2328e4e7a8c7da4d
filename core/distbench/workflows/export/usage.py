"""The Python that is shipped: `load.py`, and what a model card shows of each format."""

from __future__ import annotations

from textwrap import indent

from distbench.workflows.export.fit import FIT


def loader(loading: str, several: bool) -> str:
    """The module that loads a student's weights and classifies images.

    Args:
        loading: Lines that make the network ``model`` of the weights at ``PATH``.
        several: Whether an image may show several classes.
    """
    return _LOADER.format(
        fit=FIT,
        loading=indent(loading.strip(), "    "),
        activation="sigmoid()" if several else "softmax(1)",
        named="[p for p in ranked if p[1] >= 0.5]" if several else "ranked[:3]",
    )


def use_loader(several: bool) -> str:
    """How `load.py` is used."""
    return _USE_LOADER_SEVERAL if several else _USE_LOADER


def use_onnx(several: bool) -> str:
    """How the ONNX file is used."""
    return _USE_ONNX.format(fit=FIT) + (_LAST_ONNX_SEVERAL if several else _LAST_ONNX)


_LOADER = '''\
"""Loads this student and classifies images: python load.py IMAGE_OR_FOLDER..."""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "preprocessing.json").read_text(encoding="utf-8"))
SUFFIXES = {{".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}}
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


def answers(model, files, batch=32):
    """For each file its classes with probabilities, the likeliest first, or what it raised."""
    files = iter(files)
    while part := list(itertools.islice(files, batch)):
        squares, wrong = {{}}, {{}}
        for file in dict.fromkeys(part):
            try:
                with Image.open(file) as image:
                    squares[file] = fit(image, ABOUT["stored"], ABOUT["bits"])
            except Exception as error:  # decoders meet broken files with all kinds
                wrong[file] = error
        shares = []
        if squares:
            pixels = torch.from_numpy(np.stack(list(squares.values()))).permute(0, 3, 1, 2)
            shares = logits(model, pixels).{activation}.tolist()
        found = dict(zip(squares, shares))
        for file in part:
            if file in wrong:
                yield file, wrong[file]
            else:
                yield file, sorted(zip(ABOUT["classes"], found[file]), key=lambda pair: -pair[1])


def classify(model, files, batch=32):
    """For each file the classes with their probabilities, the likeliest first."""
    ranked = []
    for _, answer in answers(model, files, batch):
        if isinstance(answer, Exception):
            raise answer
        ranked.append(answer)
    return ranked


def below(given):
    """The files that are given, and the images in the folders that are."""
    for path in map(Path, given):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
        else:
            yield path


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    unreadable = 0
    for file, ranked in answers(load(), below(sys.argv[1:])):
        if isinstance(ranked, Exception):
            unreadable += 1
            print(f"cannot read {{file}}: {{ranked}}", file=sys.stderr)
        else:
            named = {named}
            shown = (f"{{name}} {{share:.3f}}" for name, share in named)
            print(file, *shown, sep="\\t", flush=True)
    sys.exit(unreadable > 0)
'''

_USE_LOADER = """\
from load import classify, load

model = load()
for name, share in classify(model, ["image.jpg"])[0][:3]:
    print(name, share)
"""

_USE_LOADER_SEVERAL = """\
from load import classify, load

model = load()
for name, share in classify(model, ["image.jpg"])[0]:
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
