"""Sources that can be trained, cannot, have no classes, or play the generalist; for --plugin."""

from __future__ import annotations

from typing import Any

from distbench import Source, SourceInfo, Zoo

SIDE = 16


class ToyTeacher(Source):
    def __init__(self, name: str, number: int, *, classes: int, trainable: bool, role: str) -> None:
        self.number, self.trainable = number, trainable
        self.info = SourceInfo(
            name=name,
            architecture="toy",
            num_classes=classes,
            feature_dim=8,
            input_size=SIDE,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            activation="softmax" if classes else "none",
            fingerprint=f"teacher-{number}",
            macs=1000 * (number + 1),
            trained_on=("toy-data",) if role == "generalist" else (),
            role=role,  # type: ignore[arg-type]
        )

    def verify(self) -> None:
        pass

    def _net(self) -> Any:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.number)
            head = torch.nn.Linear(8, self.info.num_classes) if self.info.num_classes else None
            layers = [
                torch.nn.Conv2d(3, 8, 5),
                torch.nn.ReLU(),
                torch.nn.AdaptiveAvgPool2d(1),
                torch.nn.Flatten(),
                torch.nn.Linear(8, 8),
                torch.nn.ReLU(),
            ]
            return torch.nn.Sequential(*layers, head or torch.nn.Identity())

    def open(self, device: Any) -> Any:
        import torch

        net = self._net().to(device).eval()

        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            with torch.no_grad():
                features = net[:-1](images)
                return features, net[-1](features) if self.info.num_classes else features[:, :0]

        return forward

    def module(self) -> Any:
        return self._net() if self.trainable else None


class TeacherZoo(Zoo):
    """One to train, one that cannot be, one without classes, and a generalist."""

    def sources(self) -> list[ToyTeacher]:
        return [
            ToyTeacher("fixed-0", 0, classes=5, trainable=False, role="source"),
            ToyTeacher("bare-1", 1, classes=0, trainable=True, role="source"),
            ToyTeacher("small-2", 2, classes=4, trainable=True, role="source"),
            ToyTeacher("general", 3, classes=6, trainable=True, role="generalist"),
        ]
