"""From a folder of images to a student that runs without distbench.

    python examples/own_images.py my_images --zoo local:path=my_models

`my_images` holds one folder a class, and perhaps a folder `unlabelled`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import distbench


def main(arguments: Sequence[str] | None = None) -> None:
    """Ranks the sources, trains students by two methods and names the one to ship."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", help="a folder with one folder of images a class")
    parser.add_argument("--zoo", default="mini", help="e.g. local:path=my_models")
    parser.add_argument("--student", default="mini", help="e.g. timm:mobilenetv3_small_100")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=300)
    given = parser.parse_args(arguments)

    # Which of the models know something of these images? Nothing is trained for this.
    task = {"use": "folder", "path": given.images, "id": "own"}
    ranking = distbench.rank(task, given.zoo, metric="logme", image_size=given.image_size)
    for ranked in ranking.sources[:5]:
        print(f"{ranked.weight:.2f}  {ranked.source.name}")

    # A student by weighted sources and one by labels alone; the better one on validation is kept.
    result = distbench.run(
        task=[task],
        zoo=given.zoo,
        student=given.student,
        baseline="finetune",
        image_size=given.image_size,
        steps=given.steps,
    )
    for row in result.rows:
        if row.result is not None:
            print(f"{100 * row.result.accuracy:.1f} % of the test images  {row.method.id}")
    for warning in result.warnings:
        print("note:", warning)
    print("to ship:", result.students["own"])


if __name__ == "__main__":
    main()
