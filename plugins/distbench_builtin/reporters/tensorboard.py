"""TensorBoard: accuracy, learning curves and settings of every cell."""

from __future__ import annotations

import contextlib
import shutil
import warnings
from pathlib import Path

from distbench import Row, primary

from ._cell_record import CellReporter, curve, make_folder, numbers, parameters, require, safe


class TensorBoard(CellReporter):
    """Event files for TensorBoard: learning curves by step, accuracies, costs and settings.

    A cell that is done has a folder TASK/METHOD/SEED-KEY of its own, which appears whole when the
    cell ends; a cell that has one already is left as it is, so a resumed run adds nothing twice.
    Cells that fail or decline have none. Needs the extra `tensorboard`.
    TensorFlow authors, https://www.tensorflow.org/tensorboard.
    """

    folder: Path = primary(Path("runs/tensorboard"), description="TensorBoard's --logdir")

    def check(self) -> None:  # noqa: D102
        require("tensorboard", "tensorboard")
        make_folder("tensorboard", self.folder)

    def record(self, row: Row) -> None:
        """Writes the events of a cell, unless they are there."""
        where = self.folder / safe(row.task.id) / safe(row.method.id)
        target = where / f"seed-{row.seed}-{row.key[:8]}"
        if row.result is None or target.exists():
            return
        # Beside the log folder: TensorBoard would take a draft in it for a cell.
        draft = self.folder.absolute().with_name(f".{self.folder.name}-{row.key[:16]}")
        try:
            self._write(row, draft)
            where.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(draft)

    @staticmethod
    def _write(row: Row, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from torch.utils.tensorboard import SummaryWriter

        steps = row.cost.steps if row.cost else 0
        with SummaryWriter(str(folder)) as writer:
            for step, values in curve(row):
                for name, value in values.items():
                    writer.add_scalar(name, value, step)
            measured = numbers(row)
            for name, value in measured.items():
                writer.add_scalar(name.replace("cost.", "cost/"), value, steps)
            shown = ("accuracy", "balanced_accuracy", "validation_accuracy", "cost.training_macs")
            writer.add_hparams(
                parameters(row),
                {f"hparam/{k}": v for k, v in measured.items() if k in shown},
                run_name=".",
            )
