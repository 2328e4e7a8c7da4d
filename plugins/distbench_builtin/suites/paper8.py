"""The target tasks of the papers as suites."""

from __future__ import annotations

from pathlib import Path

from distbench import Suite, SuiteDefinition


class Paper8(Suite):
    """The eight target tasks of "Distilling from Similar Tasks" (Borup et al., ICCV 2023).

    20 % of the training labels, a MobileNetV3 at 224 pixels, sources of PARC's zoo. What is known
    of the paper's protocol and what is our choice: docs/paper8.md.
    """

    def definition(self) -> SuiteDefinition:
        """The suite as ``paper8.toml`` beside this module holds it."""
        return SuiteDefinition.from_toml(Path(__file__).with_name("paper8.toml"))


class TaskOriented(Suite):
    """Tasks of "Knowledge Transfer from Vision Foundation Models" (Vemulapalli et al., ICML 2024).

    EuroSAT, HAM10000 and Places365, each with its published label budgets and splits; ImageNet is
    `taskoriented_imagenet`, and the segmentation task (ADE20K) is left out. See docs/paper8.md.
    """

    def definition(self) -> SuiteDefinition:
        """The suite as ``taskoriented.toml`` beside this module holds it."""
        return SuiteDefinition.from_toml(Path(__file__).with_name("taskoriented.toml"))


class TaskOrientedImageNet(Suite):
    """The ImageNet tasks of the same paper, with a student that knows none of their labels.

    Its published label budgets and test images; the student starts from random weights, where that
    of `taskoriented` would start from all labels of ImageNet. See docs/paper8.md.
    """

    def definition(self) -> SuiteDefinition:
        """The suite as ``taskoriented_imagenet.toml`` beside this module holds it."""
        return SuiteDefinition.from_toml(Path(__file__).with_name("taskoriented_imagenet.toml"))
