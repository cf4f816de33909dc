"""``twinscale shrink``: make pictures smaller so that they can be brought back."""

from typing import Annotated

import typer

from twinscale.cli import options


def shrink(
    inputs: options.Inputs,
    output: options.Output = None,
    scale: Annotated[
        int | None, typer.Option("--scale", "-s", help="2, 3 or 4: how many times smaller; 2 by default.")
    ] = None,
    model: options.Model = None,
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
    """Shrink pictures with the first network of a pair; `restore` brings them back.

    The result is an ordinary picture. JPEG and AVIF become PNG unless named otherwise, since a lossless file
    restores best.
    Example: twinscale shrink photo.jpg; twinscale restore photo_shrunk.png
    """
    from twinscale.cli.batch import Settings, run_batch
    from twinscale.engine import Runtime
    from twinscale.rescale.shrink import choose_pair, shrink

    runtime = Runtime(threads, backend, device, precision)
    runtime.check()
    loaded = choose_pair(scale, model, runtime=runtime)
    settings = Settings(
        suffix="_shrunk",
        carries_tag=True,
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
    run_batch(inputs, settings, lambda picture, tiles: shrink(picture, model=loaded, tile=tile, progress=tiles))
