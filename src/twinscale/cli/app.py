"""The command line's tree of commands."""

from dataclasses import dataclass
from typing import Annotated

import typer

from twinscale import __version__
from twinscale.cli import (
    bench,
    data,
    evaluate,
    export,
    info,
    models,
    plot,
    reproduce,
    restore,
    runs,
    shrink,
    train,
    upscale,
)

app = typer.Typer(
    help="Shrink pictures so that they can be brought back, and enlarge small ones, with trained networks.",
    epilog="Exit codes: 0 all done, 1 some files failed, 2 wrong usage, 3 cannot read the input, 4 model missing or "
    "damaged, 5 out of memory, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(upscale.upscale)
app.command()(shrink.shrink)
app.command()(restore.restore)
app.command()(evaluate.evaluate)
app.command()(info.info)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.command()(train.train)
app.command()(plot.plot)
app.add_typer(runs.app, name="runs")
app.command()(export.export)
app.command()(reproduce.reproduce)
app.add_typer(bench.app, name="bench")


@dataclass
class _State:
    verbose: bool = False


state = _State()


def _print_version(wanted: bool) -> None:
    if wanted:
        import onnxruntime

        typer.echo(f"twinscale {__version__} (ONNX Runtime {onnxruntime.__version__}, CPU)")
        raise typer.Exit


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    state.verbose = verbose
