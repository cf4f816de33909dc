"""``twinscale upscale``: super-resolution."""

from typing import Annotated

import typer

from twinscale.cli import options


def upscale(
    inputs: options.Inputs,
    output: options.Output = None,
    scale: Annotated[
        float | None, typer.Option("--scale", "-s", help="Factor, above 1 and at most 4; 2 by default.")
    ] = None,
    model: options.Model = None,
    ensemble: options.Ensemble = False,
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
    """Enlarge pictures with a trained network.

    Example: twinscale upscale photo.jpg; twinscale upscale -m best -s 3 folder -o larger
    """
    from twinscale.cli.batch import Settings, run_batch
    from twinscale.engine import Runtime
    from twinscale.rescale.upscale import choose_model, upscale

    runtime = Runtime(threads, backend, device, precision)
    runtime.check()
    loaded = choose_model(scale, model, runtime=runtime)
    factor = loaded.card.scale if scale is None else scale
    settings = Settings(
        suffix=f"_x{factor:g}",
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
        lambda picture, tiles: upscale(picture, scale, model=loaded, ensemble=ensemble, tile=tile, progress=tiles),
    )
