"""Pictures that photographs do not teach: text, line art, flats and gradients, in all colours on all grounds."""

from collections.abc import Callable
from string import ascii_letters, digits, punctuation

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SIDE = 256
"""Height and width of a picture."""

_OVERSAMPLING = 4  # lines are drawn so much larger, and then averaged: Pillow draws them without grey steps
_CHARACTERS = list(ascii_letters + digits + punctuation + " " * 20)

_Colour = tuple[int, int, int]


def draw(count: int, seed: int) -> list[NDArray[np.uint8]]:
    """Draw pictures of every kind in turn.

    Args:
        count: how many.
        seed: decides what is on them.

    Returns:
        ``(SIDE, SIDE, 3)`` each.
    """
    kinds = (_text, _flats, _lines, _gradient)
    return [_picture(kinds[number % len(kinds)], np.random.default_rng((seed, number))) for number in range(count)]


def _picture(kind: Callable[[np.random.Generator], Image.Image], rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.asarray(kind(rng).convert("RGB"))


def _text(rng: np.random.Generator) -> Image.Image:
    """Draw lines of text, each of its own size, and every few of them on a ground of its own."""
    image = Image.new("RGB", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)
    top = 0
    ground, ink = _contrasting(rng)
    while top < SIDE:
        size = int(rng.integers(8, 40))
        if rng.random() < 0.3:
            ground, ink = _contrasting(rng)
        draw.rectangle((0, top, SIDE, SIDE), fill=ground)
        text = "".join(rng.choice(_CHARACTERS, 3 * SIDE // size))
        draw.text((int(rng.integers(-10, 10)), top), text, fill=ink, font=ImageFont.load_default(size))
        top += size + int(rng.integers(2, 12))
    return image


def _flats(rng: np.random.Generator) -> Image.Image:
    """Draw areas of one colour over each other, with sharp borders, as charts and menus have them."""
    image = Image.new("RGB", (SIDE, SIDE), _colour(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 25))):
        shape = draw.ellipse if rng.random() < 0.2 else draw.rectangle
        shape(_box(rng, SIDE), fill=_colour(rng), outline=_colour(rng) if rng.random() < 0.3 else None)
    return image


def _lines(rng: np.random.Generator) -> Image.Image:
    """Draw thin smooth lines and outlines."""
    side = SIDE * _OVERSAMPLING
    ground, ink = _contrasting(rng)
    image = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(10, 50))):
        width, box = int(rng.integers(_OVERSAMPLING, 4 * _OVERSAMPLING)), _box(rng, side)
        if rng.random() < 0.3:
            draw.ellipse(box, outline=ink, width=width)
        else:
            draw.line(rng.integers(0, side, 4).tolist(), fill=ink, width=width)
        if rng.random() < 0.1:
            ink = _colour(rng)
    return image.reduce(_OVERSAMPLING)


def _gradient(rng: np.random.Generator) -> Image.Image:
    """Draw a smooth passage from one colour to another, at any angle."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
    along = x * np.cos(angle) + y * np.sin(angle)
    share = ((along - along.min()) / np.ptp(along))[:, :, None]
    first, second = (np.array(_colour(rng), dtype=np.float64) for _ in range(2))
    return Image.fromarray(np.round(first + share * (second - first)).astype(np.uint8))


def _box(rng: np.random.Generator, side: int) -> tuple[int, int, int, int]:
    left, right = sorted(rng.integers(0, side, 2).tolist())
    top, bottom = sorted(rng.integers(0, side, 2).tolist())
    return left, top, right, bottom


def _contrasting(rng: np.random.Generator) -> tuple[_Colour, _Colour]:
    """Return a ground and an ink: half the time black and white, either way round."""
    if rng.random() < 0.5:
        ground = 255 * int(rng.integers(2))
        return (ground,) * 3, (255 - ground,) * 3
    return _colour(rng), _colour(rng)


def _colour(rng: np.random.Generator) -> _Colour:
    """Return any colour; each fourth is one that is as vivid as can be, black or white."""
    red, green, blue = (rng.integers(2, size=3) * 255 if rng.random() < 0.25 else rng.integers(256, size=3)).tolist()
    return red, green, blue
