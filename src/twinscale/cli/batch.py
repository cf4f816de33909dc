"""What the commands that work on pictures have in common: their inputs and outputs, and how they show a batch."""

import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from twinscale.cli import options
from twinscale.cli.command import Command
from twinscale.errors import UsageError

if TYPE_CHECKING:
    from twinscale.batch import Job, Outcome, Work, Writing
    from twinscale.batch.task import Existing
    from twinscale.rescale.model import ProgressCallback

_DEFAULT_CLUSTER = ""


class BatchCommand(Command):
    """A command that works on pictures. The value of ``--cluster`` is optional and follows ``=``, in GNU style."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(
            *args,
            epilog="INPUT is a picture, a folder, a pattern, or - for standard input. Of two names, the second is the "
            "output; if that file exists, name it with -o.",
            **kwargs,
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse ``--cluster PICTURE`` as the option without a value, and a picture."""
        return super().parse_args(ctx, [f"{arg}={_DEFAULT_CLUSTER}" if arg == "--cluster" else arg for arg in args])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What the options say about a batch."""

    inputs: tuple[str, ...]
    output: str | None
    format: str | None
    quality: int | None
    recursive: bool
    overwrite: bool
    skip_existing: bool
    fail_fast: bool
    cluster: str | None
    as_json: bool
    quiet: bool

    def run(self, work: "Work") -> None:
        """Do the work on every picture, and show what becomes of each.

        Raises:
            TwinscaleError: what went wrong with the only picture, or with all of them.
            click.exceptions.Exit: code 1 if some of several pictures failed.
        """
        from twinscale.batch import plan
        from twinscale.batch.plan import STANDARD_STREAM

        writing = self._writing()
        jobs = plan(self.inputs, work, output=self.output, format=self.format, recursive=self.recursive)
        if self.as_json and any(job.target == STANDARD_STREAM for job in jobs):
            raise UsageError("standard output cannot take both the picture and the report: write to a file with -o")
        outcomes: list[Outcome] = []
        with self._progress(len(jobs)) as (advance, tiles):
            for outcome in self._outcomes(jobs, work, writing, tiles):
                outcomes.append(outcome)
                if outcome.error and len(jobs) > 1:
                    click.echo(f"twinscale: {outcome.error}", err=True)
                if outcome.size and not (self.as_json or self.quiet) and outcome.job.target != STANDARD_STREAM:
                    _print(outcome)
                advance()
        if self.as_json:
            click.echo(json.dumps([_report(outcome) for outcome in outcomes], indent=2, ensure_ascii=False))
        errors = [outcome.error for outcome in outcomes if outcome.error]
        if errors and len(jobs) == 1:
            raise errors[0]
        if errors:
            if not self.quiet:
                done = sum(outcome.status == "done" for outcome in outcomes)
                click.echo(f"twinscale: {done} done, {len(errors)} failed", err=True)
            raise click.exceptions.Exit(1)

    def _writing(self) -> "Writing":
        from twinscale.batch import Writing

        if self.overwrite and self.skip_existing:
            raise UsageError("--overwrite and --skip-existing contradict each other: choose one")
        existing: Existing = "replace" if self.overwrite else "skip" if self.skip_existing else "refuse"
        return Writing(self.format, self.quality, existing)

    def _outcomes(
        self, jobs: "list[Job]", work: "Work", writing: "Writing", tiles: "ProgressCallback"
    ) -> "Iterator[Outcome]":
        if self.cluster is None:
            from twinscale.batch import run

            return run(jobs, work, writing, fail_fast=self.fail_fast, progress=tiles)
        from twinscale.batch.cluster import run_on_cluster

        return run_on_cluster(jobs, work, writing, address=self.cluster or None, fail_fast=self.fail_fast)

    @contextmanager
    def _progress(self, jobs: int) -> "Iterator[tuple[Callable[[], None], ProgressCallback]]":
        """Show a bar on standard error if a person is watching, and yield what advances it."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda: None, lambda done, total: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            files = bar.add_task("pictures", total=jobs, visible=jobs > 1)
            tiles = bar.add_task("tiles", visible=self.cluster is None)
            yield (
                lambda: bar.advance(files),
                lambda done, total: bar.update(tiles, completed=done, total=total),
            )


def batch_options(function: options.Function) -> options.Function:
    """Add the inputs, and the options that say what becomes of a batch; the command gets them as one ``batch``."""

    @click.argument("inputs", metavar="INPUT... [OUTPUT]", nargs=-1, required=True)
    @click.option("--output", "-o", help="Output file or folder, or - for standard output.")
    @click.option("--format", "-f", help="Format of the output, instead of its extension's.")
    @click.option("--quality", "-q", type=click.IntRange(1, 100), help="Quality of lossy formats.")
    @click.option("--recursive", "-r", is_flag=True, help="Enter subfolders.")
    @click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
    @click.option("--skip-existing", is_flag=True, help="Skip inputs whose output exists; resumes a batch.")
    @click.option("--fail-fast", is_flag=True, help="Stop at the first file that fails.")
    @click.option(
        "--cluster",
        metavar="[=ADDRESS]",
        help="Work on the Ray cluster at ADDRESS (host:port); by default on one that is started on this machine.",
    )
    @options.as_json
    @click.option("--quiet", is_flag=True, help="Print errors only.")
    @functools.wraps(function)
    def command(**given: Any) -> Any:
        batch = Batch(**{field.name: given.pop(field.name) for field in fields(Batch)})
        return function(batch=batch, **given)

    return command


def _print(outcome: "Outcome") -> None:
    assert outcome.size is not None
    job, (height, width) = outcome.job, outcome.size
    click.echo(f"{job.source} -> {job.target} ({width}x{height}, {outcome.seconds:.1f} s)")
    for note in outcome.notes:
        click.echo(f"{job.source}: {note}", err=True)


def _report(outcome: "Outcome") -> dict[str, Any]:
    """Return an outcome for the report; what it does not have is left out."""
    report: dict[str, Any] = {"input": outcome.job.source, "output": outcome.job.target, "status": outcome.status}
    if outcome.error:
        report["error"] = str(outcome.error)
    if outcome.size:
        height, width = outcome.size
        report |= {"width": width, "height": height, "bytes": outcome.bytes, "notes": list(outcome.notes)}
    return report | {"seconds": round(outcome.seconds, 3)}
