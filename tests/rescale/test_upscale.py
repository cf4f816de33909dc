"""What every shipped upscaler keeps of a picture: flat colours, and what a reduction gives back."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw

from twinscale import load, upscale
from twinscale.engine import Runtime
from twinscale.images.metrics import psnr
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.zoo import load_card, model_names

UPSCALERS = [card.name for card in map(load_card, model_names()) if card.kind == "upscaler" and card.scale > 1]


def enlarged(name: str, pixels: np.ndarray) -> np.ndarray:
    return upscale(Picture(np.ascontiguousarray(pixels)), model=load(name, runtime=Runtime(1))).pixels


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", UPSCALERS)
def test_flat_grey_stays_itself_up_to_the_border(name: str, channels: int) -> None:
    for level in (0, 1, 64, 128, 200, 255):
        pixels = np.full((20, 24, channels), level, np.uint8)
        assert np.abs(enlarged(name, pixels).astype(int) - level).max() <= 1


@pytest.mark.parametrize("name", UPSCALERS)
def test_flat_colour_stays_itself_up_to_the_border(name: str) -> None:
    for colour in [(200, 60, 10), (30, 200, 90), (0, 120, 215), (255, 205, 60), (250, 250, 240), (20, 24, 40)]:
        pixels = np.full((20, 24, 3), colour, np.uint8)
        assert np.abs(enlarged(name, pixels).astype(int) - colour).max() <= 1
    for colour in np.ndindex(2, 2, 2):  # farther from photographs than anything a network has seen
        pixels = np.full((20, 24, 3), 255 * np.array(colour), np.uint8)
        assert np.abs(enlarged(name, pixels).astype(int) - pixels[0, 0]).max() <= 3


def user_interface() -> np.ndarray:
    """A window with a title bar, text, a button and lines one pixel wide."""
    image = Image.new("RGB", (132, 96), (240, 240, 240))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 131, 15), fill=(0, 90, 180))
    draw.text((4, 2), "Untitled document", fill="white")
    draw.text((6, 24), "The quick brown fox\njumps over the dog.", fill="black")
    draw.rectangle((70, 68, 124, 88), outline=(90, 90, 90), fill=(225, 225, 225))
    draw.text((88, 73), "OK", fill=(20, 20, 20))
    draw.line((6, 60, 125, 60), fill=(160, 160, 160))
    draw.line((6, 90, 60, 66), fill=(200, 30, 30))
    return np.asarray(image)


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """What a JPEG file makes of a picture, chrominance at half size."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(stream))


PHOTOGRAPH = skimage.data.astronaut()[:96, 170:290]
PICTURES = {
    "astronaut": PHOTOGRAPH,
    "chelsea": skimage.data.chelsea()[90:186, 130:250],
    "coffee": skimage.data.coffee()[150:246, 150:270],
    "camera": skimage.data.camera()[100:196, 180:300, None],
    "page": skimage.data.page()[:96, 20:140, None],
    "text": skimage.data.text()[30:126, 20:140, None],
    "JPEG 75": jpeg(PHOTOGRAPH, 75),
    "JPEG 50": jpeg(PHOTOGRAPH, 50),
}


def reduced_again(pixels: np.ndarray, large: np.ndarray) -> float:
    """PSNR of a picture against the bicubic reduction of its enlargement."""
    return psnr(pixels, imresize(large, size=pixels.shape[:2]))


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("name", UPSCALERS)
def test_reduced_again_it_is_what_it_was(name: str, picture: str) -> None:
    assert reduced_again(PICTURES[picture], enlarged(name, PICTURES[picture])) >= 40


@pytest.mark.parametrize("name", UPSCALERS)
def test_reduced_again_lines_are_closer_than_after_bicubic_enlargement(name: str) -> None:
    """Black lines one pixel wide would need levels below black to come back whole: 40 dB is out of reach."""
    pixels = user_interface()
    bicubic = imresize(pixels, load_card(name).scale)
    assert reduced_again(pixels, enlarged(name, pixels)) > reduced_again(pixels, bicubic) + 3


@pytest.mark.parametrize("background", [0, 1])
@pytest.mark.parametrize("name", UPSCALERS)
def test_cut_out_has_neither_rim_nor_fringe(name: str, background: int) -> None:
    scale = load_card(name).scale
    y, x = np.mgrid[:480, :480] / 4 - 60
    disc = (np.hypot(y, x) < 45).astype(np.float32).reshape(120, 4, 120, 4).mean(axis=(1, 3))[:, :, None]
    colour = skimage.data.chelsea()[80:200, 110:230] / np.float32(255)
    alpha, premultiplied = (np.clip(imresize(planes, 1 / scale), 0, 1) for planes in (disc, colour * disc))
    straight = np.divide(premultiplied, alpha, out=np.zeros_like(premultiplied), where=alpha > 0)
    small = Picture(np.zeros((*alpha.shape[:2], 3), np.uint8)).with_planes(straight, alpha[:, :, 0])

    large = upscale(small, model=load(name, runtime=Runtime(1)))
    opacity = large.alpha[:, :, None] / 255
    ours = large.planes() * opacity + background * (1 - opacity)
    bicubic = imresize(premultiplied + background * (1 - alpha), scale)
    truth = colour * disc + background * (1 - disc)
    edge = np.abs(np.hypot(*np.mgrid[:120, :120] - 59.5) - 45) < 2 * scale
    assert psnr(truth[edge] * 255, ours[edge] * 255) > psnr(truth[edge] * 255, bicubic[edge] * 255) + 2
