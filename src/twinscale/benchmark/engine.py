"""Models through the engine, next to Pillow's bicubic resizing."""

from dataclasses import dataclass

from PIL import Image

from twinscale.benchmark.timing import medians, random_pixels
from twinscale.engine import run
from twinscale.images.picture import Picture
from twinscale.rescale import Model, load

_LISTED_SIDE, _LISTED_ROUNDS = 120, 3  # pixels, and how often; larger pictures change little but take longer


@dataclass(frozen=True, slots=True)
class EngineSpeed:
    """One model on an RGB picture; median milliseconds per megapixel of the full-size picture."""

    model: str
    scale: int
    shrink: float | None
    """None for a model that only enlarges."""
    restore: float
    pillow_shrink: float
    """Pillow's bicubic reduction by the same scale."""
    pillow_enlarge: float
    """Pillow's bicubic enlargement by the same scale."""


@dataclass(frozen=True, slots=True)
class NetworkSpeed:
    """One model's networks on their own channels; median milliseconds per megapixel of the full-size picture."""

    down: float | None
    """None for a model that only enlarges."""
    up: float
    """Including the bicubic enlargement, if the network works on it."""


def measure_engine(name_or_folder: str, megapixels: float, rounds: int) -> EngineSpeed:
    """Run a model on a random square 8-bit RGB picture, next to Pillow's bicubic resizing.

    Args:
        name_or_folder: name of a model, or the folder it was exported to.
        megapixels: size of the full-size picture.
        rounds: how often everything runs.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    model = load(name_or_folder)
    scale = model.card.scale
    side = scale * max(1, round((megapixels * 1e6) ** 0.5 / scale))
    full = Picture(random_pixels(side, side))
    small = Picture(random_pixels(side // scale, side // scale))
    full_image, small_image = Image.fromarray(full.pixels), Image.fromarray(small.pixels)
    *shrink, restore, pillow_shrink, pillow_enlarge = medians(
        rounds,
        *([lambda: model.shrink(full)] if model.card.down else []),
        lambda: model.enlarge(small),
        lambda: full_image.resize(small_image.size, Image.Resampling.BICUBIC),
        lambda: small_image.resize(full_image.size, Image.Resampling.BICUBIC),
        per=side**2 / 1e6,
    )
    return EngineSpeed(
        model=model.card.name,
        scale=scale,
        shrink=shrink[0] if shrink else None,
        restore=restore,
        pillow_shrink=pillow_shrink,
        pillow_enlarge=pillow_enlarge,
    )


def measure_networks(model: Model) -> NetworkSpeed:
    """Run a model's networks on a small random square 8-bit picture of their own channels.

    Raises:
        ModelError: the model is damaged.
    """
    scale, channels = model.card.scale, 1 if model.card.colour == "y" else 3
    side = scale * max(1, round(_LISTED_SIDE / scale))
    full = random_pixels(side, side, channels)
    small = random_pixels(side // scale, side // scale, channels)
    *down, up = medians(
        _LISTED_ROUNDS,
        *([lambda: run(model.reduction, full)] if model.card.down else []),
        lambda: run(model.enlargement, small),
        per=side**2 / 1e6,
    )
    return NetworkSpeed(down[0] if down else None, up)
