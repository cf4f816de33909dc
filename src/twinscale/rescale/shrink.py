"""Shrinking a picture so that the partner network can restore it, or by a classical method."""

from fractions import Fraction

from twinscale.engine import Runtime
from twinscale.errors import UsageError
from twinscale.images.picture import Picture, PictureLike
from twinscale.rescale.classical import DEFAULT_SCALE, shrink_classically
from twinscale.rescale.model import Model, ModelLike, ProgressCallback, as_model
from twinscale.rescale.shrunk import Shrunk
from twinscale.rescale.tag import Tag
from twinscale.zoo import DEFAULT_FAMILIES, GREY_FAMILY, families


def shrink(
    picture: PictureLike,
    scale: int | None = None,
    *,
    model: ModelLike | None = None,
    method: str | None = None,
    tile: int | None = None,
    runtime: Runtime | None = None,
    progress: ProgressCallback | None = None,
) -> Picture:
    """Shrink a picture with the first network of a pair, or by a classical method.

    Sides that are not a multiple of the scale are padded by repeating the last row or column; the tag
    remembers the original size, so :func:`twinscale.restore` gives it back to the pixel.

    Args:
        picture: a path, bytes, an open file, a PIL image, an array, or a picture, see :meth:`Picture.of`.
        scale: 2, 3 or 4, and 2 to 16 with ``method``; by default that of ``model``, or 2.
        model: a loaded pair, its card, the name of a pair or of a family (a pair for every scale), or a folder; by
            default a family for colour, or for a grey picture one for grey.
        method: instead of a pair, one of :data:`twinscale.images.downscaling.METHODS`, such as ``"bicubic"`` or
            ``"dpid"``. No network can restore its result, which carries no tag.
        tile: side of a tile in pixels of the result; 0 works on the whole picture at once. By default as
            large as memory allows, see :func:`twinscale.engine.run`.
        runtime: what runs the network; a loaded ``model`` has one already.
        progress: called with the number of finished and of all tiles.

    Returns:
        An ordinary picture of ``ceil(side / scale)`` pixels, of the same depth, with alpha and metadata;
        its XMP packet carries the tag that names the partner.

    Raises:
        UsageError: no pair has this scale, the model is not a pair or has another scale, there is no such method, both
            are given, or this is no picture.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing or damaged.
        OutOfMemoryError: memory runs out even with the smallest tile, or the network cannot be tiled.
    """
    if method is not None:
        if model is not None:
            raise UsageError(f"the method {method!r} needs no model: give one of them")
        scale = DEFAULT_SCALE if scale is None else scale
        return shrink_classically(Picture.of(picture), scale, method, tile=tile, progress=progress)
    picture = Picture.of(picture)
    model = choose_pair(scale, default_pair(picture) if model is None else model, runtime=runtime)
    small = model.shrink(picture, tile=tile, progress=progress)
    card = model.card
    tag = Tag(
        model=card.name, digest=card.digest, scale=Fraction(card.scale), width=picture.width, height=picture.height
    )
    return Shrunk(small, tag).tagged()


def default_pairs() -> list[str]:
    """List the families among which a picture chooses if no pair is named; that for grey may not be installed."""
    return [DEFAULT_FAMILIES["pair"], *([GREY_FAMILY] if GREY_FAMILY in families() else [])]


def default_pair(picture: Picture) -> str:
    """Choose the family that shrinks a picture if no pair is named.

    Pairs for colour keep detail in faint colours, which a grey file cannot hold (``docs/experiments/dsn.md``).
    """
    usual, *for_grey = default_pairs()
    return for_grey[0] if for_grey and picture.is_grey else usual


def choose_pair(scale: int | None, model: ModelLike, *, runtime: Runtime | None = None) -> Model:
    """Choose the pair for a scale: the one that is named, or that of the named family.

    Raises:
        UsageError: no pair has this scale, or the model is not a pair or has another scale.
        ModelError: the model is missing or damaged.
    """
    model = as_model(model, scale, runtime=runtime)
    if model.card.kind != "pair":
        raise UsageError(f"{model.card.name} only enlarges and cannot shrink: 'twinscale models list' shows the pairs")
    if scale is not None and scale != model.card.scale:
        raise UsageError(f"{model.card.name} shrinks {model.card.scale} times, not {scale}: leave one of them out")
    return model
