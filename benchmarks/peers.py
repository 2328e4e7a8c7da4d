"""Published implementations of the metrics, run beside ours from clones of their repositories.

None of them is a part of distbench. To compare, put clones side by side in a folder and name it:
``DISTBENCH_PEERS=FOLDER make bench``. What is absent, or whose libraries are, is skipped. Used are:

===================================== ======= ================================================
folder, a clone of                    commit  files
===================================== ======= ================================================
LogME, thuml/LogME                    56551ca LogME.py LEEP.py NCE.py (need numba)
Transfer-Learning-Library, thuml/...  c4aa59e tllib/ranking/*.py (logme.py needs numba)
parc, dbolya/parc                     ddfca43 methods.py
SFDA, TencentARC/SFDA                 3b7edf7 metrics.py utils.py
ETran, mgholamikn/ETran               d4551ed metrics.py utils.py
NCTI, BUserName/NCTI                  b18d395 metrics.py utils.py
pactran_metrics, google-research/...  a5e4997 compute_metrics.py
google-research, google-research/...  1d4d2f1 stable_transfer/transferability/{gbc,leep,nleep}.py
                                              (need tensorflow)
===================================== ======= ================================================

A file is run as it is. Modules of a repository that a metric imports but does not use (data sets,
models, flags) are replaced by empty ones while it is read.

Whole tools (USB, torchdistill, mteb, ...) are run beside ours by `benchmarks.side_by_side`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from benchmarks.absent import AbsentError
from benchmarks.inputs import Inputs, zoo
from sklearn.decomposition import PCA

FOLDER = "DISTBENCH_PEERS"


class Peer(NamedTuple):
    """One published implementation.

    Attributes:
        name: Repository and function.
        metric: Ours that computes the same, with parameters where the default is not that.
        run: From inputs that it may change to the score.
        close: Relative difference that equal results may have; None where `remark` says what is
            wrong or different over there.
        remark: What a reader of the numbers should know.
        most: Largest number of images that it is run on; it needs too much memory for more.
        equal: On which inputs results are equal, where not on all.
    """

    name: str
    metric: str
    run: Callable[[Inputs], float]
    close: float | None
    remark: str = ""
    most: float = math.inf
    equal: Callable[[Inputs], bool] = lambda inputs: True

    def __call__(self, inputs: Inputs) -> float:
        """The score.

        Raises:
            AbsentError: The repository, or a library that it needs, is not here.
        """
        if inputs.shape.n > self.most:
            raise AbsentError(f"{self.name} needs too much memory for {inputs.shape.n} images")
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return float(self.run(inputs))


def writable(inputs: Inputs) -> Inputs:
    """A copy that a peer may change."""
    return inputs._replace(
        **{name: getattr(inputs, name).copy() for name in ("labels", "features", "probabilities")}
    )


@cache
def _file(path: str, **modules: ModuleType) -> ModuleType:
    """A file of a clone as a module, with other modules under the names that it imports."""
    if FOLDER not in os.environ:
        raise AbsentError(f"{FOLDER} names no folder with clones of the published implementations")
    found = Path(os.environ[FOLDER]) / path
    if not found.is_file():
        raise AbsentError(f"{found} is not there")
    spec = importlib.util.spec_from_file_location("peer_" + "_".join(found.parts[-3:]), found)
    if spec is None or spec.loader is None:
        raise AbsentError(f"{found} is no module")
    module = importlib.util.module_from_spec(spec)
    state = np.random.get_state()  # LogME.py draws from it when it is imported
    with warnings.catch_warnings(), _known_as(modules):
        warnings.simplefilter("ignore")
        try:
            spec.loader.exec_module(module)
        except ImportError as error:
            raise AbsentError(f"{found} needs {error.name or error}") from error
        finally:
            np.random.set_state(state)
    return module


@contextlib.contextmanager
def _known_as(modules: dict[str, ModuleType]) -> Iterator[None]:
    names = {name.replace("__", "."): module for name, module in modules.items()}
    before = {name: sys.modules.get(name) for name in names}
    sys.modules.update(names)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


@cache
def _empty(name: str) -> ModuleType:
    return ModuleType(name)


def _with(name: str, **attributes: Any) -> ModuleType:
    module = _empty(name)
    vars(module).update(attributes)
    return module


def _thuml(file: str) -> ModuleType:
    return _file(f"LogME/{file}.py")


def _tllib(file: str) -> ModuleType:
    return _file(f"Transfer-Learning-Library/tllib/ranking/{file}.py")


def _parc(inputs: Inputs) -> ModuleType:
    """It looks up the number of classes by the name of a data set."""
    sizes = _with("constants", num_classes={"target": inputs.shape.classes})
    return _file("parc/methods.py", constants=sizes, datasets=_empty("datasets"))


def _parc_score(method: str, inputs: Inputs, **settings: Any) -> float:
    made = getattr(_parc(inputs), method)(**settings)
    x, p, y = inputs.features, inputs.probabilities, inputs.labels
    return float(made(x, p, y, "source", "target", "architecture", None))


def _metrics_of(repository: str) -> ModuleType:
    """SFDA and those that were made from a copy of it."""
    models = {"models": _empty("models"), "models__group1": _empty("models.group1")}
    utils = _file(f"{repository}/utils.py", **models)
    return _file(f"{repository}/metrics.py", utils=utils)


def _pactran() -> ModuleType:
    flags = _with("absl.flags", FLAGS=None)
    for kind in ("string", "integer"):
        setattr(flags, f"DEFINE_{kind}", lambda *_: None)
    unused = ["absl.app", "tensorflow", "tensorflow.compat", "tensorflow.compat.v1"]
    modules = {name.replace(".", "__"): _empty(name) for name in unused}
    absl = _with("absl", flags=flags, app=_empty("absl.app"))
    return _file("pactran_metrics/compute_metrics.py", absl=absl, absl__flags=flags, **modules)


def _stable_transfer(file: str) -> ModuleType:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if importlib.util.find_spec("tensorflow") is None:
        raise AbsentError("stable_transfer needs tensorflow")
    experiment = _with("transfer_experiment", load_or_compute=lambda function: function)
    package = _with("transferability", transfer_experiment=experiment)
    names = {"stable_transfer": _empty("stable_transfer")}
    names["stable_transfer__transferability"] = package
    if file == "nleep":
        vars(package)["leep"] = _stable_transfer("leep")
    return _file(f"google-research/stable_transfer/transferability/{file}.py", **names)


def _source_classes(inputs: Inputs) -> Any:
    return inputs.probabilities.argmax(axis=1)


def _gbc(inputs: Inputs) -> float:
    reduced = PCA(64, svd_solver="full").fit_transform(inputs.features)
    return float(_stable_transfer("gbc").get_gbc_score(reduced, inputs.labels, "spherical"))


def _nleep(inputs: Inputs) -> float:
    reduced = PCA(0.8, svd_solver="full").fit_transform(inputs.features)
    labels, components = inputs.labels.astype(np.int32), 5 * inputs.shape.classes
    return float(_stable_transfer("nleep").get_nleep_score(reduced, labels, components))


def _cka(inputs: Inputs) -> float:
    y = np.eye(inputs.shape.classes)[inputs.labels]
    grams = (side @ side.T for side in (inputs.features, y))
    return float(_parc(inputs).DDS().cka(*grams, debiased=True))


def _etran(inputs: Inputs) -> float:
    module = _metrics_of("ETran")
    energy = float(module.Energy_Score(inputs.features, 0.5, "bot"))
    return energy + float(module.LDA_Score(inputs.features, inputs.labels))


def _ncti(inputs: Inputs) -> float:
    score = _metrics_of("NCTI").NCTI_Score
    parts = np.array([score(each.features, each.labels) for each in zoo(inputs)])
    low, high = parts.min(axis=0), parts.max(axis=0)
    return float(((parts - low) / (high - low) @ [1, 1, -1]).sum())


def _pac_gauss(inputs: Inputs) -> float:
    state = np.random.get_state()
    np.random.seed(0)
    found, _ = _pactran().calculate_pac_gauss(inputs.features, inputs.labels, 1.0)
    np.random.set_state(state)
    return -float(found[4][1])


def _more_images_than_dimensions(inputs: Inputs) -> bool:
    return inputs.shape.n > inputs.shape.d


_TIES = "round-off of one-hot correlations breaks ties between label distances"

PEERS: dict[str, list[Peer]] = {
    "cka": [
        Peer("dbolya/parc DDS.cka", "cka", _cka, 1e-6, "Kornblith's text, on (n, n)", 10000),
    ],
    "dds": [
        Peer(
            "dbolya/parc DDS",
            "dds",
            lambda i: _parc(i).DDS().get_similarity_from_rdms(i.features, i.reference) / 100,
            1e-6,
            most=10000,
        ),
    ],
    "etran": [
        Peer("mgholamikn/ETran", "etran:formula=authors", _etran, 1e-6),
    ],
    "gbc": [
        Peer("stable_transfer gbc", "gbc:formula=authors", _gbc, 1e-6),
    ],
    "hscore": [
        Peer(
            "tllib h_score",
            "hscore",
            lambda i: _tllib("hscore").h_score(i.features, i.labels),
            1e-5,
        ),
        Peer("dbolya/parc HScore", "hscore", lambda i: _parc_score("HScore", i), 1e-5),
    ],
    "hscore_shrinkage": [
        Peer(
            "tllib regularized_h_score",
            "hscore_shrinkage",
            lambda i: _tllib("hscore").regularized_h_score(i.features, i.labels),
            1e-6,
        ),
    ],
    "knn": [
        Peer("dbolya/parc kNN", "knn", lambda i: _parc_score("kNN", i, k=1), 1e-12),
    ],
    "leep": [
        Peer("thuml LEEP", "leep", lambda i: _thuml("LEEP").LEEP(i.probabilities, i.labels), 1e-9),
        Peer("dbolya/parc LEEP", "leep", lambda i: _parc_score("LEEP", i), 1e-9),
    ],
    "logme": [
        Peer(
            "thuml LogME",
            "logme:stopping=authors",
            lambda i: _thuml("LogME").LogME().fit(i.features, i.labels),
            1e-6,
            "leaves out eigenvalues that are 0 where there are fewer images than dimensions",
            equal=_more_images_than_dimensions,
        ),
        Peer(
            "tllib log_maximum_evidence",
            "logme",
            lambda i: _tllib("logme").log_maximum_evidence(i.features, i.labels),
            None,
            "stops early, at a change of 1e-2",
        ),
    ],
    "nce": [
        Peer(
            "tllib negative_conditional_entropy",
            "nce",
            lambda i: _tllib("nce").negative_conditional_entropy(_source_classes(i), i.labels),
            1e-9,
        ),
    ],
    "ncti": [
        Peer(
            "BUserName/NCTI NCTI_Score",
            "ncti",
            _ncti,
            1e-6,
            "scikit-learn chooses a randomised PCA unless there are many images",
            equal=lambda inputs: inputs.shape.n >= 10 * inputs.shape.d,
        ),
    ],
    "nleep": [
        Peer("stable_transfer nleep", "nleep", _nleep, None, "the mixture depends on its start"),
    ],
    "pactran": [
        Peer(
            "pactran_metrics calculate_pac_gauss",
            "pactran",
            _pac_gauss,
            1e-2,
            "starts at random, stops after 100 steps",
        ),
    ],
    "parc": [
        Peer("dbolya/parc PARC", "parc", lambda i: _parc_score("PARC", i), None, _TIES, 10000),
    ],
    "rsa": [
        Peer(
            "dbolya/parc RSA",
            "rsa",
            lambda i: _parc(i).RSA().get_rsa_correlation(i.features, i.reference),
            1e-6,
            most=10000,
        ),
    ],
    "sfda": [
        Peer(
            "TencentARC/SFDA SFDA_Score",
            "sfda",
            lambda i: _metrics_of("SFDA").SFDA_Score(i.features, i.labels),
            1e-6,
        ),
    ],
    "transrate": [
        Peer(
            "tllib transrate",
            "transrate:weights=uniform",
            lambda i: _tllib("transrate").transrate(i.features, i.labels),
            1e-6,
        ),
    ],
}
