"""A suite of the toys, used with --plugin beside them."""

from __future__ import annotations

from distbench import Suite, SuiteDefinition


class ToySuite(Suite):
    """Two toy tasks."""

    def definition(self) -> SuiteDefinition:
        return SuiteDefinition.model_validate(
            {
                "name": "toy_suite",
                "version": 1,
                "zoo": "toy_zoo",
                "student": "toy_student",
                "protocol": {
                    "image_size": 16,
                    "store_size": 16,
                    "steps": 4,
                    "batch": 8,
                    "labelled": "3-per-class",
                },
                "settings": {"finetune": {"lr": 0.02}},
                "tasks": [
                    {"id": "toy", "use": "toy_task"},
                    {"id": "toy-hue", "use": "toy_task", "hue": 0.5},
                ],
            }
        )
