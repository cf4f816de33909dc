"""What the commands that work on pictures have in common: their inputs and outputs, and how they show a batch."""

import functools
import json
import math
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Command, in_words
from twinscale.cli.console import readable_size
from twinscale.cli.display import Display
from twinscale.errors import UsageError

if TYPE_CHECKING:
    from twinscale.batch import Job, Outcome, Work, Writing
    from twinscale.batch.writing import Existing
    from twinscale.rescale.model import ProgressCallback
    from twinscale.rescale.pack import Measured, Packed

_DEFAULT_CLUSTER = ""


class BatchCommand(Command):
    """A command that works on pictures. The value of ``--cluster`` is optional and follows ``=``, in GNU style."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(
            *args,
            epilog="INPUT is a picture, a folder, a pattern, or - for standard input. Of two names, the second is the "
            "output if it does not exist, if it is a folder for a file, or if the first became what is there; else "
            "both are inputs. -o always names the output. Results of earlier runs in a folder are not taken as inputs.",
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
    output_template: str | None
    format: str | None
    quality: int | None
    depth: Literal[8, 16] | None
    background: str | None
    strip: bool
    recursive: bool
    overwrite: bool
    skip_existing: bool
    dry_run: bool
    fail_fast: bool
    max_pixels: int | None
    cluster: str | None
    as_json: bool
    quiet: bool

    def run(self, work: "Work", *, general: str | None = None) -> None:
        """Do the work on every picture, and show what becomes of each.

        Args:
            work: what to do.
            general: a note that concerns no single picture, and is shown once.

        Raises:
            TwinscaleError: what went wrong with the only picture, or with all of them.
            click.exceptions.Exit: code 1 if some of several pictures failed.
        """
        from twinscale.batch import plan
        from twinscale.batch.plan import STANDARD_STREAM

        writing = self._writing()
        jobs = plan(
            self.inputs,
            work,
            output=self.output,
            template=self.output_template,
            format=self.format,
            recursive=self.recursive,
            overwrite=self.overwrite,
        )
        if self.as_json and any(job.target == STANDARD_STREAM for job in jobs):
            raise UsageError("standard output cannot take both the picture and the report: write to a file with -o")
        outcomes: list[Outcome] = []
        general_shown = False
        with (
            Display(len(jobs), bar=not self.quiet) as display,
            closing(self._outcomes(jobs, work, writing, display.tiles)) as arriving,
        ):
            for outcome in arriving:
                outcomes.append(outcome)
                if outcome.error and len(jobs) > 1:
                    display.remark(in_words(outcome.error))
                if not (self.as_json or self.quiet):
                    if (line := _line(outcome)) and (self.dry_run or outcome.job.target != STANDARD_STREAM):
                        display.result(line)
                        for measured in _measurements(outcome.packed) if outcome.packed else ():
                            display.result(f"  {measured}")
                    for note in outcome.notes:
                        if note != general:
                            display.remark(f"{outcome.job.source}: {note}")
                        elif not general_shown:
                            display.remark(f"twinscale: {note}")
                            general_shown = True
                display.finished()
        if self.as_json:
            click.echo(json.dumps([_report(outcome) for outcome in outcomes], indent=2, ensure_ascii=False))
        errors = [outcome.error for outcome in outcomes if outcome.error]
        if errors and len(jobs) == 1:
            raise errors[0]
        count = Counter(outcome.status for outcome in outcomes)
        if len(jobs) > 1 and set(count) != {"done"} and not self.quiet:
            click.echo("twinscale: " + ", ".join(f"{number} {status}" for status, number in count.items()), err=True)
        if errors:
            raise click.exceptions.Exit(1)

    def _writing(self) -> "Writing":
        from twinscale.batch import Writing

        if self.overwrite and self.skip_existing:
            raise UsageError("--overwrite and --skip-existing contradict each other: choose one")
        existing: Existing = "replace" if self.overwrite else "skip" if self.skip_existing else "refuse"
        return Writing(self.format, self.quality, existing, self.depth, self.background, self.strip)

    def _outcomes(
        self, jobs: "list[Job]", work: "Work", writing: "Writing", tiles: "ProgressCallback"
    ) -> "Generator[Outcome, None, None]":
        from twinscale.images.picture import MAX_PIXELS

        max_pixels = self.max_pixels or MAX_PIXELS
        if self.dry_run:
            from twinscale.batch import rehearse

            return rehearse(jobs, work, writing, max_pixels=max_pixels)
        if self.cluster is None:
            from twinscale.batch import run

            return run(jobs, work, writing, fail_fast=self.fail_fast, max_pixels=max_pixels, progress=tiles)
        from twinscale.batch.cluster import run_on_cluster

        return run_on_cluster(
            jobs, work, writing, address=self.cluster or None, fail_fast=self.fail_fast, max_pixels=max_pixels
        )


def batch_options(function: options.Function) -> options.Function:
    """Add the inputs, and the options that say what becomes of a batch; the command gets them as one ``batch``."""

    @click.argument("inputs", metavar="INPUT... [OUTPUT]", nargs=-1, required=True, shell_complete=complete.files)
    @click.option(
        "--output",
        "-o",
        help="Output file or folder, or - for standard output; NAME/ is a folder.",
        shell_complete=complete.files,
    )
    @click.option(
        "--output-template",
        "-O",
        metavar="NAME",
        help="Name of each output in its folder: {stem}, {ext}, {suffix}, {parent}, {model}, {scale}, as in "
        "{stem}-large.{ext}.",
    )
    @click.option("--format", "-f", help="Format of the output, instead of its extension's.")
    @click.option("--quality", "-q", type=click.IntRange(1, 100), help="Quality of lossy formats.")
    @click.option("--depth", type=click.Choice([8, 16]), help="Bits per sample.", show_default="those of the input")
    @click.option("--background", help="Put transparent pictures on this colour: white, #ffcc00 …")
    @click.option("--strip", is_flag=True, help="Leave out EXIF and XMP; a shrunk picture keeps its tag.")
    @click.option("--recursive", "-r", is_flag=True, help="Enter subfolders.")
    @click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
    @click.option(
        "--skip-existing",
        is_flag=True,
        help="Bring outputs up to date: skip those made of the same pictures in the same way, make outdated ones "
        "again, touch no other file. Resumes a batch.",
    )
    @click.option("--dry-run", is_flag=True, help="Show what would be read and written, and write nothing.")
    @click.option("--fail-fast", is_flag=True, help="Stop at the first file that fails.")
    @options.max_pixels
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


def _line(outcome: "Outcome") -> str | None:
    """Return what became of a picture, in words; None if it failed."""
    job = outcome.job
    if outcome.status == "skipped":
        return f"{job.source}: skipped, {job.target} is {outcome.reason}"
    if outcome.size is None or outcome.input_size is None:
        return None
    (input_height, input_width), (height, width) = outcome.input_size, outcome.size
    again = f", again: {outcome.reason}" if outcome.reason else ""
    if outcome.input_bytes is None or outcome.bytes is None:  # it is only planned
        return f"{job.source} ({input_width}x{input_height}) -> {job.target} ({width}x{height}){again}"
    before, after = readable_size(outcome.input_bytes), readable_size(outcome.bytes)
    return f"{job.source} -> {job.target} ({width}x{height}, {before} -> {after}, {outcome.seconds:.1f} s){again}"


def _measurements(packed: "Packed") -> Iterator[str]:
    """Return what was measured of a packed picture, and beside it other files of the same picture, a line each."""
    file, alone = packed.measured, packed.alone
    yield _measured_line(file)
    if alone is None:
        yield f"{file.format} alone cannot do that"
    elif file.model is not None:
        yield _measured_line(alone)
    for format, other in packed.compared.items():
        yield _measured_line(other) if other else f"{format} alone takes more bytes"


def _measured_line(measured: "Measured") -> str:
    alone = f"{measured.format} alone"
    size = "full size" if measured.scale == 1 else f"{1 / measured.scale} of the size"
    restored = f"{measured.format} at {size}, restored by {measured.model}"
    quality = "" if measured.quality is None else f", quality {measured.quality}"
    similar = "" if measured.ssim is None else f", SSIM {measured.ssim:.4f}"
    return (
        f"{restored if measured.model else alone}{quality}: {measured.bytes} bytes, {measured.bits_per_pixel:.3f} bpp, "
        f"{measured.psnr:.2f} dB{similar}"
    )


def _packed_report(packed: "Packed") -> dict[str, Any]:
    """Return what was measured for the report; a PSNR of infinity, which JSON does not know, as null."""

    def facts(measured: "Measured | None") -> dict[str, Any] | None:
        if measured is None:
            return None
        psnr = measured.psnr if math.isfinite(measured.psnr) else None
        return measured._asdict() | {"scale": float(measured.scale), "psnr": psnr}

    return {
        "packed": facts(packed.measured),
        "alone": facts(packed.alone),
        "compared": {format: facts(other) for format, other in packed.compared.items()},
    }


def _report(outcome: "Outcome") -> dict[str, Any]:
    """Return an outcome for the report; what it does not have is left out."""
    job = outcome.job
    report: dict[str, Any] = {"input": job.source, "output": job.target or None, "status": outcome.status}
    if outcome.error:
        report["error"] = str(outcome.error)
    if outcome.reason:
        report["reason"] = outcome.reason
    if outcome.input_size:
        report["input_height"], report["input_width"] = outcome.input_size
    if outcome.size:
        height, width = outcome.size
        report |= {"width": width, "height": height, "input_bytes": outcome.input_bytes, "bytes": outcome.bytes}
        report["notes"] = list(outcome.notes)
    if outcome.packed:
        report |= _packed_report(outcome.packed)
    return report | {"seconds": round(outcome.seconds, 3)}
