"""The `load.py` that is shipped with each form, and how a model card shows its use."""

from __future__ import annotations

from textwrap import indent

from distbench.storage.image_files import HEIF_SUFFIXES, IMAGE_SUFFIXES
from distbench.workflows.export.fit import FIT, UPRIGHT


def torch_loader(loading: str, several: bool) -> str:
    """The module that loads weights for PyTorch.

    Args:
        loading: Lines that make the network ``model`` of the weights at ``PATH``.
        several: Whether an image may show several classes.
    """
    load = _LOAD_TORCH.format(loading=indent(loading.strip(), "    "))
    return _module("torch", load + _SAYS_TORCH, several)


def program_loader(several: bool) -> str:
    """The module that loads a program of `torch.export`."""
    return _module("torch", _PROGRAM, several)


def onnx_loader(several: bool, *, whole: bool) -> str:
    """The module that loads an ONNX file.

    Args:
        several: Whether an image may show several classes.
        whole: Whether the file takes images of any size.
    """
    says = _SAYS_WHOLE if whole else _SAYS_ONNX
    return _module("onnxruntime", _LOAD_ONNX + says, several, whole=whole)


def use_loader(several: bool) -> str:
    """How `load.py` is used."""
    return _USE_SEVERAL if several else _USE


def _module(library: str, says: str, several: bool, *, whole: bool = False) -> str:
    """The text of `load.py`.

    Args:
        library: Which is imported.
        says: Its functions `load` and `says`.
        several: Whether an image may show several classes.
        whole: Whether the model takes images of any size.
    """
    return _MODULE.format(
        imports="\n".join(f"import {name}" for name in sorted(("numpy as np", library))),
        see=UPRIGHT if whole else FIT,
        says=says.strip(),
        suffixes=" ".join(sorted(IMAGE_SUFFIXES | HEIF_SUFFIXES)),
        seen=f"np.asarray(upright({_ASKED}))" if whole else f"fit({_ASKED})",
        batch=1 if whole else 32,
        shares=(_SIGMOID if several else _SOFTMAX).rstrip(),
        named="[p for p in ranked if p[1] >= 0.5]" if several else "ranked[:3]",
    )


_ASKED = 'image, ABOUT["stored"], ABOUT["bits"]'

_LOAD_TORCH = '''
def load(PATH=HERE / "model.safetensors"):
    """The network, from normalised images (b, 3, s, s) to logits (b, c)."""
{loading}
    return model.eval()
'''

_SAYS_TORCH = '''

@torch.inference_mode()
def logits(model, pixels):
    """Logits (b, c) of uint8 pixels (b, 3, s, s), a tensor of the squares that `fit` gives."""
    start = (ABOUT["stored"] - ABOUT["kept"]) // 2
    shown = slice(start, start + ABOUT["kept"])
    images = pixels[..., shown, shown].float() / 255
    if images.shape[-1] != ABOUT["size"]:
        sides = (ABOUT["size"], ABOUT["size"])
        images = torch.nn.functional.interpolate(images, sides, mode="bilinear", antialias=True)
        images = images.clamp(0, 1)
    mean, std = (torch.tensor(ABOUT[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    return model((images - mean) / std)


def says(model, squares):
    """Logits (b, c) of squares (s, s, 3) as `fit` gives them."""
    pixels = np.stack([square.transpose(2, 0, 1) for square in squares])
    return logits(model, torch.from_numpy(pixels)).numpy()
'''

_PROGRAM = '''
def load(PATH=HERE / "model.pt2"):
    """The program, from uint8 pixels (b, 3, s, s) to logits (b, c)."""
    return torch.export.load(PATH).module()


@torch.inference_mode()
def says(model, squares):
    """Logits (b, c) of squares (s, s, 3) as `fit` gives them."""
    pixels = np.stack([square.transpose(2, 0, 1) for square in squares])
    return model(torch.from_numpy(pixels)).numpy()
'''

_LOAD_ONNX = '''
def load(PATH=HERE / "model.onnx"):
    """The graph, as a session of ONNX Runtime."""
    return onnxruntime.InferenceSession(PATH, providers=["CPUExecutionProvider"])
'''

_SAYS_ONNX = '''

def says(model, squares):
    """Logits (b, c) of squares (s, s, 3) as `fit` gives them."""
    pixels = np.stack([square.transpose(2, 0, 1) for square in squares])
    return model.run(["logits"], {"pixels": pixels})[0]
'''

_SAYS_WHOLE = '''

def says(model, images):
    """Logits (b, c) of images of any size, uint8 (h, w, 3): upright, red, green, blue."""
    return np.concatenate([model.run(["logits"], {"image": image})[0] for image in images])
'''

_SOFTMAX = """
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)
"""

_SIGMOID = """
    return 0.5 * (1 + np.tanh(0.5 * logits))
"""

_MODULE = '''\
"""Loads this student and classifies images: python load.py IMAGE_FOLDER_OR_PATTERN..."""

import glob
import itertools
import json
import sys
from pathlib import Path

{imports}
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "preprocessing.json").read_text(encoding="utf-8"))
SUFFIXES = {{*"{suffixes}".split()}}
sys.path.insert(0, str(HERE))
try:
    import pillow_heif
except ImportError:  # then HEIC images are told as such that cannot be read
    pass
else:
    pillow_heif.register_heif_opener()


{says}


{see}

def probabilities(logits):
    """Probabilities (b, c) of logits (b, c)."""{shares}


def answers(model, files, batch={batch}):
    """For each file its classes with probabilities, the likeliest first, or what it raised."""
    files = iter(files)
    while part := list(itertools.islice(files, batch)):
        seen, wrong = {{}}, {{}}
        for file in dict.fromkeys(part):
            try:
                with Image.open(file) as image:
                    seen[file] = {seen}
            except Exception as error:  # decoders meet broken files with all kinds
                wrong[file] = error
        shares = probabilities(says(model, list(seen.values()))).tolist() if seen else []
        found = dict(zip(seen, shares))
        for file in part:
            if file in wrong:
                yield file, wrong[file]
            else:
                yield file, sorted(zip(ABOUT["classes"], found[file]), key=lambda pair: -pair[1])


def classify(model, files, batch={batch}):
    """For each file the classes with their probabilities, the likeliest first."""
    ranked = []
    for _, answer in answers(model, files, batch):
        if isinstance(answer, Exception):
            raise answer
        ranked.append(answer)
    return ranked


def below(given):
    """The files that are given or fit a pattern, and the images in the folders that are."""
    for path in map(Path, given):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
        elif path.exists():
            yield path
        else:
            yield from map(Path, sorted(glob.glob(str(path), recursive=True)) or [path])


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

_USE = """\
from load import classify, load

model = load()
for name, share in classify(model, ["image.jpg"])[0][:3]:
    print(name, share)
"""

_USE_SEVERAL = """\
from load import classify, load

model = load()
for name, share in classify(model, ["image.jpg"])[0]:
    if share >= 0.5:
        print(name, share)
"""
