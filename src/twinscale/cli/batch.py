"""One code path for one file or thousands: which output belongs to which input, and the loop over them."""

import glob
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from twinscale.codecs.registry import codec_named, codec_of_path, readable_extensions, writable_codecs
from twinscale.errors import OutOfMemoryError, OutputExistsError, TwinscaleError, UsageError
from twinscale.images.files import write_atomically
from twinscale.images.picture import Picture

STANDARD_STREAM = "-"
TileProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to work on; ``-`` stands for standard input or output."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options say about a batch."""

    suffix: str
    """Goes between the name and the extension of outputs that are not named."""
    carries_tag: bool = False
    """Whether the result lives by its XMP packet and its exact pixels, as a shrunk picture does."""
    output: str | None = None
    format: str | None = None
    quality: int | None = None
    recursive: bool = False
    overwrite: bool = False
    skip_existing: bool = False
    fail_fast: bool = False
    as_json: bool = False
    quiet: bool = False


def plan(inputs: list[str], settings: Settings) -> list[Job]:
    """Decide the output of every input.

    Raises:
        UsageError: a folder is empty, one output is asked for several inputs, or options contradict.
    """
    if settings.overwrite and settings.skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other: choose one")
    output = settings.output
    if output is None and len(inputs) == 2 and not (Path(inputs[1]).is_dir() or glob.has_magic(inputs[1])):
        if Path(inputs[1]).exists():
            raise UsageError(f"{inputs[1]} exists, so it could be a second input or the output: say which with -o")
        inputs, output = inputs[:1], inputs[1]
    found = [entry for given in inputs for entry in _expand(given, settings.recursive)]
    single = len(inputs) == 1 and found == [(inputs[0], None)]
    as_folder = output is not None and (output.endswith(("/", "\\")) or Path(output).is_dir())
    if output is None or as_folder or not single:
        if output == STANDARD_STREAM:
            raise UsageError("standard output takes one picture, not several: name a folder with -o")
        jobs: dict[str, Job] = {}
        for source, below in found:
            target = _default_target(source, below, output, settings)
            if target in jobs:  # photo.gif beside photo.png, both to become photo_x2.png
                target = _default_target(source, below, output, settings, whole_name=True)
            if target in jobs and target != STANDARD_STREAM:
                raise UsageError(f"{source} and {jobs[target].source} have the same output {target}: run them apart")
            jobs[target] = Job(source, target)
        return list(jobs.values())
    return [Job(inputs[0], output)]


def run_batch(inputs: list[str], settings: Settings, work: Callable[[Picture, TileProgress], Picture]) -> None:
    """Read, work on and write every picture; a bad file never stops the rest.

    Raises:
        TwinscaleError: what went wrong with the only input, or the options.
        typer.Exit: code 1 where some of several inputs failed.
    """
    jobs = plan(inputs, settings)
    if settings.as_json and any(job.target == STANDARD_STREAM for job in jobs):
        raise UsageError("standard output cannot take both the picture and the report: write to a file with -o")
    report: list[dict[str, Any]] = []
    failures: list[TwinscaleError] = []
    with _progress(len(jobs), settings) as (advance, tiles):
        for job in jobs:
            start = time.perf_counter()
            try:
                outcome = _run(job, settings, work, tiles)
            except (TwinscaleError, MemoryError) as caught:
                too_large = OutOfMemoryError(f"{job.source}: too large for the memory at hand: use a smaller picture")
                error = caught if isinstance(caught, TwinscaleError) else too_large
                failures.append(error)
                outcome = {"status": "failed", "error": str(error)}
                if len(jobs) > 1:
                    print(f"twinscale: {error}", file=sys.stderr)
            seconds = round(time.perf_counter() - start, 3)
            report.append({"input": job.source, "output": job.target, **outcome, "seconds": seconds})
            if outcome["status"] == "done" and not (settings.as_json or settings.quiet) and job.target != "-":
                typer.echo(f"{job.source} -> {job.target} ({outcome['width']}x{outcome['height']}, {seconds:.1f} s)")
                for note in outcome["notes"]:
                    print(f"{job.source}: {note}", file=sys.stderr)
            advance()
            if failures and settings.fail_fast:
                break
    if settings.as_json:
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    if failures and len(jobs) == 1:
        raise failures[0]
    if failures:
        if not settings.quiet:
            done = sum(entry["status"] == "done" for entry in report)
            print(f"twinscale: {done} done, {len(failures)} failed", file=sys.stderr)
        raise typer.Exit(1)


def _run(
    job: Job, settings: Settings, work: Callable[[Picture, TileProgress], Picture], tiles: TileProgress
) -> dict[str, Any]:
    to_stream = job.target == STANDARD_STREAM
    if not to_stream and Path(job.target).exists():
        if settings.skip_existing:
            return {"status": "skipped"}
        if not settings.overwrite:
            raise OutputExistsError(
                f"{job.source}: {job.target} exists already: use --overwrite, --skip-existing or another name"
            )
    format = settings.format
    if format is None and not to_stream:
        format = codec_of_path(job.target).name  # before the work, so that a mistake costs no time
    picture = Picture.read(sys.stdin.buffer.read() if job.source == STANDARD_STREAM else job.source)
    format = format or picture.format or "PNG"
    if settings.carries_tag and not codec_named(format).keeps_xmp:
        raise UsageError(f"{job.source}: {format} cannot hold the tag that restore needs: write PNG, TIFF or WebP")
    try:
        result = work(picture, tiles)
        data = result.encode(format, quality=settings.quality)
        if to_stream:
            sys.stdout.buffer.write(data)
        else:
            Path(job.target).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(job.target, data, overwrite=settings.overwrite)
    except TwinscaleError as error:
        if job.source in str(error):
            raise
        raise type(error)(f"{job.source}: {error}") from error
    return {
        "status": "done",
        "width": result.width,
        "height": result.height,
        "bytes": len(data),
        "notes": list(picture.notes),
    }


def _expand(given: str, recursive: bool) -> Iterator[tuple[str, str | None]]:
    """The files that an input stands for, each with its place below the folder it was found in."""
    path = Path(given)
    if given == STANDARD_STREAM or path.is_file():
        yield given, None
    elif path.is_dir():
        files = sorted(path.rglob("*") if recursive else path.iterdir())
        found = [f for f in files if f.suffix.lower() in readable_extensions() and f.is_file()]
        if not found:
            hint = "name one that does" if recursive else "add -r to enter the folders below it"
            raise UsageError(f"folder {given} holds no pictures: {hint}")
        for file in found:
            yield str(file), str(file.relative_to(path))
    elif glob.has_magic(given) and (matches := sorted(glob.glob(given, recursive=True))):  # noqa: PTH207 (patterns may be absolute)
        for match in matches:
            if Path(match).is_file():
                yield match, None
    else:
        yield given, None  # reading it gives the one clear error


def _default_target(
    source: str, below: str | None, output: str | None, settings: Settings, *, whole_name: bool = False
) -> str:
    """Where a picture goes whose output is not named; ``whole_name`` keeps the input's extension inside the name."""
    if source == STANDARD_STREAM:
        return STANDARD_STREAM
    path = Path(source)
    extension = path.suffix.lower()
    if settings.format:
        extension = codec_named(settings.format).extensions[0]
    elif extension not in _fit_extensions(settings.carries_tag):
        extension = ".png"
    name = f"{path.name if whole_name else path.stem}{settings.suffix}{extension}"
    if below is None:
        return str((Path(output) if output else path.parent) / name)
    folder = path.parent
    for _ in Path(below).parts[1:]:
        folder = folder.parent
    root = Path(output) if output else folder.resolve().with_name(folder.resolve().name + settings.suffix)
    return str(root / Path(below).parent / name)


def _fit_extensions(carries_tag: bool) -> set[str]:
    """The extensions that a result may have unless another is asked for.

    GIF has too few colours and BMP holds no metadata; lossy formats spoil a shrunk picture.
    """
    fit = (codec for codec in writable_codecs() if codec.max_colours is None and codec.keeps)
    fit = (codec for codec in fit if not carries_tag or (codec.is_lossless and codec.keeps_xmp))
    return {extension for codec in fit for extension in codec.extensions}


@contextmanager
def _progress(jobs: int, settings: Settings) -> Iterator[tuple[Callable[[], None], TileProgress]]:
    """A bar on standard error if a person is watching."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = settings.quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        files = bar.add_task("pictures", total=jobs, visible=jobs > 1)
        tiles = bar.add_task("tiles")
        yield (
            lambda: bar.advance(files),
            lambda done, total: bar.update(tiles, completed=done, total=total),
        )
