"""What each option does to a file, as other libraries read it; and options that a format does not have."""

import io
from contextlib import suppress
from typing import get_args

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.awkward import pattern
from twinscale.codecs.codec import NO_OPTIONS, Codec, Options, Subsampling
from twinscale.codecs.encoding import check, encode
from twinscale.codecs.rate import coded
from twinscale.codecs.registry import codec_named, writable_codecs
from twinscale.errors import PictureError, UsageError
from twinscale.images.picture import Picture

ALL = {
    "subsampling": Options(subsampling="4:2:2"),
    "progressive": Options(progressive=True),
    "optimised": Options(optimised=False),
    "ratio": Options(ratio=8),
}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def photo(height: int = 96, width: int = 120) -> np.ndarray:
    """Something between a smooth pattern and noise."""
    return np.clip(pattern(height, width) + noise(height, width, 3) / 8.0 - 16, 0, 255).astype(np.uint8)


def file_of(pixels: np.ndarray, format: str, quality: int | None = None, options: Options = NO_OPTIONS) -> bytes:
    return encode(codec_named(format), pixels, quality=quality, options=options).data


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("subsampling", get_args(Subsampling))
@pytest.mark.parametrize("quality", [30, 95])
def test_jpegs_as_pillow_writes_them(quality: int, subsampling: Subsampling) -> None:
    """Byte for byte, though another library encodes all but the progressive ones."""
    pixels = photo()
    for options, theirs in (
        (Options(subsampling, optimised=False), {}),
        (Options(subsampling), {"optimize": True}),
        (Options(subsampling, optimised=True), {"optimize": True}),
        (Options(subsampling, progressive=True), {"progressive": True}),
    ):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling, **theirs)
        assert file_of(pixels, "JPEG", quality, options) == file.getvalue()


@pytest.mark.parametrize("quality", [10, 60, 95])
def test_own_codes_change_only_the_size(quality: int) -> None:
    standard, own, progressive = (
        coded(photo(), "JPEG", quality, options)
        for options in (Options(optimised=False), NO_OPTIONS, Options(progressive=True))
    )
    np.testing.assert_array_equal(own.pixels, standard.pixels)
    np.testing.assert_array_equal(progressive.pixels, standard.pixels)
    assert len(own.data) < len(standard.data)
    assert [opened(each.data).info.get("progressive") for each in (standard, own, progressive)] == [None, None, 1]


def test_grey_jpegs_have_no_colour_to_sample() -> None:
    grey = photo()[..., :1]
    sizes = {len(file_of(grey, "JPEG", 80, Options(subsampling))) for subsampling in (None, *get_args(Subsampling))}
    assert len(sizes) == 1


def test_jpegs_of_noise() -> None:
    """Pillow has no room for codes of their own, and libjpeg would talk about it; a progressive one is refused."""
    result = coded(noise(600, 600, 3), "JPEG", 90, Options("4:4:4"))
    assert np.abs(result.pixels.astype(int) - noise(600, 600, 3)).mean() < 8
    with pytest.raises(PictureError, match=r"too noisy for a progressive JPEG of this quality; write a plain one$"):
        file_of(noise(600, 600, 3), "JPEG", 90, Options("4:4:4", progressive=True))


def test_noise_that_just_fits_is_progressive(capfd: pytest.CaptureFixture[str]) -> None:
    """As much as is let through does fit."""
    for amplitude in range(40, 256, 24):
        for quality in (70, 94, 95):
            with suppress(PictureError):
                file_of((noise(300, 300, 3) % amplitude).astype(np.uint8), "JPEG", quality, Options("4:4:4", True))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("subsampling", get_args(Subsampling))
def test_avif_keeps_as_much_colour_as_asked(subsampling: Subsampling) -> None:
    stripes = np.zeros((32, 64, 3), np.uint8)
    stripes[:, ::2] = 255, 0, 0
    stripes[:, 1::2] = 0, 0, 255
    back = coded(stripes, "AVIF", 95, Options(subsampling)).pixels
    assert (np.abs(back.astype(int) - stripes).mean() < 10) == (subsampling == "4:4:4")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("ratio", [4, 13, 40])
def test_jpeg2000_by_ratio(ratio: float, channels: int) -> None:
    """Headers count."""
    pixels = np.dstack([photo(300, 400), photo(300, 400)[::-1, :, :1]])[..., 4 - channels :]
    has_alpha = channels in (2, 4)
    picture = Picture(pixels[..., :-1], pixels[..., -1]) if has_alpha else Picture(pixels)
    data = encode(codec_named("jp2"), picture.pixels, picture.alpha, options=Options(ratio=ratio)).data
    assert 0.95 < pixels.nbytes / ratio / len(data) < 1.05
    np.testing.assert_allclose(np.asarray(opened(data)).astype(int), imagecodecs.jpeg2k_decode(data), atol=1)
    back = Picture.read(data)
    assert np.abs(back.pixels.astype(int) - picture.pixels).mean() < {4: 6, 13: 14, 40: 20}[ratio]
    assert (back.alpha is not None) == has_alpha


def test_jpeg2000_of_a_ratio_is_as_good_as_pillows() -> None:
    file = io.BytesIO()
    Image.fromarray(photo()).save(file, "JPEG2000", quality_layers=[13], irreversible=True, mct=1)
    ours = coded(photo(), "JPEG2000", options=Options(ratio=13))
    assert len(ours.data) == len(file.getvalue())
    np.testing.assert_array_equal(ours.pixels, np.asarray(Image.open(file)))


def test_ratios_hold_eight_bits() -> None:
    with pytest.raises(PictureError, match="JPEG 2000 by ratio holds 8 bits only"):
        file_of(pattern(dtype=np.uint16), "jp2", None, Options(ratio=5))


def test_ratios_that_mean_nothing() -> None:
    for ratio in (1, 0.5, -3, float("nan"), float("inf")):
        with pytest.raises(UsageError, match=r"ratio .* is out of range; give more than 1$"):
            file_of(photo(), "jp2", None, Options(ratio=ratio))
    with pytest.raises(UsageError, match="ratio 8 takes the place of quality 50; give only one of them"):
        file_of(photo(), "jp2", 50, Options(ratio=8))


@pytest.mark.parametrize("codec", writable_codecs(), ids=lambda codec: codec.name)
def test_a_format_has_the_options_that_it_names(codec: Codec) -> None:
    kind = {"size": (40, 60), "channels": 3, "depth": 8, "transparent": False, "quality": None}
    plain = pattern() // 64 * 64
    for name, options in ALL.items():
        if name in codec.options:
            changed = encode(codec, plain, options=options).data
            assert changed != encode(codec, plain).data
            assert Picture.read(changed).format == codec.name
            continue
        for attempt in (
            lambda options=options: encode(codec, plain, options=options),
            lambda options=options: check(codec, **kind, options=options),
        ):
            with pytest.raises(UsageError, match=f"^{name} .* means nothing to {codec.name}; leave it out$"):
                attempt()


def test_unknown_subsampling() -> None:
    with pytest.raises(UsageError, match="'4:1:1' is not supported; choose one of 4:2:0, 4:2:2, 4:4:4"):
        file_of(photo(), "JPEG", 80, Options("4:1:1"))
