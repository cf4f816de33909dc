"""Bringing a shrunk picture back."""

import os
from typing import Literal

from twinscale.engine import Runtime
from twinscale.images.picture import Picture
from twinscale.rescale.model import Model, ProgressCallback, as_model, as_picture
from twinscale.rescale.shrink import choose_pair
from twinscale.rescale.shrunk import Shrunk
from twinscale.rescale.upscale import resized, upscale

Fallback = Literal["bicubic", "upscale"]


def restore(
    picture: Picture | str | os.PathLike[str],
    *,
    model: Model | str | os.PathLike[str] | None = None,
    fallback: Fallback | None = None,
    scale: int | None = None,
    tile: int | None = None,
    runtime: Runtime | None = None,
    progress: ProgressCallback | None = None,
) -> Picture:
    """Restore a picture that :func:`twinscale.shrink` made.

    Args:
        picture: a picture or a file.
        model: a loaded pair, the name of a pair or a family, or a folder; by default the one that the picture's
            tag names.
        fallback: what to do with a picture whose tag is missing: enlarge it bicubically or by
            super-resolution; by default it is refused.
        scale: factor of a picture whose tag is missing, for the fallback or a family of pairs; 2 by default.
        tile: side of a tile in pixels of the small picture; 0 works on the whole picture at once. By default as
            large as memory allows, see :func:`twinscale.engine.run`.
        runtime: what runs the network; a loaded ``model`` has one already.
        progress: called with the number of finished and of all tiles.

    Returns:
        A picture of the original size, of the small picture's depth, with alpha and metadata.

    Raises:
        UsageError: the picture has no tag and neither model nor fallback is given, or it was cropped or
            resized since it was shrunk, or the model is not a pair.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing, damaged, or has other weights than the one that shrank.
        OutOfMemoryError: memory runs out even with the smallest tile, or the network cannot be tiled.
    """
    picture = as_picture(picture)
    shrunk = Shrunk.find(picture)
    if model is not None:
        pair = choose_pair(None, as_model(model, shrunk.tag.scale if shrunk else scale, runtime))
        if shrunk is None:
            return pair.enlarge(picture, tile=tile, progress=progress)
        return shrunk.restore(pair, tile=tile, progress=progress)
    if shrunk is None:
        if fallback == "upscale":
            return upscale(picture, scale, tile=tile, runtime=runtime, progress=progress)
        if fallback == "bicubic":
            return resized(picture, (picture.height * (scale or 2), picture.width * (scale or 2)))
        shrunk = Shrunk.open(picture)  # raises the error: nothing says how it was shrunk
    return shrunk.restore(shrunk.pair(runtime), tile=tile, progress=progress)
