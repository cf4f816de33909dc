"""Bring a shrunk picture back."""

import os
from dataclasses import replace
from typing import Literal

from twinscale.engine import Runtime
from twinscale.errors import ModelError, UsageError
from twinscale.images.picture import Picture
from twinscale.rescale.model import Model, ProgressCallback, as_model, as_picture
from twinscale.rescale.shrink import choose_pair
from twinscale.rescale.tag import Tag, read_tag, remove_tag
from twinscale.rescale.upscale import resized, upscale
from twinscale.zoo import model_names

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
        model: a loaded pair, or the name of a pair, a family or a folder; by default the one that the picture's
            tag names.
        fallback: what to do with a picture whose tag is missing: enlarge it bicubically or by
            super-resolution; by default it is refused.
        scale: factor of a picture whose tag is missing, for the fallback or a family of pairs; 2 by default.
        tile: side of a tile in pixels of the small picture; 0 works on the whole picture at once. By default as
            large as memory allows, see :func:`twinscale.engine.run`.
        runtime: what runs the network; a loaded ``model`` has one already.
        progress: called with finished and all tiles.

    Returns:
        A picture of the original size, of the small picture's depth, with alpha and metadata.

    Raises:
        UsageError: the picture has no tag and neither model nor fallback is given, or it was cropped or
            resized since it was shrunk, or the model is no pair.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing, damaged, or has other weights than the one that shrank.
        OutOfMemoryError: memory runs out even with the smallest tile, or the network cannot be tiled.
    """
    picture = as_picture(picture)
    tag = read_tag(picture.xmp)
    if model is None and tag is None:
        if fallback == "upscale":
            return upscale(picture, scale, tile=tile, runtime=runtime, progress=progress)
        if fallback == "bicubic":
            return resized(picture, (picture.height * (scale or 2), picture.width * (scale or 2)))
        raise UsageError(
            "the picture carries no tag that says how it was shrunk (it was not shrunk by twinscale, or another "
            "program dropped its XMP): name the model that shrank it, or choose the fallback upscale or bicubic"
        )
    if model is None:
        assert tag is not None
        pair = _tagged_pair(tag, runtime)
    else:
        pair = choose_pair(None, as_model(model, tag.scale if tag else scale, runtime=runtime))
    if tag is not None:
        expected = (-(-tag.height // tag.scale), -(-tag.width // tag.scale))  # whole numbers, however large
        if picture.size != expected or tag.scale != pair.card.scale:
            raise UsageError(
                f"the picture is {picture.width}x{picture.height} but was shrunk to {expected[1]}x{expected[0]} at "
                f"x{tag.scale}: it was cropped or resized since, so enlarge it with upscale instead"
            )
    restored = pair.enlarge(picture, tile=tile, progress=progress)
    if tag is None:
        return restored
    rows, columns = slice(tag.height), slice(tag.width)
    alpha = None if restored.alpha is None else restored.alpha[rows, columns]
    return replace(restored, pixels=restored.pixels[rows, columns], alpha=alpha, xmp=remove_tag(picture.xmp))


def _tagged_pair(tag: Tag, runtime: Runtime | None) -> Model:
    """The pair that a tag names."""
    if tag.model not in model_names():  # a tag is foreign data: it may name models, never folders
        raise ModelError(
            f"the picture was shrunk by {tag.model!r}, which is not among the shipped models: name its folder"
        )
    pair = as_model(tag.model, runtime=runtime)
    if pair.card.digest != tag.digest:
        raise ModelError(
            f"the picture was shrunk by other weights of {tag.model} than the installed ones: restore it with the "
            "version of twinscale that shrank it, or name the model to use these weights all the same"
        )
    return pair
