"""What a run shows while it trains: a live table in a terminal, plain lines elsewhere."""

import sys
import time
import typing
from collections.abc import Sequence
from typing import TYPE_CHECKING

from twinscale.training.history import LogRow, best_row

if TYPE_CHECKING:
    from rich.console import RenderableType

_QUIET_SECONDS = 60.0
_HEADERS = (
    "step",
    "training\nloss",
    "validation\nloss",
    "validation\nPSNR, dB",
    "learning\nrate",
    "pictures\n/s",
    "elapsed",
)


class Screen(typing.Protocol):
    """Shows the progress of a run on standard error."""

    def advance(self, step: int, steps: int) -> None:
        """Show that a step was taken, of so many as far as is known."""

    def show(self, row: LogRow) -> None:
        """Show what was logged."""

    def close(self) -> None:
        """End the display, because the run ended or was interrupted."""


def open_screen(steps: int, rows: Sequence[LogRow], bicubic: float, colour_bound: float) -> Screen:
    """Return the screen that suits standard error.

    Args:
        steps: how many steps the whole run takes, as far as is known.
        rows: what earlier sittings logged.
        bicubic: PSNR in dB of bicubic enlargement on the validation pictures.
        colour_bound: the recipe's.
    """
    screen = LiveTable if sys.stderr.isatty() else PlainLines
    return screen(steps, rows, bicubic, colour_bound)


class PlainLines:
    """One line per validation, or per minute without a validation."""

    def __init__(self, steps: int, rows: Sequence[LogRow], bicubic: float, colour_bound: float) -> None:
        self._steps, self._colour_bound = steps, colour_bound
        self._best = best_row(rows, colour_bound)
        self._shown = time.monotonic()
        print(f"bicubic {bicubic:.2f} dB", file=sys.stderr, flush=True)

    def advance(self, step: int, steps: int) -> None:
        """Only take note of the steps: logged ones are shown."""
        self._steps = steps

    def show(self, row: LogRow) -> None:
        """Print a line if the step was validated, or if a minute has passed without a line."""
        if row.validation_psnr_y is None and time.monotonic() - self._shown < _QUIET_SECONDS:
            return
        self._shown = time.monotonic()
        words = [f"step {row.step}/{self._steps}", f"loss {row.loss:.3g}"]
        if row.validation_psnr_y is not None:
            self._best = best_row([self._best, row] if self._best else [row], self._colour_bound)
            words += [f"validation {row.validation_loss:.3g}", f"{row.validation_psnr_y:.2f} dB"]
        if self._best:
            words.append(f"best {self._best.validation_psnr_y:.2f} dB")
        left = row.seconds / row.step * (self._steps - row.step)
        words += [f"{row.pictures_per_second:.0f} pictures/s", f"{_clock(left)} left"]
        print("  ".join(words), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Do nothing: all lines have been printed."""


class LiveTable:
    """A row for bicubic, one per validation, and below them a line that says how far the run has come."""

    def __init__(self, steps: int, rows: Sequence[LogRow], bicubic: float, colour_bound: float) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bicubic, self._colour_bound = bicubic, colour_bound
        self._rows = [row for row in rows if row.validation_psnr_y is not None]
        self._closed = False
        self._console = Console(stderr=True)
        done = TextColumn("step {task.completed}/{task.total}")
        self._bar = Progress(done, BarColumn(), TimeRemainingColumn(), TextColumn("left  {task.fields[speed]}"))
        self._task = self._bar.add_task("steps", total=steps, completed=rows[-1].step if rows else 0, speed="")
        self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=2)
        self._live.start()

    def advance(self, step: int, steps: int) -> None:
        """Move the bar; the table refreshes itself."""
        self._bar.update(self._task, completed=step, total=steps)

    def show(self, row: LogRow) -> None:
        """Add a row if the step was validated; in any case show what was logged below the table."""
        if row.validation_psnr_y is not None:
            self._rows.append(row)
        self._bar.update(self._task, speed=f"{row.pictures_per_second:.0f} pictures/s  loss {row.loss:.3g}")

    def close(self) -> None:
        """Leave the whole table in the terminal."""
        self._closed = True
        self._live.stop()

    def _render(self) -> "RenderableType":
        from rich.console import Group
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for header in _HEADERS:
            table.add_column(header, justify="right")
        table.add_row("bicubic", "", "", f"{self._bicubic:.2f}  ")
        best = best_row(self._rows, self._colour_bound)
        for row in self._visible(best):
            table.add_row(
                str(row.step),
                f"{row.loss:.3g}",
                "–" if row.validation_loss is None else f"{row.validation_loss:.3g}",
                f"{row.validation_psnr_y:.2f}" + (" *" if row is best else "  "),
                f"{row.learning_rate:.2g}",
                f"{row.pictures_per_second:.0f}",
                _clock(row.seconds),
                style="bold" if row is best else "",
            )
        return Group(table, self._bar)

    def _visible(self, best: LogRow | None) -> list[LogRow]:
        """Return all rows in the end; until then the latest that fit into the terminal, and the best one."""
        room = max(2, self._console.height - 5)  # the header, bicubic, the line below, and the cursor's
        if self._closed or len(self._rows) <= room:
            return self._rows
        latest = self._rows[-room:]
        return latest if best is None or best in latest else [best, *latest[1:]]


def _clock(seconds: float) -> str:
    """Format seconds as hours, minutes and seconds: ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
