"""Super-resolution: enlarging a picture that nobody prepared."""

import os
from dataclasses import replace

import numpy as np

from twinscale.engine import Runtime
from twinscale.errors import UsageError
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.rescale.model import Model, ProgressCallback, as_model, as_picture
from twinscale.zoo import DEFAULT_FAMILIES


def upscale(
    picture: Picture | str | os.PathLike[str],
    scale: float | None = None,
    *,
    model: Model | str | os.PathLike[str] | None = None,
    ensemble: bool = False,
    tile: int | None = None,
    runtime: Runtime | None = None,
    progress: ProgressCallback | None = None,
) -> Picture:
    """Enlarge a picture with a trained network.

    A scale between those of the networks is made by the next larger one and a bicubic reduction.

    Args:
        picture: a picture or a file.
        scale: above 1, at most 4; by default that of ``model``, or 2.
        model: a loaded model, the name of a model or of a family (a model for every scale), or a folder.
        ensemble: average the network's results on the picture's eight rotations and reflections: a little
            better, in eight times the time.
        tile: side of a tile in pixels of the picture; 0 works on the whole picture at once. By default as
            large as memory allows, see :func:`twinscale.engine.run`.
        runtime: what runs the network; a loaded ``model`` has one already.
        progress: called with the number of finished and of all tiles.

    Returns:
        A picture of ``round(scale * side)`` pixels, of the same depth, with alpha and metadata.

    Raises:
        UsageError: the scale is out of range, or larger than the model's.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing or damaged.
        OutOfMemoryError: memory runs out even with the smallest tile, or the network cannot be tiled.
    """
    model = choose_model(scale, model, runtime=runtime)
    wanted = model.card.scale if scale is None else scale
    picture = as_picture(picture)
    enlarged = model.enlarge(picture, ensemble=ensemble, tile=tile, progress=progress)
    height, width = (max(1, round(side * wanted)) for side in picture.size)
    return enlarged if (height, width) == enlarged.size else resized(enlarged, (height, width))


def choose_model(
    scale: float | None, model: Model | str | os.PathLike[str] | None, *, runtime: Runtime | None = None
) -> Model:
    """Choose the model for a scale: the one that is named, or that of the named or the default family.

    Raises:
        UsageError: the scale is out of range, or larger than the model's.
        ModelError: the model is missing or damaged.
    """
    model = as_model(DEFAULT_FAMILIES["upscaler"] if model is None else model, scale, runtime=runtime)
    if scale is not None and not 1 < scale <= model.card.scale:
        raise UsageError(
            f"scale {scale} must be above 1 and at most the {model.card.scale} of {model.card.name}: "
            "name another model or enlarge in several steps"
        )
    return model


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """Resize a picture bicubically to ``(H, W)``, with the colour premultiplied by alpha; metadata stay."""
    if picture.alpha is None:
        return replace(picture, pixels=imresize(picture.pixels, size=size))
    opaque = Picture(picture.alpha[:, :, None]).planes()
    alpha = np.clip(imresize(opaque, size=size), 0, 1)
    premultiplied = imresize(picture.planes() * opaque, size=size)
    planes = np.divide(premultiplied, alpha, out=np.zeros_like(premultiplied), where=alpha > 0)
    return picture.with_planes(planes, alpha[:, :, 0])
