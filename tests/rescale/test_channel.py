"""Channels, against their definitions."""

import io

import numpy as np
import pytest
from PIL import Image

from twinscale.codecs.quantisation import Quantisation
from twinscale.codecs.rate import coded
from twinscale.errors import ModelError, UsageError
from twinscale.rescale.channel import CHANNELS, File, Lossy, create_channel


@pytest.fixture
def planes() -> np.ndarray:
    """From what lies beyond black to what lies beyond white."""
    return (np.arange(-40, 600).reshape(16, 40, 1) / 509).astype(np.float32)


def test_eight_bits_are_clipped_levels(planes: np.ndarray) -> None:
    received = create_channel("8-bit")(planes)
    expected = np.floor(np.clip(planes.astype(np.float64), 0, 1) * 255 + 0.5) / 255
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-7)


def test_none_hands_everything_through(planes: np.ndarray) -> None:
    received = create_channel("none")(planes.astype(np.float64))
    assert received.dtype == np.float32
    np.testing.assert_array_equal(received, planes)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_what_another_encoder_makes(channels: int, subsampling: str) -> None:
    planes = np.random.default_rng(0).random((23, 37, channels)) * 1.2 - 0.1
    pixels = np.floor(np.clip(planes, 0, 1) * 255 + 0.5).astype(np.uint8)
    image = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    for quality in (10, 50, 95):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality, subsampling=subsampling)
        expected = np.asarray(Image.open(file)).reshape(pixels.shape) / 255
        channel = create_channel("jpeg", {"quality": quality, "subsampling": subsampling})
        received = channel(planes)
        assert received.dtype == np.float32
        np.testing.assert_allclose(received, expected, rtol=0, atol=1e-7)
        quantisation = Quantisation.of_file(Image.open(file))
        assert quantisation is not None
        assert channel.conditions(channels) == quantisation.conditions()


def test_lossless_channels_have_nothing_to_tell() -> None:
    for name in ("8-bit", "none"):
        channel = create_channel(name)
        assert (channel.told, channel.conditions(3)) == ("none", ())


@pytest.mark.parametrize("format", ["WebP", "AVIF", "JPEG2000"])
def test_a_file_of_any_lossy_format(format: str) -> None:
    planes = np.random.default_rng(0).random((20, 30, 3))
    channel = create_channel("file", {"format": format, "quality": 40})
    assert isinstance(channel, File)
    file = coded(np.floor(planes * 255 + 0.5).astype(np.uint8), format, 40)
    assert channel.file(planes).data == file.data
    np.testing.assert_array_equal(channel(planes), file.pixels / np.float32(255))
    assert (channel.told, channel.conditions(3)) == ("quality", (0.6,))


def test_another_quality_and_the_highest_that_fits() -> None:
    channel, planes = (
        create_channel("jpeg", {"lowest": 20, "highest": 80}),
        np.random.default_rng(0).random((24, 24, 3)),
    )
    assert isinstance(channel, Lossy)
    assert channel.at(30) == create_channel("jpeg", {"quality": 30, "lowest": 20, "highest": 80})
    sizes = {quality: len(channel.at(quality).file(planes).data) for quality in range(1, 101)}
    assert sorted(sizes.values()) == list(sizes.values())
    for size in (sizes[20], sizes[50], sizes[50] + 1, sizes[90], 10**6):
        chosen = channel.within(size, planes)
        assert chosen == channel.at(max(quality for quality in sizes if sizes[quality] <= size))
    assert channel.within(0, planes) == channel.at(1)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("jpeg", {"quality": 0}, r"channel jpeg: quality = 0 must be 1 to 100"),
        ("jpeg", {"highest": 101}, r"highest = 101 must be 1 to 100"),
        ("jpeg", {"lowest": 80, "highest": 30}, r"lowest = 80 is above highest = 30: exchange them"),
        ("jpeg", {"subsampling": "4:1:1"}, r"subsampling = '4:1:1' must be one of 4:2:0, 4:2:2, 4:4:4"),
        ("file", {"format": "PNG"}, r"format = 'PNG' has no qualities: use one that has, such as WebP"),
        ("file", {"format": "doc"}, r"doc"),
    ],
)
def test_parameters_that_cannot_be(name: str, parameters: dict[str, int | str], message: str) -> None:
    for error in (UsageError, ModelError):
        with pytest.raises(error, match=message):
            create_channel(name, parameters, error)


@pytest.mark.parametrize("name", CHANNELS)
def test_equal_by_what_they_are(name: str) -> None:
    assert create_channel(name) == create_channel(name)
    assert len({create_channel(each) for each in CHANNELS}) == len(CHANNELS)


def test_what_is_unknown_is_named() -> None:
    with pytest.raises(UsageError, match="unknown channel '9-bit': use one of 8-bit, none, jpeg, file"):
        create_channel("9-bit")
    with pytest.raises(ModelError, match="unknown channel"):
        create_channel("9-bit", error=ModelError)
    with pytest.raises(UsageError, match="channel 8-bit: unknown key 'quality'"):
        create_channel("8-bit", {"quality": 90})
