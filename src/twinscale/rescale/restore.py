"""Bring a shrunk picture back."""

import math
import os
from dataclasses import replace

from twinscale.engine.tiling import DEFAULT_TILE
from twinscale.errors import ModelError, UsageError
from twinscale.images.picture import Picture
from twinscale.rescale.model import Model, Progress, as_model, as_picture
from twinscale.rescale.tag import read_tag, remove_tag
from twinscale.zoo import model_names


def restore(
    picture: Picture | str | os.PathLike[str],
    *,
    model: Model | str | os.PathLike[str] | None = None,
    tile: int = DEFAULT_TILE,
    progress: Progress | None = None,
) -> Picture:
    """Restore a picture that :func:`twinscale.shrink` made.

    Args:
        picture: a picture or a file.
        model: a loaded pair, a name or a folder; by default the one that the picture's tag names.
        tile: side of a tile in pixels of the small picture; 0 works on the whole picture at once.
        progress: called with finished and all tiles.

    Returns:
        A picture of the original size, of the small picture's depth, with alpha and metadata.

    Raises:
        UsageError: the picture has no tag and no model is named, or it was resized since it was shrunk.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing, damaged, or has other weights than the one that shrank.
        OutOfMemoryError: memory runs out even with the smallest tile.
    """
    picture = as_picture(picture)
    tag = read_tag(picture.xmp)
    if model is None:
        if tag is None:
            raise UsageError(
                "the picture carries no tag that says how it was shrunk (it was not shrunk by twinscale, or another "
                "program dropped its XMP): name the model it was shrunk with, or enlarge it with upscale"
            )
        if tag.model not in model_names():  # a tag is foreign data: it may name models, never folders
            raise ModelError(
                f"the picture was shrunk by {tag.model!r}, which is not among the shipped models: name the folder of "
                "that model"
            )
        model = as_model(tag.model)
        if model.card.digest != tag.digest:
            raise ModelError(
                f"the picture was shrunk by other weights of {tag.model} than the installed ones: restore it with the "
                "version of twinscale that shrank it, or name the model to use these weights all the same"
            )
    model = as_model(model)
    if model.card.kind != "pair":
        raise UsageError(f"{model.card.name} is no pair: name the pair that shrank the picture, or use upscale")
    if tag is not None:
        expected = (math.ceil(tag.height / tag.scale), math.ceil(tag.width / tag.scale))
        if picture.size != expected or tag.scale != model.card.scale:
            raise UsageError(
                f"the picture is {picture.width}x{picture.height} but was shrunk to {expected[1]}x{expected[0]} at "
                f"x{tag.scale}: it was cropped or resized since; enlarge it with upscale instead"
            )
    restored = model.apply(model.up, picture, tile=tile, progress=progress)
    if tag is None:
        return restored
    rows, columns = slice(tag.height), slice(tag.width)
    alpha = None if restored.alpha is None else restored.alpha[rows, columns]
    return replace(restored, pixels=restored.pixels[rows, columns], alpha=alpha, xmp=remove_tag(picture.xmp))
