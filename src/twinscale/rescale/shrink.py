"""Shrink a picture so that its partner network can restore it."""

import os
from dataclasses import replace

from twinscale.engine.tiling import DEFAULT_TILE
from twinscale.images.picture import Picture
from twinscale.rescale.model import Model, Progress, as_model, as_picture
from twinscale.rescale.tag import Tag, add_tag
from twinscale.zoo import default_model


def shrink(
    picture: Picture | str | os.PathLike[str],
    scale: int | None = None,
    *,
    model: Model | str | os.PathLike[str] | None = None,
    tile: int = DEFAULT_TILE,
    progress: Progress | None = None,
) -> Picture:
    """Shrink a picture with the first network of a pair.

    Sides that are no multiple of the scale are padded by repeating the last row or column; the tag
    remembers the original size, so :func:`twinscale.restore` gives it back to the pixel.

    Args:
        picture: a picture or a file.
        scale: 2, 3 or 4; by default that of ``model``, or 2.
        model: a loaded pair, a name or a folder; by default the shipped pair for the scale.
        tile: side of a tile in pixels of the result; 0 works on the whole picture at once.
        progress: called with finished and all tiles.

    Returns:
        An ordinary picture of ``ceil(side / scale)`` pixels, of the same depth, with alpha and metadata;
        its XMP packet carries the tag that names the partner.

    Raises:
        UsageError: no pair has this scale, or the model is no pair or of another scale.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing or damaged.
        OutOfMemoryError: memory runs out even with the smallest tile.
    """
    if model is None:
        model = default_model("pair", 2 if scale is None else scale)
    model = as_model(model)
    model.check_scale(scale)
    picture = as_picture(picture)
    small = model.apply(model.down, picture, tile=tile, progress=progress)
    card = model.card
    tag = Tag(model=card.name, digest=card.digest, scale=card.scale, width=picture.width, height=picture.height)
    return replace(small, xmp=add_tag(picture.xmp, tag))
