"""Options that several commands share, as decorators."""

import functools
from collections.abc import Callable
from typing import Any

import click

Function = Callable[..., Any]

model = click.option(
    "--model", "-m", help="Name of a model (twin-x3), of a family (twin: its model for the scale), or folder."
)
ensemble = click.option(
    "--ensemble",
    is_flag=True,
    help="Take the mean of what becomes of eight rotations and reflections: a little better, eight times the time.",
)
tile = click.option(
    "--tile",
    "-t",
    type=click.IntRange(min=0),
    default=256,
    help="Side of a tile in pixels; more is faster and needs more memory.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print a report as JSON.")


def runtime(function: Function) -> Function:
    """Add the options that say how networks are run; the command gets them as one ``runtime``."""

    @click.option("--threads", "-j", type=click.IntRange(min=1), help="Processors to use.", show_default="all of them")
    @functools.wraps(function)
    def command(*, threads: int | None, **others: Any) -> Any:
        from twinscale.engine import Runtime

        return function(runtime=Runtime(threads), **others)

    return command
