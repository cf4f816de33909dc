"""What a batch shows while it runs: a line for each picture, and below them a bar if a person is watching."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.progress import Progress

_SPEED_OVER = 3600.0  # seconds; Rich would forget the speed of pictures that take longer than its half minute


class Display:
    """Prints lines whole, above the bar and never into it; a context manager.

    Args:
        pictures: how many there are.
        bar: whether to show a bar on standard error, if that is a terminal.
    """

    def __init__(self, pictures: int, *, bar: bool) -> None:
        self._pictures = pictures
        self._finished = 0
        self._bar = self._make_bar() if bar and sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def result(self, line: str) -> None:
        """Print a line on standard output."""
        if self._bar and sys.stdout and sys.stdout.isatty():
            self._print_above(self._bar, line)
        else:
            click.echo(line)

    def remark(self, line: str) -> None:
        """Print a line on standard error."""
        if self._bar:
            self._print_above(self._bar, line)
        else:
            click.echo(line, err=True)

    def tiles(self, done: int, total: int) -> None:
        """Move the bar by the tiles of the picture that is being worked on."""
        self._move(self._finished + done / total)

    def finished(self) -> None:
        """Move the bar to the next picture."""
        self._finished += 1
        self._move(self._finished)

    def _move(self, pictures: float) -> None:
        if self._bar:
            (task,) = self._bar.tasks
            # The network is one picture ahead while the last one is being written: the bar waits for it.
            self._bar.update(task.id, completed=max(task.completed, pictures), description=self._description())

    def _description(self) -> str:
        return "picture" if self._pictures == 1 else f"{self._finished}/{self._pictures} pictures"

    def _make_bar(self) -> "Progress":
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        bar = Progress(
            *columns,
            console=Console(stderr=True),
            transient=True,
            speed_estimate_period=_SPEED_OVER,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.add_task(self._description(), total=self._pictures)
        return bar

    @staticmethod
    def _print_above(bar: "Progress", line: str) -> None:
        bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
