"""Writing the log of a run: to its CSV file, for TensorBoard and on the screen."""

import csv
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from twinscale.training.history import COLUMNS, LOG, LogRow, read_rows
from twinscale.training.screen import open_screen

_FORMATS = ("d", ".6g", ".4g", ".6g", ".4f", ".3f", ".1f", ".1f")


class Log:
    """Writes the rows of a run.

    Args:
        folder: the run's folder; its log is continued.
        step: number of steps taken before; what a killed run logged beyond them is dropped.
        steps: how many steps the whole run takes, as far as is known.
        bicubic: PSNR in dB of bicubic enlargement on the validation pictures, to compare with.
        colour_bound: the recipe's, which helps to decide which weights are the best.
    """

    def __init__(self, folder: Path, step: int, steps: int, bicubic: float, colour_bound: float = 0.0) -> None:
        rows = [row for row in read_rows(folder) if row.step <= step] if step and (folder / LOG).exists() else []
        self._file = (folder / LOG).open("w", newline="", encoding="utf-8")
        self._csv = csv.writer(self._file)
        self._csv.writerow(COLUMNS)
        for row in rows:
            self._write(row)
        self._file.flush()  # otherwise a kill before the next row would lose the whole log
        self._board = SummaryWriter(str(folder), purge_step=step)
        self._screen = open_screen(steps, rows, bicubic, colour_bound)

    def advance(self, step: int, steps: int) -> None:
        """Show that a step was taken, of so many as far as is known."""
        self._screen.advance(step, steps)

    def write(self, row: LogRow) -> None:
        """Log a step; a step that was validated gets a line of its own on the screen."""
        self._write(row)
        self._file.flush()
        for name, value in asdict(row).items():
            if value is not None and name not in ("step", "seconds"):
                self._board.add_scalar(name, value, row.step)
        self._screen.show(row)

    def picture(self, step: int, pixels: NDArray[np.uint8]) -> None:
        """Show TensorBoard a preview, ``(H, W, 3)``."""
        self._board.add_image("preview", pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Close the files and leave the screen as it is."""
        self._screen.close()
        self._file.close()
        self._board.close()

    def _write(self, row: LogRow) -> None:
        values = asdict(row).values()
        self._csv.writerow("" if v is None else format(v, form) for v, form in zip(values, _FORMATS, strict=True))
