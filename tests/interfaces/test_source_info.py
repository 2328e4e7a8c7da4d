from __future__ import annotations

import pytest
from pydantic import ValidationError

from distbench.testing.miniature import facts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a\nb"}, "one line of printable characters"),
        ({"name": "a\x1b[31m"}, "one line of printable characters"),
        ({"name": "a\u202eb"}, "one line of printable characters"),
        ({"name": " a"}, "one line of printable characters"),
        ({"name": ""}, "at least 1 character"),
        ({"name": "a" * 201}, "at most 200 characters"),
        ({"licence": "MIT\r"}, "one line of printable characters"),
        ({"trained_on": ("x\ty",)}, "one line of printable characters"),
        ({"num_classes": 2**40}, "less than or equal to 10000000"),
        ({"feature_dim": 10**20}, "less than or equal to 10000000"),
        ({"input_size": 2**40}, "less than or equal to 8192"),
        ({"mean": (float("nan"), 0.5, 0.5)}, "less than or equal to 1"),
    ],
)
def test_facts_that_cannot_be(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        facts(**change)
