"""``twinscale bench``: how fast this machine is, next to a plain alternative."""

from typing import Annotated

import typer

from twinscale.cli import options

app = typer.Typer(help="Measure speed on this machine, next to a plain alternative.", no_args_is_help=True)

_Rounds = Annotated[int, typer.Option(min=1, help="How often each is measured; medians are shown.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def train(
    seconds: Annotated[float, typer.Option(min=0, help="How long each measurement trains.")] = 5.0,
    rounds: _Rounds = 5,
    as_json: _Json = False,
) -> None:
    """Training steps per second of DSN x3, 16 crops of 69x69, next to plain torch in float32."""
    from twinscale.benchmark.training import measure_training

    speed = measure_training(seconds, rounds, lambda line: typer.echo(line, err=True))
    if as_json:
        _print_json({"tuned": speed.tuned, "plain": speed.plain, "ratio": speed.ratio})
        return
    typer.echo(f"twinscale    {speed.tuned:.1f} steps/s")
    typer.echo(f"plain torch  {speed.plain:.1f} steps/s")
    typer.echo(f"ratio        {speed.ratio:.2f}")


@app.command()
def resize(
    megapixels: Annotated[float, typer.Option(min=0.001, help="Size of the picture.")] = 12.0,
    rounds: _Rounds = 7,
    as_json: _Json = False,
) -> None:
    """Bicubic reduction of an RGB picture to half its sides, next to Pillow's."""
    from twinscale.benchmark.resize import measure_resize

    speed = measure_resize(megapixels, rounds)
    if as_json:
        _print_json({"imresize_ms": speed.imresize, "pillow_ms": speed.pillow, "ratio": speed.ratio})
        return
    typer.echo(f"imresize  {speed.imresize:.0f} ms")
    typer.echo(f"Pillow    {speed.pillow:.0f} ms")
    typer.echo(f"ratio     {speed.ratio:.2f}")


@app.command()
def engine(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="Names or folders; by default all shipped."),
    ] = None,
    megapixels: Annotated[float, typer.Option(min=0.001, help="Size of the full-size picture.")] = 1.0,
    rounds: _Rounds = 3,
    as_json: _Json = False,
) -> None:
    """Milliseconds per megapixel of the full-size picture, next to Pillow's bicubic resizing."""
    from twinscale.benchmark.engine import measure_engine
    from twinscale.zoo import model_names

    speeds = []
    for name in models or model_names():
        typer.echo(f"measuring {name}", err=True)
        speeds.append(measure_engine(name, megapixels, rounds))
    if as_json:
        from dataclasses import asdict

        _print_json([asdict(speed) for speed in speeds])
        return

    from rich.console import Console
    from rich.table import Table

    table = Table("model", box=None)
    for column in ("scale", "shrink", "Pillow", "restore", "Pillow"):
        table.add_column(column, justify="right")
    for speed in speeds:
        times = (speed.shrink, speed.pillow_shrink, speed.restore, speed.pillow_enlarge)
        table.add_row(speed.model, str(speed.scale), *("—" if ms is None else f"{ms:.1f}" for ms in times))
    Console().print(table)


@app.command()
def picture(
    model: Annotated[str, typer.Argument(help="Name or folder of an RGB upscaler.")] = "fast-x2",
    megapixels: Annotated[float, typer.Option(min=0.001, help="Size of the small picture.")] = 12.0,
    rounds: _Rounds = 3,
    threads: options.Threads = None,
    backend: options.Backend = "auto",
    as_json: _Json = False,
) -> None:
    """Seconds and memory for one picture, next to the bare runtimes on the same network."""
    from twinscale.benchmark.picture import measure_picture
    from twinscale.engine import Runtime

    runtime = Runtime(threads, backend)
    compared = measure_picture(model, megapixels, rounds, runtime, lambda line: typer.echo(line, err=True))
    if as_json:
        from dataclasses import asdict

        _print_json({**asdict(compared), "ratio": compared.ratio})
        return

    from rich.console import Console
    from rich.table import Table

    table = Table("", "tiles", box=None)
    for column in ("seconds", "CPU s", "peak MiB"):
        table.add_column(column, justify="right")
    for speed in compared.speeds:
        tiles = "auto" if speed.runner == "twinscale" else str(speed.tile or "none")
        peak = "—" if speed.peak_mebibytes is None else f"{speed.peak_mebibytes:.0f}"
        table.add_row(speed.runner, tiles, f"{speed.seconds:.2f}", f"{speed.processor_seconds:.2f}", peak)
    console = Console()
    console.print(table)
    for line in compared.left_out:
        console.print(line, highlight=False)
    console.print(f"ratio to the fastest bare runtime: {compared.ratio:.2f}", highlight=False)


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, indent=2))
