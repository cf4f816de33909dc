"""The ways into a file and back, with tiny random models in a catalogue of their own."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import exif_block, icc_profile, pattern, xmp_packet
from tests.models import make_jpeg, make_pair, make_upscaler, make_webp_pair
from twinscale import Picture, load, restore
from twinscale.engine import run
from twinscale.errors import ModelError, UsageError
from twinscale.images.resize import imresize
from twinscale.rescale.shrunk import Shrunk
from twinscale.rescale.tag import digest_of
from twinscale.rescale.ways import SCALES, Way, ways
from twinscale.zoo import catalogue

FORMATS = ["JPEG", "WEBP", "AVIF", "JPEGXL", "JPEG2000", "PNG"]


pytestmark = pytest.mark.usefixtures("shipped")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_pair(folder, 2, "rgb", name="twin-x2")
    make_pair(folder, 2, "y", name="twin-grey-x2")
    make_upscaler(folder, 2, "rgb", name="fast-x2")
    make_upscaler(folder, 3, "rgb", name="fast-x3")
    make_jpeg(folder, 1)
    make_jpeg(folder, 2)
    make_webp_pair(folder, 2, name="pack-webp-x2")
    make_upscaler(folder, 4, "rgb", name="other-x4")
    return folder


def picture(height: int = 45, width: int = 62, channels: int = 3, *, alpha: bool = False) -> Picture:
    opacity = np.ascontiguousarray(pattern(height, width, 4)[:, :, 3]) if alpha else None
    profile = icc_profile(b"GRAY" if channels == 1 else b"RGB ")
    return Picture(pattern(height, width, channels), opacity, icc=profile, exif=exif_block(), xmp=xmp_packet())


def quality_of(way: Way) -> int | None:
    return None if way.format == "PNG" else 60


def packed(way: Way, original: Picture) -> bytes:
    small = way.shrink(original)
    return way.sealed(small, quality_of(way), way.code(small, quality_of(way))).data


def names(format: str) -> list[tuple[Fraction, str | None]]:
    return [(way.scale, way.model and way.model.card.name) for way in ways(format)]


def test_the_models_decide_which_ways_there_are(shelf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    half_as_much = Fraction(3, 2)
    plain = [(half_as_much, "fast-x2"), (Fraction(2), "fast-x2"), (Fraction(3), "fast-x3")]
    told = [(Fraction(1), "jpeg-x1"), (half_as_much, "jpeg-x2"), (Fraction(2), "jpeg-x2"), (Fraction(3), "fast-x3")]
    assert names("jpg") == [(1, None), *told]
    assert names("webp") == [(1, None), *plain, (2, "pack-webp-x2")]
    assert names("avif") == [(1, None), *plain]
    assert names("PNG") == [(1, None), *plain, (2, "twin-grey-x2"), (2, "twin-x2")]
    monkeypatch.setattr(catalogue, "_SHIPPED", tmp_path)
    assert names("jpg") == [(1, None)]


@pytest.mark.parametrize(
    ("format", "size"), [*((format, (45, 62)) for format in FORMATS), *(("JPEG", size) for size in [(7, 5), (1, 1)])]
)
def test_every_way_gives_the_original_back_at_its_size(format: str, size: tuple[int, int]) -> None:
    original = picture(*size)
    plain = Picture.read(original.encode(format))
    for way in ways(format):
        data = packed(way, original)
        small = Picture.read(data)
        if way.model is None:
            assert (small.height, small.width) == size
            continue
        assert way.scale == 1 or small.height < size[0] or size[0] == 1
        back = restore(data)
        assert (back.height, back.width) == size
        assert (back.icc, back.exif, back.notes) == (plain.icc, plain.exif, ())
        np.testing.assert_array_equal(back.pixels, way.restore(data).pixels)


@pytest.mark.parametrize("format", FORMATS)
def test_sealing_changes_no_pixel_and_takes_no_byte(format: str) -> None:
    for way in ways(format):
        small = way.shrink(picture())
        unsealed = way.code(small, quality_of(way))
        data = packed(way, picture())
        assert len(data) == len(unsealed)
        np.testing.assert_array_equal(Picture.read(data).pixels, Picture.read(unsealed).pixels)
        if way.model:
            shrunk = Shrunk.open(data)
            assert shrunk.tag.pixels == digest_of(shrunk.picture)
            assert not shrunk.is_saved_again


def test_what_is_reduced_is_reduced_bicubically() -> None:
    original = picture(48, 60)
    for scale in SCALES[1:]:
        small = Way("WEBP", scale, load("fast-x3" if scale == 3 else "other-x4")).shrink(original)
        size = (int(48 / scale), int(60 / scale))
        np.testing.assert_array_equal(small.pixels, imresize(original.pixels, size=size))


def test_grey_and_transparent_pictures() -> None:
    for way in ways("PNG"):
        grey = restore(packed(way, picture(channels=1))) if way.model else way.restore(packed(way, picture(channels=1)))
        assert grey.is_grey
        back = way.restore(packed(way, picture(alpha=True)))
        assert back.alpha is not None
        assert back.alpha.shape == (45, 62)


@pytest.mark.parametrize("foreign", [None, xmp_packet()])
def test_a_model_that_must_be_told_the_quality_reads_it_in_the_tag(foreign: bytes | None) -> None:
    pair = load("pack-webp-x2")
    way = Way("WEBP", Fraction(2), pair)
    original = replace(picture(), xmp=foreign)
    small = way.shrink(original)
    for quality in (5, 60, 100):
        unsealed = way.code(small, quality)
        data = way.sealed(small, quality, unsealed).data
        assert len(data) == len(unsealed)
        shrunk = Shrunk.open(data)
        assert (shrunk.tag.quality, shrunk.is_saved_again) == (quality, False)
        told = run(pair.enlargement_told((1 - quality / 100,)), shrunk.picture.pixels)
        np.testing.assert_array_equal(restore(data).pixels, told[:45, :62])


def saved_again(data: bytes, **options: int) -> bytes:
    """What another program makes of a file that keeps its XMP."""
    return Picture.read(data).encode("JPEG" if options else "PNG", **options)


def test_a_file_that_was_saved_again_is_recognised() -> None:
    way = Way("JPEG", Fraction(2), load("jpeg-x2"))
    data = packed(way, picture())
    assert restore(saved_again(data)).notes == ()  # losslessly
    changed = saved_again(data, quality=30)
    back = restore(changed)
    assert (back.height, back.width) == (45, 62)
    assert back.notes == ("another program saved the file again since it was packed: restored as well as it allows",)


def test_a_pair_of_lossless_files_restores_only_its_own() -> None:
    data = packed(Way("PNG", Fraction(2), load("twin-x2")), picture())
    restore(saved_again(data))
    with pytest.raises(UsageError, match=r"another program changed the pixels .* enlarge the picture with upscale"):
        restore(saved_again(data, quality=90))


def test_a_packed_file_that_was_cropped_or_resized_is_refused() -> None:
    small = Picture.read(packed(Way("JPEG", Fraction(3, 2), load("jpeg-x2")), picture()))
    with pytest.raises(UsageError, match=r"is 41x30 but was shrunk to 42x30 at x3/2: it has been cropped or resized"):
        restore(replace(small, pixels=np.ascontiguousarray(small.pixels[:, :41])))


def test_models_that_do_not_fit(shelf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = packed(Way("JPEG", Fraction(2), load("jpeg-x2")), picture())
    with pytest.raises(UsageError, match=r"shrunk by 'jpeg-x2', which fast-x2 does not understand"):
        restore(data, model="fast-x2")
    with pytest.raises(UsageError, match=r"shrunk 2 times, but jpeg-x1 enlarges 1 times"):
        restore(data, model="jpeg-x1")
    monkeypatch.setattr(catalogue, "_SHIPPED", tmp_path)
    with pytest.raises(ModelError, match="'jpeg-x2', which is not among the shipped models"):
        restore(data)


def test_a_picture_that_is_packed_again_carries_one_tag() -> None:
    way = Way("JPEG", Fraction(2), load("jpeg-x2"))
    once = Picture.read(packed(way, picture()))
    twice = Shrunk.open(packed(way, once))
    assert (twice.tag.width, twice.tag.height) == (once.width, once.height)
    assert Shrunk.find(Way("JPEG").shrink(once)) is None
