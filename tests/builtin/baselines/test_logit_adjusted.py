from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import distbench
from distbench import Declined
from distbench.plugins.registry import registry


def test_the_adjustment_by_hand(method_context: Any) -> None:
    labels = np.array([0, 1, 1, 1, 1])
    context = replace(method_context, labels=labels, labelled=np.arange(4))
    found = registry().make("baseline", "logit_adjusted:tau=0.5")
    adjust = found.inference(context, None).adjust  # type: ignore[attr-defined]
    assert np.allclose(adjust, [-0.5 * math.log(1 / 4), -0.5 * math.log(3 / 4)])


def test_it_declines_where_a_class_has_no_share(method_context: Any) -> None:
    method: Any = registry().make("baseline", "logit_adjusted")
    with pytest.raises(Declined, match="class 'a' has no labelled image"):
        method.inference(replace(method_context, labelled=np.array([1])), None)
    assert method.kinds == {"single"}, "several classes an image are declined in the plan"


@pytest.mark.slow
def test_it_is_in_the_bias_of_what_finetune_gives(toy_options: Any) -> None:
    """With the same number of labels a class all classes move alike: no answer changes."""
    from distbench.workflows.export.student import original

    options = {**toy_options, "task": "toy_task", "distiller": "none", "save_student": True}
    made = distbench.run(**options, baseline=("finetune", "logit_adjusted:tau=2"))
    plain, adjusted = (row.result for row in made.rows)
    assert plain and adjusted
    assert adjusted.predictions_digest == plain.predictions_digest
    assert adjusted.student_digest != plain.student_digest
    one, other = (
        original(made.plan, cell, distbench.home(), lambda _: None) for cell in made.plan.cells
    )
    assert np.allclose(other.logits() - one.logits(), -2 * math.log(1 / 3), atol=1e-5)
    assert made.rows[0].cost and made.rows[1].cost
    assert made.rows[0].cost.student_macs == made.rows[1].cost.student_macs
