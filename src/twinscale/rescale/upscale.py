"""Super-resolution: enlarging a picture that nobody prepared."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from twinscale import spill
from twinscale.engine import Runtime
from twinscale.errors import UsageError
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture, PictureLike
from twinscale.images.resize import imresize
from twinscale.rescale.model import Model, ModelLike, ProgressCallback, as_model
from twinscale.rescale.target import Target
from twinscale.rescale.xmp import remove_tag
from twinscale.zoo import DEFAULT_FAMILIES, JPEG_FAMILY, Card, families, scales

FINE = 95
"""The quality from which on a JPEG is enlarged like a clean picture."""

REPAIRED = f"JPEGs are repaired on the way: -m {DEFAULT_FAMILIES['upscaler']} only enlarges them"
"""What the notes say of a result if the JPEG family was chosen for it."""


def upscale(
    picture: PictureLike,
    scale: float | None = None,
    *,
    width: int | None = None,
    height: int | None = None,
    fit: tuple[int, int] | None = None,
    model: ModelLike | None = None,
    ensemble: bool = False,
    tile: int | None = None,
    runtime: Runtime | None = None,
    progress: ProgressCallback | None = None,
) -> Picture:
    """Enlarge a picture with trained networks, by a factor or to a size.

    Sizes between those that the networks make are reached by the next larger one and a bicubic reduction, factors
    beyond those of the networks by several passes, see :func:`passes`. A JPEG is repaired on the way, unless ``model``
    is given: see :func:`default_family`.

    Args:
        picture: a path, bytes, an open file, a PIL image, an array, or a picture, see :meth:`Picture.of`.
        scale: above 1, at most 16; by default that of ``model``, or 2, unless a size is given.
        width: columns of the result; its height follows, unless it is given too.
        height: rows of the result; its width follows.
        fit: width and height of a box: the largest result that fits inside.
        model: a loaded model, its card, the name of a model or of a family (a model for every scale), or a folder; by
            default the family that suits the picture.
        ensemble: average the network's results on the picture's eight rotations and reflections: a little
            better, in eight times the time.
        tile: side of a tile in pixels of the picture; 0 works on the whole picture at once. By default as
            large as memory allows, see :func:`twinscale.engine.run`.
        runtime: what runs the network; a loaded ``model`` has one already.
        progress: called with the number of finished and of all tiles; of several passes, each counts by the pixels
            that it makes.

    Returns:
        A picture of ``round(scale * side)`` pixels, or of exactly the size that was asked for, of the same depth, with
        alpha and metadata.

    Raises:
        UsageError: the scale or the size is out of range, would distort the picture or contradict each other, the
            model only repairs, or this is no picture.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing or damaged.
        OutOfMemoryError: memory runs out even with the smallest tile, or the network cannot be tiled.
    """
    asked = DEFAULT_FAMILIES["upscaler"] if model is None else model
    target = Target(scale, width, height, fit).or_times(enlargements(asked)[0])
    picture = Picture.of(picture)
    size = target.size(picture)
    enlarged = replace(picture, xmp=remove_tag(picture.xmp))  # a shrunk picture that is enlarged is none any more
    if model is None and (asked := default_family(picture)) == JPEG_FAMILY:
        enlarged = replace(enlarged, notes=(*enlarged.notes, REPAIRED))
    chain = passes(target.factor(picture), enlargements(asked))
    for index, step in enumerate(chain):
        share = None if progress is None else _share(progress, chain, index)
        enlarged = as_model(asked, step, runtime).enlarge(enlarged, ensemble=ensemble, tile=tile, progress=share)
    return enlarged if (enlarged.height, enlarged.width) == size else resized(enlarged, size)


def default_families() -> list[str]:
    """List the families among which a picture chooses if no model is named; that for JPEGs may not be installed."""
    return [DEFAULT_FAMILIES["upscaler"], *([JPEG_FAMILY] if JPEG_FAMILY in families() else [])]


def default_family(picture: Picture) -> str:
    """Choose the family that enlarges a picture if no model is named: JPEGs are repaired on the way.

    Other networks sharpen blocks and ripples like detail, but do as well on the finest JPEGs (``docs/jpeg.md``).
    """
    usual, *for_jpegs = default_families()
    found = picture.quantisation
    return for_jpegs[0] if for_jpegs and found is not None and found.quality < FINE else usual


def enlargements(model: ModelLike) -> list[int]:
    """Return the scale of a model, or those of a family, rising.

    Raises:
        UsageError: it only repairs.
        ModelError: there is no such model, or its card is damaged.
    """
    card = model.card if isinstance(model, Model) else model
    found = [card.scale] if isinstance(card, Card) else scales(card)
    if found == [1]:
        name = card.name if isinstance(card, Card) else card
        raise UsageError(f"{name} repairs pictures and does not enlarge them: use repair, or another model")
    return found


def passes(factor: float | Fraction, scales: Sequence[int]) -> tuple[int, ...]:
    """Choose the scales of the networks that enlarge one after the other.

    The fewest that reach the factor; of these the ones that exceed it least. The smallest comes first: that is faster,
    since fewer pixels reach the second network, and mostly a little better (``docs/experiments/passes.py``).

    Args:
        factor: how many times longer sides shall become.
        scales: of the available networks.
    """
    for count in itertools.count(1):
        chains = itertools.combinations_with_replacement(sorted(scales), count)
        if enough := [chain for chain in chains if math.prod(chain) >= factor]:
            return min(enough, key=math.prod)
    raise AssertionError  # scales are above 1


def _share(progress: ProgressCallback, chain: Sequence[int], index: int) -> ProgressCallback:
    """Report the tiles of one pass as its share of all passes."""
    if len(chain) == 1:
        return progress
    pixels = [math.prod(chain[: count + 1]) ** 2 for count in range(len(chain))]  # made of every one of the picture's
    before, own = sum(pixels[:index]), pixels[index]
    return lambda done, total: progress(before * total + own * done, sum(pixels) * total)


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """Resize a picture bicubically to ``(H, W)``, with the colour premultiplied by alpha; metadata stay."""
    if picture.alpha is None:
        pixels = imresize(picture.pixels, size=size)
        return replace(picture, pixels=np.clip(pixels, 0, 1) if picture.depth == 32 else pixels, quantisation=None)

    def with_opacity(pixels: NDArray, alpha: NDArray) -> NDArray:
        opacity = to_planes(alpha)[:, :, None]
        return np.concatenate((to_planes(pixels) * opacity, opacity), axis=2)

    def separate(planes: NDArray) -> NDArray:
        premultiplied, opacity = planes[:, :, :-1], np.clip(planes[:, :, -1:], 0, 1)
        colours = np.divide(premultiplied, opacity, out=np.zeros_like(premultiplied), where=opacity > 0)
        return to_pixels(np.concatenate((colours, opacity), axis=2), picture.pixels.dtype)

    planes = imresize(spill.map_rows(with_opacity, picture.pixels, picture.alpha), size=size)
    samples = spill.map_rows(separate, planes)
    pixels, alpha = spill.contiguous(samples[:, :, :-1]), spill.contiguous(samples[:, :, -1])
    return replace(picture, pixels=pixels, alpha=alpha, quantisation=None)
