from __future__ import annotations

from pathlib import Path

import pytest

from distbench.storage.hashing import canonical_json, digest, seed_for


def test_canonical_json_is_one_text_for_one_value() -> None:
    assert canonical_json({"b": (1, 2), "a": float("inf")}) == '{"a":"inf","b":[1,2]}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="NaN"):
        canonical_json(float("nan"))
    with pytest.raises(TypeError, match="object"):
        canonical_json(object())


def test_seeds_depend_on_the_named_axes_alone() -> None:
    assert seed_for("mini", "mini-cub", 0, "split") == 370027813740031746
    assert seed_for("mini", "mini-cub", 0) != seed_for("mini", "mini-cub", 1)
    assert seed_for("a", "b") != seed_for("ab")
    assert 0 <= seed_for("x") < 2**63


@pytest.mark.parametrize("value", ["\ud800", ["a\udce9"], {"\ud800": 1}, Path("x\udce9")])
def test_what_cannot_be_written_has_no_canonical_form(value: object) -> None:
    with pytest.raises(ValueError, match="is no text in UTF-8, so it has no canonical form"):
        digest(value)
    assert digest("a\u00e9\U0001f426")
