"""``twinscale restore``: bring shrunk pictures back."""

from typing import Annotated, Literal

import typer

from twinscale.cli import options


def restore(
    inputs: options.Inputs,
    output: options.Output = None,
    model: options.Model = None,
    fallback: Annotated[
        Literal["bicubic", "upscale"] | None,
        typer.Option(help="What to do with a picture that carries no tag, instead of refusing it.", show_default=False),
    ] = None,
    scale: Annotated[
        int | None, typer.Option("--scale", "-s", min=2, max=4, help="Factor of a picture without a tag; 2 by default.")
    ] = None,
    format: options.Format = None,
    quality: options.Quality = None,
    tile: options.Tile = None,
    threads: options.Threads = None,
    device: options.Device = "auto",
    backend: options.Backend = "auto",
    precision: options.Precision = "float32",
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    skip_existing: options.SkipExisting = False,
    fail_fast: options.FailFast = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Restore pictures that `shrink` made; each file's own tag says how.

    Example: twinscale restore photo_shrunk.png photo.png
    """
    from twinscale.cli.batch import Settings, run_batch
    from twinscale.engine import Runtime
    from twinscale.rescale.restore import restore
    from twinscale.zoo import load_card

    if model is not None:
        load_card(model)  # a mistyped name is one error, not one for each picture
    runtime = Runtime(threads, backend, device, precision)
    runtime.check()
    settings = Settings(
        suffix="_restored",
        output=output,
        format=format,
        quality=quality,
        recursive=recursive,
        overwrite=overwrite,
        skip_existing=skip_existing,
        fail_fast=fail_fast,
        as_json=as_json,
        quiet=quiet,
    )
    run_batch(
        inputs,
        settings,
        lambda picture, tiles: restore(
            picture, model=model, fallback=fallback, scale=scale, tile=tile, runtime=runtime, progress=tiles
        ),
    )
