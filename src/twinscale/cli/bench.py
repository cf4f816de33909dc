"""``twinscale bench``: how fast this machine is, next to a plain alternative."""

from collections.abc import Callable
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Group
from twinscale.cli.console import output

if TYPE_CHECKING:
    from twinscale.engine import Runtime


@click.group(cls=Group, examples=["twinscale bench engine fast-x2 --megapixels 12"])
def bench() -> None:
    """Measure speed on this machine, next to a plain alternative."""


def _rounds(default: int) -> Callable[[options.Function], options.Function]:
    return click.option(
        "--rounds",
        type=click.IntRange(min=1),
        default=default,
        help="How often each is measured; medians are shown.",
    )


def _megapixels(default: float, of: str) -> Callable[[options.Function], options.Function]:
    return click.option("--megapixels", type=click.FloatRange(min=0.001), default=default, help=f"Size of {of}.")


@bench.command()
@click.argument("recipe", default="fast-x2", shell_complete=complete.recipes)
@click.option("--seconds", type=click.FloatRange(min=0), default=5.0, help="How long each measurement trains.")
@_rounds(3)
@options.as_json
def train(recipe: str, seconds: float, rounds: int, as_json: bool) -> None:
    """Measure training, next to a plain torch loop.

    Steps per second of RECIPE with each precision and number of threads that this machine has, on random pictures. The
    fastest is what `twinscale train --queue` takes. The plain loop computes in float32.
    """
    from twinscale.benchmark.training import measure_training
    from twinscale.training.recipe import Recipe

    speed = measure_training(Recipe.load(recipe), seconds, rounds, lambda line: click.echo(line, err=True))
    if as_json:
        modes = [{**asdict(mode), "steps_per_second": taken} for mode, taken in speed.modes.items()]
        _print_json({"modes": modes, "fastest": asdict(speed.fastest), "plain": speed.plain, "ratio": speed.ratio})
        return
    for mode, taken in speed.modes.items():
        click.echo(f"{mode!s:24}{taken:8.1f} steps/s{' *' * (mode == speed.fastest)}")
    click.echo(f"{'plain torch':24}{speed.plain:8.1f} steps/s")
    click.echo(f"{'ratio':24}{speed.ratio:8.2f}")


@bench.command()
@_megapixels(12.0, "the picture")
@_rounds(7)
@options.as_json
def resize(megapixels: float, rounds: int, as_json: bool) -> None:
    """Measure bicubic reduction, next to Pillow's.

    Milliseconds to reduce an RGB picture to half its sides.
    """
    from twinscale.benchmark.resize import measure_resize

    speed = measure_resize(megapixels, rounds)
    if as_json:
        _print_json({"imresize_ms": speed.imresize, "pillow_ms": speed.pillow, "ratio": speed.ratio})
        return
    click.echo(f"imresize  {speed.imresize:.0f} ms")
    click.echo(f"Pillow    {speed.pillow:.0f} ms")
    click.echo(f"ratio     {speed.ratio:.2f}")


@bench.command()
@click.argument("methods", metavar="[METHOD]...", nargs=-1, shell_complete=complete.methods)
@click.option("--scale", "-s", type=int, default=2, help="How many times smaller.")
@_megapixels(1.0, "the full-size picture")
@_rounds(3)
@options.as_json
def downscaling(methods: tuple[str, ...], scale: int, megapixels: float, rounds: int, as_json: bool) -> None:
    """Measure classical downscaling, next to Pillow's.

    Milliseconds per megapixel of the full-size RGB picture. METHOD is one of those of `twinscale shrink`; by default
    all are measured.
    """
    from twinscale.benchmark.downscaling import measure_downscaling
    from twinscale.images.downscaling import METHODS

    speeds = measure_downscaling(methods or METHODS, scale, megapixels, rounds)
    if as_json:
        _print_json(speeds)
        return
    for name, milliseconds in speeds.items():
        click.echo(f"{name:14} {milliseconds:8.1f} ms")


@bench.command()
@_megapixels(1.0, "the one picture")
@_rounds(5)
@options.as_json
def resampling(megapixels: float, rounds: int, as_json: bool) -> None:
    """Measure content-adaptive resampling, next to a plain torch loop.

    Milliseconds of processor time to shrink 16 RGB patches of 192x192, and one picture, to a quarter of their sides
    with kernels of 13x13 taps, forward and with gradients for kernels and offsets; the same patches for the exported
    form, forward; and the memory for the one picture, with gradients.
    """
    from twinscale.benchmark.resampling import measure_resampling

    compared = measure_resampling(megapixels, rounds)
    if as_json:
        _print_json({**asdict(compared), "ratios": compared.ratios})
        return

    from rich.table import Table

    table = Table("", box=None)
    for column in ("patches ms", "with gradients", "picture ms", "with gradients", "peak MiB"):
        table.add_column(column, justify="right")
    for speed in compared.speeds:
        way, *numbers = astuple(speed)
        table.add_row(way, *("—" if number is None else f"{number:.0f}" for number in numbers))
    table.add_row("ratio", *(f"{ratio:.1f}" for ratio in compared.ratios.values()))
    console = output()
    console.print(table)
    console.print(
        f"largest difference {compared.difference:.0e}; {compared.device}, {compared.threads} threads", highlight=False
    )


@bench.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1, shell_complete=complete.models)
@_megapixels(1.0, "the full-size picture")
@_rounds(3)
@options.as_json
def engine(models: tuple[str, ...], megapixels: float, rounds: int, as_json: bool) -> None:
    """Measure models in the engine, next to Pillow's bicubic resizing.

    Milliseconds per megapixel of the full-size picture. MODEL is a name or a folder; by default all shipped ones are
    measured.
    """
    from twinscale.benchmark.engine import measure_engine
    from twinscale.zoo import model_names

    speeds = []
    for name in models or model_names():
        click.echo(f"measuring {name}", err=True)
        speeds.append(measure_engine(name, megapixels, rounds))
    if as_json:
        _print_json([asdict(speed) for speed in speeds])
        return

    from rich.table import Table

    table = Table("model", box=None)
    for column in ("scale", "shrink", "Pillow", "restore", "Pillow"):
        table.add_column(column, justify="right")
    for speed in speeds:
        times = (speed.shrink, speed.pillow_shrink, speed.restore, speed.pillow_enlarge)
        table.add_row(speed.model, str(speed.scale), *("—" if ms is None else f"{ms:.1f}" for ms in times))
    output().print(table)


@bench.command()
@options.model
@click.option("--pictures", type=click.IntRange(min=1), default=50, help="How many pictures.")
@_megapixels(2.0, "each picture")
@options.tile
@options.runtime
@options.as_json
def batch(
    model: str | None, pictures: int, megapixels: float, tile: int | None, runtime: "Runtime", as_json: bool
) -> None:
    """Measure a batch, next to the sum of its stages.

    Seconds to upscale a folder of photographs, and to decode, enlarge and encode them one after the other.
    """
    from twinscale.batch import Upscale
    from twinscale.benchmark.batch import measure_batch

    speed = measure_batch(pictures, megapixels, Upscale(model, tile=tile, runtime=runtime))
    if as_json:
        _print_json({**asdict(speed), "ratio": speed.ratio})
        return
    for name, seconds in asdict(speed).items():
        click.echo(f"{name:8} {seconds:.2f} s")
    click.echo(f"{'ratio':8} {speed.ratio:.2f}")


@bench.command()
@_rounds(15)
@options.as_json
def start(rounds: int, as_json: bool) -> None:
    """Measure the start, next to importing what it needs.

    Milliseconds of commands, next to importing NumPy, ONNX Runtime and Pillow.
    """
    from twinscale.benchmark.start import measure_start

    speed = measure_start(rounds)
    if as_json:
        _print_json(asdict(speed))
        return
    for name, milliseconds in asdict(speed).items():
        click.echo(f"{name:8} {milliseconds:4.0f} ms  {milliseconds / speed.imports:.2f}")


@bench.command()
@click.argument("model", default="fast-x2", shell_complete=complete.models)
@_megapixels(12.0, "the small picture")
@_rounds(3)
@options.runtime
@options.as_json
def picture(model: str, megapixels: float, rounds: int, runtime: "Runtime", as_json: bool) -> None:
    """Measure one picture, next to the bare runtimes.

    Seconds and memory to upscale it with MODEL, and with every installed runtime on the same network.
    """
    from twinscale.benchmark.picture import measure_picture

    compared = measure_picture(model, megapixels, rounds, runtime, lambda line: click.echo(line, err=True))
    if as_json:
        _print_json({**asdict(compared), "ratio": compared.ratio})
        return

    from rich.table import Table

    table = Table("", "tiles", box=None)
    for column in ("seconds", "CPU s", "peak MiB"):
        table.add_column(column, justify="right")
    for speed in compared.speeds:
        tiles = "auto" if speed.runner == "twinscale" else str(speed.tile or "none")
        peak = "—" if speed.peak_mebibytes is None else f"{speed.peak_mebibytes:.0f}"
        table.add_row(speed.runner, tiles, f"{speed.seconds:.2f}", f"{speed.processor_seconds:.2f}", peak)
    console = output()
    console.print(table)
    for line in compared.left_out:
        console.print(line, highlight=False)
    console.print(f"ratio to the fastest bare runtime: {compared.ratio:.2f}", highlight=False)


@bench.command()
@click.option("--format", "-f", default="JPEG", help="Format of the files.", show_default=True)
@click.option(
    "--megapixels",
    type=click.FloatRange(min=0.001),
    multiple=True,
    help="Size of the larger picture; give it again for each.",
    show_default="6, 12, 24, 48, 100, 200, 400",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Draw the peaks into this PNG file.")
@options.runtime
@options.as_json
def memory(format: str, megapixels: tuple[float, ...], output: Path | None, runtime: "Runtime", as_json: bool) -> None:
    """Measure what pictures of growing size hold in memory.

    Peaks in mebibytes from file to file, each in a process of its own: `upscale -m fast-x4`, whose result has the size
    that is shown, and `shrink -s 4`, whose input has.
    """
    from twinscale.benchmark.memory import MEGAPIXELS, measure_memory
    from twinscale.errors import UsageError, install

    if output is not None:
        try:
            import matplotlib  # noqa: F401 (imported now, not after minutes of measuring)
        except ModuleNotFoundError as error:
            raise UsageError(f"drawing needs {error.name}: {install('train')}") from None
    peaks = measure_memory(
        format,
        megapixels or MEGAPIXELS,
        runtime,
        lambda peak: click.echo(f"{peak.work:8}{peak.megapixels:6g} megapixels{peak.mebibytes:6.0f} MiB", err=as_json),
    )
    if as_json:
        _print_json([asdict(peak) for peak in peaks])
    if output is not None:
        from twinscale.drawings import Curves

        lines = {
            work: [(peak.megapixels, peak.mebibytes) for peak in peaks if peak.work == work]
            for work in dict.fromkeys(peak.work for peak in peaks)
        }
        panels = {f"{peaks[0].format} files": lines}
        Curves(panels, "megapixels of the larger picture", "largest resident memory, MiB").save(output)


def _print_json(value: object) -> None:
    import json

    click.echo(json.dumps(value, indent=2))
