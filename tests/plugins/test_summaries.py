"""What a list says of components is what their classes say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from distbench.interfaces.kinds import KINDS
from distbench.plugins.registry import registry
from distbench.plugins.summaries import summary_of

TOYS = Path(__file__).parents[1] / "toys.py"


@pytest.mark.parametrize("kind", list(KINDS))
def test_they_are_those_of_the_classes(kind: str) -> None:
    names = registry((TOYS,))
    for name in names.names(kind):
        assert summary_of(kind, name, names) == names.load(kind, name).summary(), name


def test_a_list_of_metrics_imports_none() -> None:
    code = (
        "import sys; from distbench.cli import app\n"
        "try: app(['list', 'metrics'])\n"
        "except SystemExit: print(sorted({'scipy', 'numpy', 'torch'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    assert "logme" in done.stdout
