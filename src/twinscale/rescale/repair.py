"""Repair: removing what JPEG did to a picture."""

from dataclasses import replace

from twinscale.codecs.quantisation import Quantisation
from twinscale.engine import Runtime
from twinscale.errors import UsageError
from twinscale.images.picture import Picture, PictureLike
from twinscale.rescale.model import Model, ModelLike, ProgressCallback, as_model
from twinscale.zoo import DEFAULT_REPAIRER

FINE = 98
"""The quality from which on there is nothing to repair: no network comes closer to the picture (``docs/jpeg.md``)."""


def repair(
    picture: PictureLike,
    *,
    model: ModelLike | None = None,
    saved_at: int | None = None,
    tile: int | None = None,
    runtime: Runtime | None = None,
    progress: ProgressCallback | None = None,
) -> Picture:
    """Remove blocks, ripples and colour noise from a picture that was saved as a JPEG.

    The network is told how coarsely the file is quantised, so that it does little to good JPEGs and much to bad ones. A
    picture of which that is not known, and one that lost next to nothing, stay as they are, and ``notes`` say so.

    Args:
        picture: a path, bytes, an open file, a PIL image, an array, or a picture, see :meth:`Picture.of`.
        model: a loaded model of scale 1, its card, name or folder; by default ``jpeg-x1``.
        saved_at: the quality of 1 to 100 at which it was saved as a JPEG with chroma at half resolution, if its file
            does not say so any more: it was converted since, or saved again at a higher quality.
        tile: side of a tile in pixels; 0 works on the whole picture at once. By default as large as memory allows, see
            :func:`twinscale.engine.run`.
        runtime: what runs the network; a loaded ``model`` has one already.
        progress: called with the number of finished and of all tiles.

    Returns:
        A picture of the same size and depth, with alpha and metadata.

    Raises:
        UsageError: the model enlarges, the quality is out of range, or this is no picture.
        PictureError: the file cannot be read as a picture.
        ModelError: the model is missing or damaged.
        OutOfMemoryError: memory runs out even with the smallest tile, or the network cannot be tiled.
    """
    repairer = choose_repairer(model, runtime)
    picture = Picture.of(picture)
    if saved_at is not None:
        picture = replace(picture, quantisation=Quantisation.standard(saved_at, grey=picture.is_grey))
    if repairer.card.conditions == "jpeg" and (why_not := _why_not(picture)):
        return replace(picture, notes=(*picture.notes, why_not))
    repaired = repairer.enlarge(replace(picture, alpha=None), tile=tile, progress=progress)
    return replace(repaired, alpha=picture.alpha)  # which JPEG does not have


def choose_repairer(model: ModelLike | None, runtime: Runtime | None = None) -> Model:
    """Return the model that is named, or the default one.

    Raises:
        UsageError: it enlarges.
        ModelError: the model is missing or damaged.
    """
    repairer = as_model(DEFAULT_REPAIRER if model is None else model, runtime=runtime)
    if repairer.card.scale != 1:
        raise UsageError(
            f"{repairer.card.name} enlarges {repairer.card.scale} times: repair takes a model of scale 1, such as "
            f"{DEFAULT_REPAIRER}"
        )
    return repairer


def _why_not(picture: Picture) -> str | None:
    """Return why a network that must be told of the file's quality has nothing to repair; None if it has."""
    found = picture.quantisation
    if found is None:
        return (
            "nothing to repair: the file does not tell how it was saved as a JPEG; if it was one before, say at what "
            "quality, as in --saved-at 75"
        )
    if found.quality >= FINE:
        return f"nothing to repair: a JPEG of quality {found.quality} lost next to nothing"
    return None
