"""What a task gives as images: anything but uint8 (h, w, 3) for each position is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench import CorruptImageError, Part, Task, TaskIndex
from distbench.engine.stages.decode import decode_images, read_good
from distbench.engine.stages.prepare import prepare
from distbench.errors import PluginError


class Odd(Task):
    """Ten images, of which those of test are what it is handed."""

    gives: Any = None

    def index(self) -> TaskIndex:
        labels = np.zeros(10, dtype=np.int64)
        parts = {n: Part(labels, [f"{n}-{i}" for i in range(10)]) for n in ("train", "test")}
        return TaskIndex(("a",), parts, "x")

    def read(self, part: str, positions: Any) -> Any:
        sound = [np.zeros((4, 5, 3), np.uint8) for _ in positions]
        return sound if part == "train" else self.gives(sound)


def each(make: Any) -> Any:
    return lambda sound: [make(image) for image in sound]


WRONG = [
    (each(lambda image: image.astype(np.float32)), "image 0 of test is read as float32 (4, 5, 3)"),
    (each(lambda image: image.astype(np.uint16)), "image 0 of test is read as uint16 (4, 5, 3)"),
    (each(lambda image: image > 0), "image 0 of test is read as bool (4, 5, 3)"),
    (each(lambda image: image[..., 0]), "image 0 of test is read as uint8 (4, 5)"),
    (each(lambda image: image[..., :1]), "image 0 of test is read as uint8 (4, 5, 1)"),
    (each(lambda image: np.zeros((3, 4, 5), np.uint8)), "image 0 of test is read as uint8 (3, 4, "),
    (each(lambda image: image[:0]), "image 0 of test is read as uint8 (0, 5, 3)"),
    (each(lambda image: image.tolist()), "image 0 of test is read as list; give uint8 of shape"),
    (lambda sound: [], "reading gives 0 images of test for "),
    (lambda sound: [*sound, *sound], "reading gives "),
    (lambda sound: None, "reading images of test: TypeError: "),
    (lambda sound: {}[0], "reading images of test: KeyError: 0"),
]


@pytest.mark.parametrize(("gives", "message"), WRONG)
@pytest.mark.parametrize("skip", [False, True])
def test_what_is_no_image_is_refused_by_name(
    gives: Any, message: str, skip: bool, tmp_path: Path
) -> None:
    with pytest.raises(PluginError) as raised:
        prepare(Odd(gives=gives), 4, tmp_path, skip_corrupt=skip)
    assert str(raised.value).startswith(f"plugin 'odd': {message}")
    with pytest.raises(PluginError, match="plugin 'odd'"):
        list(decode_images(Odd(gives=gives), "test", range(3), 4, skip_corrupt=skip))


def test_an_image_read_alone_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Odd, "read", lambda self, part, positions: [np.zeros((4, 4, 3))])
    for size in (None, 8):
        with pytest.raises(PluginError, match=r"image 7 of train is read as float64 \(4, 4, 3\)"):
            read_good(Odd(), [7], True, size)


def test_a_generator_of_images_will_do_and_a_corrupt_one_keeps_its_name() -> None:
    (one,) = decode_images(Odd(gives=iter), "test", range(3), 4)
    assert one[1].shape == (3, 4, 4, 3)

    def corrupt(sound: Any) -> Any:
        raise CorruptImageError("test-1", "cut short")

    with pytest.raises(CorruptImageError, match="'test-1': cut short"):
        list(decode_images(Odd(gives=corrupt), "test", range(3), 4))
