"""Pictures too large for memory: the same pixels and metadata as of files that are made and read at once."""

import io
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.awkward import exif_block, icc_profile, make_awkward_pictures, pattern, xmp_packet
from twinscale import Picture, spill
from twinscale.codecs import jpeg
from twinscale.codecs.codec import Options
from twinscale.codecs.encoding import encode
from twinscale.codecs.registry import codec_named
from twinscale.errors import TwinscaleError

SIZES = [(1, 1), (1, 70), (70, 1), (37, 53), (64, 48), (131, 29)]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large, and cut into strips of a few rows."""
    monkeypatch.setattr(spill, "LIMIT", 1)
    monkeypatch.setattr(spill, "_BAND", 500)
    monkeypatch.setattr(jpeg, "_STRIP", 5)


def spilled(pixels: np.ndarray) -> np.ndarray:
    array = spill.empty(pixels.shape, pixels.dtype)
    array[:] = pixels
    assert spill.is_spilled(array)
    return array


def noisy(size: tuple[int, int], channels: int, dtype: type) -> np.ndarray:
    smooth = pattern(*size, channels=channels, dtype=np.float32)
    noise = np.random.default_rng(0).random(smooth.shape, dtype=np.float32)
    values = 0.8 * smooth + 0.2 * noise
    return values if dtype is np.float32 else np.floor(values * np.iinfo(dtype).max + 0.5).astype(dtype)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("format", "dtype"),
    [("PNG", np.uint8), ("PNG", np.uint16), *((("TIFF", t)) for t in (np.uint8, np.uint16, np.float32))],
)
def test_lossless_files_hold_the_pixels(format: str, dtype: type, channels: int, size: tuple[int, int]) -> None:
    samples = noisy(size, channels, dtype)
    picture = Picture.from_array(spilled(samples))
    data = picture.encode(format)
    if format == "TIFF":
        np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)).reshape(samples.shape), samples)
    elif dtype is np.uint8:
        image = Image.open(io.BytesIO(data))
        image.load()
        np.testing.assert_array_equal(np.asarray(image).reshape(samples.shape), samples)
    np.testing.assert_array_equal(Picture.read(data).to_array(), samples)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_of_strips_holds_what_one_made_at_once_does(
    channels: int, subsampling: str, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    codec, options = codec_named("JPEG"), Options(subsampling=subsampling)
    samples = noisy(size, channels, np.uint8)
    at_once = encode(codec, samples, quality=80, options=options).data
    request.getfixturevalue("tiny")
    in_strips = bytes(encode(codec, spilled(samples), quality=80, options=options).data)
    assert in_strips != at_once
    expected, image = (Image.open(io.BytesIO(data)) for data in (at_once, in_strips))
    np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))
    assert image.quantization == expected.quantization
    picture = Picture.read(in_strips)
    np.testing.assert_array_equal(
        picture.to_array().reshape(size + (() if channels == 1 else (3,))), np.asarray(expected)
    )
    assert spill.is_spilled(picture.pixels)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF"])
def test_metadata_is_kept(format: str, tmp_path: Path) -> None:
    icc, exif, xmp = icc_profile(b"RGB "), exif_block(), xmp_packet()
    picture = Picture(spilled(pattern()), icc=icc, exif=exif, xmp=xmp)
    path = tmp_path / f"a.{format.lower()}"
    picture.write(path)
    again = Picture.read(path)
    assert spill.is_spilled(again.pixels)
    assert (again.icc, again.xmp) == (icc, xmp)
    assert again.exif is not None
    assert (
        Image.open(path).getexif()[271]
        == Image.open(io.BytesIO(Picture(pattern(), exif=exif).encode("PNG"))).getexif()[271]
    )


def test_awkward_files_give_what_they_give_in_memory(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Palettes, odd depths, interlacing, ink, orientations, damage: those that strips cannot do are done at once."""
    names = make_awkward_pictures(tmp_path)

    def read(name: str) -> Picture | str:
        try:
            return Picture.read(tmp_path / name)
        except TwinscaleError as error:
            return str(error)

    in_memory = {name: read(name) for name in names}
    request.getfixturevalue("tiny")
    for name, expected in in_memory.items():
        found = read(name)
        if isinstance(expected, str) or isinstance(found, str):
            assert found == expected, name
            continue
        np.testing.assert_array_equal(found.to_array(), expected.to_array(), err_msg=name)
        for part in ("icc", "exif", "xmp", "format", "notes", "quantisation"):
            assert repr(getattr(found, part)) == repr(getattr(expected, part)), (name, part)


def test_pictures_are_changed_alike(request: pytest.FixtureRequest) -> None:
    """Depth, background, opacity: in bands as at once."""
    pictures = [
        Picture.from_array(noisy((37, 53), channels, dtype))
        for channels, dtype in itertools.product((1, 2, 3, 4), (np.uint8, np.uint16))
    ]

    def changed(picture: Picture) -> list[np.ndarray]:
        return [
            change(picture).to_array()
            for change in (
                lambda one: one.with_depth(8),
                lambda one: one.with_depth(16),
                lambda one: one.on_background("#ff8000"),
                lambda one: one.on_background("white"),
            )
        ]

    expected = [changed(picture) for picture in pictures]
    request.getfixturevalue("tiny")
    for picture, results in zip(pictures, expected, strict=True):
        for found, result in zip(changed(picture), results, strict=True):
            np.testing.assert_array_equal(found, result)


_READ_AND_WRITTEN = """
import sys
from twinscale import Picture, spill
from twinscale.benchmark.timing import peak_mebibytes
spill.LIMIT = 2**20
small, large, result = sys.argv[1:]
Picture.read(small).write(result + ".jpg")
before = peak_mebibytes()
Picture.read(large).with_depth(16).with_depth(8).write(result)
print(peak_mebibytes() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak")
def test_memory_holds_a_part_of_the_picture(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("small.jpg", "large.jpg", "result.jpg")]
    Picture(noisy((64, 64), 3, np.uint8)).write(paths[0])
    Image.fromarray(noisy((64, 64), 3, np.uint8)).resize((6000, 4000)).save(paths[1], quality=80)
    told = subprocess.run([sys.executable, "-c", _READ_AND_WRITTEN, *paths], check=True, capture_output=True, text=True)
    assert float(told.stdout) < 6000 * 4000 * 3 / 2**20  # megabytes of pixels, twice in 8 bits and once in 16
    assert Image.open(paths[2]).size == (6000, 4000)
