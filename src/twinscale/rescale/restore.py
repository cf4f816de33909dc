"""Bringing a shrunk picture back."""

import typing
from typing import Literal

from twinscale.engine import Runtime
from twinscale.errors import UsageError
from twinscale.images.picture import Picture, PictureLike
from twinscale.rescale.model import ModelLike, ProgressCallback, as_model
from twinscale.rescale.shrink import choose_pair
from twinscale.rescale.shrunk import Shrunk, no_tag
from twinscale.rescale.target import Target
from twinscale.rescale.upscale import resized, upscale

Fallback = Literal["bicubic", "upscale", "keep"]


def restore(
    picture: PictureLike,
    *,
    model: ModelLike | None = None,
    fallback: Fallback | None = None,
    scale: int | None = None,
    tile: int | None = None,
    runtime: Runtime | None = None,
    progress: ProgressCallback | None = None,
) -> Picture:
    """Restore a picture that :func:`twinscale.shrink` or :func:`twinscale.pack` made.

    Args:
        picture: a path, bytes, an open file, a PIL image, an array, or a picture, see :meth:`Picture.of`.
        model: a loaded model, its card, the name of a model or a family, or a folder; by default the one that the
            picture's tag names, shipped or in a folder of ``TWINSCALE_MODELS``. If it has other weights than the one
            that shrank the picture, the result's notes say so.
        fallback: what to do with a picture whose tag is missing: enlarge it bicubically or by super-resolution, or
            keep it as it is, like those of which :func:`twinscale.pack` found that the format alone is best; by default
            it is refused.
        scale: factor of a picture whose tag is missing, for the fallback or a family of pairs; by default that of
            ``model``, or 2. A tag goes before it.
        tile: side of a tile in pixels of the small picture; 0 works on the whole picture at once. By default as
            large as memory allows, see :func:`twinscale.engine.run`.
        runtime: what runs the network; a loaded ``model`` has one already.
        progress: called with the number of finished and of all tiles.

    Returns:
        A picture of the original size, of the small picture's depth, with alpha and metadata.

    Raises:
        UsageError: the picture has no tag and neither model nor fallback is given, or it was cropped or
            resized since it was shrunk, or the model is not the one that restores it, is not a pair or has another
            scale than asked for, or this is no picture.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing, damaged, or has other weights than the one that shrank.
        OutOfMemoryError: memory runs out even with the smallest tile, or the network cannot be tiled.
    """
    if fallback is not None and fallback not in typing.get_args(Fallback):
        raise UsageError(f"fallback {fallback!r} must be one of {', '.join(typing.get_args(Fallback))}")
    picture = Picture.of(picture)
    shrunk = Shrunk.find(picture)
    if shrunk is not None:
        named = None if model is None else as_model(model, float(shrunk.tag.scale), runtime)
        return shrunk.restore(named or shrunk.restorer(runtime), tile=tile, progress=progress)
    if model is not None:
        return choose_pair(scale, model, runtime=runtime).enlarge(picture, tile=tile, progress=progress)
    if fallback == "upscale":
        return upscale(picture, scale, tile=tile, runtime=runtime, progress=progress)
    if fallback == "keep":
        return picture
    if fallback == "bicubic":
        return resized(picture, Target(2 if scale is None else scale).size(picture))
    raise no_tag()
