"""Options that several commands share, as decorators."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from twinscale.cli import complete

Function = Callable[..., Any]

runs = click.argument(
    "runs",
    metavar="RUN...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    shell_complete=complete.runs,
)
model = click.option(
    "--model",
    "-m",
    help="Name of a model (twin-x3), of a family (twin: its model for the scale), or a folder.",
    shell_complete=complete.models,
)
ensemble = click.option(
    "--ensemble",
    is_flag=True,
    help="Average the results of eight rotations and reflections: a little better, in eight times the time.",
)
tile = click.option(
    "--tile",
    "-t",
    type=click.IntRange(min=0),
    help="Side of a tile in pixels, 0 for the whole picture.",
    show_default="as large as a gibibyte allows",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print a report as JSON.")
max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    help="Refuse larger pictures before they are decoded: a tiny file can claim billions of pixels.",
    show_default="268000000",
)


def runtime(function: Function) -> Function:
    """Add the options that say how networks are run; the command gets them as one ``runtime``."""

    @click.option("--threads", "-j", type=click.IntRange(min=1), help="Processors to use.", show_default="all of them")
    @click.option(
        "--device",
        "-d",
        default="auto",
        help="cpu, cuda, cuda:1, tensorrt, directml, coreml, gpu …, if installed.",
    )
    @click.option("--backend", default="auto", help="onnxruntime, openvino, or auto: the faster one.")
    @click.option(
        "--precision",
        default="float32",
        help="float32, or bfloat16: faster if the processor supports it, but less exact.",
    )
    @functools.wraps(function)
    def command(*, threads: int | None, device: str, backend: str, precision: str, **others: Any) -> Any:
        from twinscale.engine import Runtime

        chosen = Runtime(threads, backend, device, precision)
        chosen.check()  # before the first picture, so that a mistake costs no time
        return function(runtime=chosen, **others)

    return command
