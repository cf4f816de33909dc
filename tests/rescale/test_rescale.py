"""Upscale, shrink and restore, with tiny random models in a catalogue of their own."""

import io
import math
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import exif_block, icc_profile, pattern
from tests.models import make_pair, make_upscaler
from twinscale import Card, Model, list_models, load, restore, shrink, upscale
from twinscale.engine import Runtime
from twinscale.errors import ModelError, PictureError, UsageError
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.rescale import model as model_module
from twinscale.rescale.tag import Tag
from twinscale.rescale.upscale import passes
from twinscale.rescale.xmp import add_tag, read_tag
from twinscale.zoo import catalogue

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="a camera"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_pair(folder, 2, "rgb", name="twin-x2")
    make_pair(folder, 3, "y", name="twin-x3")
    make_pair(folder, 2, "y", name="twin-grey-x2")
    make_pair(folder, 3, "y", name="twin-grey-x3")
    make_upscaler(folder, 2, "y", name="srcnn-x2")
    make_upscaler(folder, 3, "rgb", name="srcnn-x3")
    return folder


@pytest.fixture(autouse=True)
def default_families(shipped: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.DEFAULT_FAMILIES, "pair", "twin")
    monkeypatch.setitem(catalogue.DEFAULT_FAMILIES, "upscaler", "srcnn")


def picture(
    height: int = 21, width: int = 34, channels: int = 3, dtype: type = np.uint8, *, alpha: bool = False
) -> Picture:
    pixels = pattern(height, width, channels, dtype)
    opacity = np.ascontiguousarray(pattern(height, width, 4, dtype)[:, :, 3]) if alpha else None
    return Picture(
        pixels,
        opacity,
        icc=icc_profile(b"GRAY" if channels == 1 else b"RGB "),
        exif=exif_block(),
        xmp=XMP,
        format="PNG",
    )


def same(one: Picture, two: Picture) -> bool:
    if (one.alpha is None) != (two.alpha is None):
        return False
    alphas = one.alpha is None or np.array_equal(one.alpha, two.alpha)
    return np.array_equal(one.pixels, two.pixels) and alphas and (one.icc, one.exif) == (two.icc, two.exif)


@pytest.mark.parametrize("scale", [2, 3])
def test_original_size_comes_back_for_every_remainder(scale: int) -> None:
    for height in (1, *range(10, 10 + scale)):
        for width in (1, *range(13, 13 + scale)):
            small = shrink(picture(height, width), scale)
            assert small.pixels.shape[:2] == (math.ceil(height / scale), math.ceil(width / scale))
            assert restore(small).pixels.shape[:2] == (height, width)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3])
def test_every_kind_of_picture(scale: int, channels: int, dtype: type, alpha: bool) -> None:
    original = picture(17, 26, channels, dtype, alpha=alpha)
    for result in (small := shrink(original, scale), restore(small), upscale(original, scale)):
        assert result.pixels.dtype == dtype
        assert result.channels == channels
        assert (result.alpha is not None) == alpha
        assert (result.icc, result.exif, result.format) == (original.icc, original.exif, original.format)
    assert restore(small).pixels.shape[:2] == original.pixels.shape[:2]
    assert upscale(original, scale).pixels.shape[:2] == (17 * scale, 26 * scale)


def test_input_is_not_changed() -> None:
    original = picture(alpha=True)
    pixels, alpha = original.pixels.copy(), original.alpha.copy()
    small = shrink(original)
    small_pixels = small.pixels.copy()
    restore(small)
    upscale(original, 1.5)
    np.testing.assert_array_equal(original.pixels, pixels)
    np.testing.assert_array_equal(original.alpha, alpha)
    np.testing.assert_array_equal(small.pixels, small_pixels)
    assert original.xmp == XMP


def test_other_xmp_is_kept_and_the_tag_goes_again() -> None:
    small = shrink(picture())
    assert small.xmp is not None
    assert b'dc:source="a camera"' in small.xmp
    restored = restore(small)
    assert restored.xmp is not None
    assert b'dc:source="a camera"' in restored.xmp
    assert read_tag(restored.xmp) is None
    assert restore(shrink(replace(picture(), xmp=None))).xmp is None


def test_tag_says_what_shrank_it() -> None:
    card = load("twin-x3").card
    tag = read_tag(shrink(picture(20, 31), 3).xmp)
    assert tag == Tag("twin-x3", card.digest, 3, width=31, height=20)


@pytest.mark.parametrize(("channels", "family"), [(1, "twin-grey"), (3, "twin")])
def test_each_picture_chooses_a_pair_for_colour_or_for_grey(channels: int, family: str) -> None:
    original = picture(channels=channels)
    for scale in (2, 3):
        small = shrink(original, scale)
        tag = read_tag(small.xmp)
        assert tag is not None
        assert tag.model == f"{family}-x{scale}"
        assert restore(small).channels == channels
    named = read_tag(shrink(original, model="twin").xmp)
    assert named is not None
    assert named.model == "twin-x2"


def test_without_a_pair_for_grey_the_usual_one_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_pair(tmp_path, 2, "rgb", name="twin-x2")
    monkeypatch.setattr(catalogue, "_SHIPPED", tmp_path)
    tag = read_tag(shrink(picture(channels=1)).xmp)
    assert tag is not None
    assert tag.model == "twin-x2"


def test_what_the_networks_do(shelf: Path) -> None:
    # shrink is the down part on the padded picture and restore the up part on what a file holds.
    original = picture(20, 30)
    model = load("twin-x2", runtime=Runtime(1))
    low = np.floor(np.clip(model.reduction(original.planes()), 0, 1) * 255 + 0.5)
    small = shrink(original)
    assert np.abs(small.pixels - low).max() <= 1
    assert (small.pixels == low).mean() > 0.99
    high = np.floor(np.clip(model.enlargement(small.planes()), 0, 1) * 255 + 0.5)
    restored = restore(small)
    assert np.abs(restored.pixels - high).max() <= 1
    assert (restored.pixels == high).mean() > 0.99


def test_defaults_names_folders_and_loaded_models_agree(shelf: Path) -> None:
    original = picture()
    small = shrink(original)
    for model in ("twin-x2", shelf / "twin-x2", str(shelf / "twin-x2"), load("twin-x2")):
        assert same(shrink(original, model=model), small)
        assert same(restore(small, model=model), restore(small))
    assert same(shrink(original, 2), small)
    assert same(upscale(original), upscale(original, 2, model="srcnn-x2"))
    assert same(upscale(original, tile=0), upscale(original, tile=32, runtime=Runtime(1)))


def test_a_family_serves_every_scale() -> None:
    original = picture()
    for scale, name in [(None, "srcnn-x2"), (1.5, "srcnn-x2"), (2, "srcnn-x2"), (2.5, "srcnn-x3"), (3, "srcnn-x3")]:
        assert same(upscale(original, scale, model="srcnn"), upscale(original, scale, model=name))
    assert same(upscale(original, 3, model="twin"), upscale(original, model="twin-x3"))
    for scale in (2, 3):
        small = shrink(original, scale, model="twin")
        assert same(small, shrink(original, model=f"twin-x{scale}"))
        assert same(restore(small, model="twin"), restore(small))
        bare = replace(small, xmp=None)
        assert same(restore(bare, model="twin", scale=scale), restore(bare, model=f"twin-x{scale}"))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3])  # on luminance and on RGB
def test_ensemble_of_every_kind_of_picture(scale: int, channels: int, alpha: bool, dtype: type) -> None:
    original = picture(17, 26, channels, dtype, alpha=alpha)
    result = upscale(original, scale, ensemble=True)
    assert not same(result, upscale(original, scale))
    assert (result.pixels.shape[:2], result.depth, result.xmp) == ((17 * scale, 26 * scale), original.depth, XMP)

    def turned(made: Picture) -> Picture:
        turn = [None if plane is None else np.rot90(plane[::-1], 3).copy() for plane in (made.pixels, made.alpha)]
        return replace(made, pixels=turn[0], alpha=turn[1])

    level = {np.uint8: 1, np.uint16: 1, np.float32: 1e-5}[dtype]
    in_tiles = upscale(original, scale, ensemble=True, tile=8)
    for other in (turned(upscale(turned(original), scale, ensemble=True)), in_tiles):
        for ours, theirs in ((result.pixels, other.pixels), (result.alpha, other.alpha)):
            if ours is not None:
                np.testing.assert_allclose(ours.astype(np.float64), theirs, rtol=0, atol=level)


def test_ensemble_is_the_mean_of_eight_runs() -> None:
    original = picture(17, 26, 3, np.float32)
    runs = []
    for quarters in range(4):
        for mirrored in (False, True):
            turned = np.rot90(original.pixels[::-1] if mirrored else original.pixels, quarters)
            made = np.rot90(upscale(Picture(turned.copy()), 3).pixels, -quarters)
            runs.append(made[::-1] if mirrored else made)
    assert min(made.min() for made in runs) > 0  # a float picture is clipped too, but nothing was here
    assert max(made.max() for made in runs) < 1
    result = upscale(original, 3, ensemble=True).pixels
    np.testing.assert_allclose(result, np.mean(runs, axis=0), rtol=0, atol=1e-5)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_through_files(format: str, tmp_path: Path) -> None:
    original = picture(23, 37)
    source, shrunk = tmp_path / "a.png", tmp_path / f"b.{format.lower()}"
    original.write(source)
    shrink(source).write(shrunk, format=format)
    restored = restore(shrunk)
    assert restored.pixels.shape[:2] == (23, 37)
    if format != "JPEG":
        assert same(replace(restored, exif=None), replace(restore(shrink(original)), exif=None))


def test_missing_file() -> None:
    for function in (shrink, restore, upscale):
        with pytest.raises(PictureError, match=r"nowhere\.png"):
            function("nowhere.png")


def test_no_tag() -> None:
    with pytest.raises(UsageError, match="carries no tag that says how it was shrunk"):
        restore(picture())
    restored = restore(picture(10, 12), model="twin-x2")  # a named model works without
    assert restored.pixels.shape[:2] == (20, 24)
    assert restored.xmp == XMP


def test_fallbacks_for_a_lost_tag() -> None:
    lost = picture(10, 12, alpha=True)
    assert same(restore(lost, fallback="upscale", scale=3), upscale(lost, 3))
    assert same(restore(lost, fallback="upscale"), upscale(lost, 2))
    assert restore(lost, fallback="bicubic", scale=4).pixels.shape[:2] == (40, 48)
    opaque = picture(10, 12)
    np.testing.assert_array_equal(restore(opaque, fallback="bicubic").pixels, imresize(opaque.pixels, 2))
    assert same(restore(lost, fallback="keep"), lost)
    small = shrink(opaque)
    assert same(restore(small, fallback="bicubic"), restore(small))  # the tag is there


def test_tag_of_a_model_that_is_not_shipped(shelf: Path, tmp_path: Path) -> None:
    own = make_pair(tmp_path, 2, "rgb", name="R&D (own)")
    small = shrink(picture(), model=own)
    with pytest.raises(ModelError, match=r"shrunk by 'R&D \(own\)', which is not among the shipped models.*\(-m\)"):
        restore(small)
    assert restore(small, model=own).pixels.shape[:2] == picture().pixels.shape[:2]


def test_tag_never_names_a_folder(shelf: Path) -> None:
    digest = load("twin-x2").card.digest
    small = shrink(picture(20, 30))
    for name in (str(shelf / "twin-x2"), "../models/twin-x2", "."):
        tag = Tag(name, digest, 2, width=30, height=20)
        with pytest.raises(UsageError, match="carries no tag"):
            restore(replace(small, xmp=add_tag(None, tag)))


def test_other_weights_than_the_ones_that_shrank() -> None:
    small = shrink(picture(20, 30))
    changed = replace(small, xmp=add_tag(None, Tag("twin-x2", "0" * 64, 2, width=30, height=20)))
    with pytest.raises(ModelError, match="shrunk with other weights of twin-x2 than the installed ones"):
        restore(changed)
    named = restore(changed, model="twin-x2")
    assert same(named, restore(small))
    assert named.notes == ("restored with other weights of twin-x2 than those that shrank it",)
    assert restore(small, model="twin-x2").notes == ()


@pytest.mark.parametrize("size", [(10, 14), (9, 15), (15, 10), (20, 30)])
def test_small_picture_that_was_cropped_or_resized(size: tuple[int, int]) -> None:
    small = shrink(picture(20, 30))
    pixels = imresize(small.pixels, size=size)
    for model in (None, "twin-x2"):
        with pytest.raises(UsageError, match=rf"is {size[1]}x{size[0]} but was shrunk to 15x10 at x2"):
            restore(replace(small, pixels=pixels), model=model)


def test_foreign_numbers_in_a_tag() -> None:
    small = shrink(picture(20, 30))
    digest = load("twin-x2").card.digest
    for scale, width, height in [(10**400, 30, 20), (2, 10**400, 20), (1, 15, 10), (2, 32, 20)]:
        with pytest.raises(UsageError, match=r"cropped or resized|name the one that|carries no tag"):
            restore(replace(small, xmp=add_tag(None, Tag("twin-x2", digest, scale, width, height))))


def test_partner_of_another_scale() -> None:
    small = shrink(picture(20, 30), 2)
    with pytest.raises(UsageError, match="shrunk 2 times, but twin-x3 enlarges 3 times: leave the model out"):
        restore(small, model="twin-x3")


def test_models_of_the_wrong_kind_or_scale() -> None:
    with pytest.raises(UsageError, match="srcnn-x2 only enlarges and cannot shrink"):
        shrink(picture(), model="srcnn-x2")
    with pytest.raises(UsageError, match="srcnn-x2"):
        restore(shrink(picture()), model="srcnn-x2")
    with pytest.raises(UsageError, match="twin-x2 shrinks 2 times, not 3"):
        shrink(picture(), 3, model="twin-x2")
    with pytest.raises(UsageError, match=r"twin-x3 shrinks 3 times, not 2\.5"):
        shrink(picture(), 2.5, model="twin")
    for model in (None, "twin"):
        with pytest.raises(UsageError, match=r"no model of 'twin' is for scale 4.* there are twin-x2, twin-x3"):
            shrink(picture(), 4, model=model)
    with pytest.raises(ModelError, match=r"no model 'twni-x2'.*did you mean 'twin-x2'"):
        shrink(picture(), model="twni-x2")


@pytest.mark.parametrize("scale", [1.5, 1.25, 2.5, 2.2, 1.01, 3])
@pytest.mark.parametrize("alpha", [False, True])
def test_fractional_scales(scale: float, alpha: bool) -> None:
    original = picture(21, 34, alpha=alpha)
    enlarged = upscale(original, scale)
    assert enlarged.pixels.shape[:2] == (round(21 * scale), round(34 * scale))
    assert (enlarged.alpha is not None) == alpha
    assert enlarged.xmp == XMP
    if not alpha:
        whole = upscale(original, math.ceil(scale))
        np.testing.assert_array_equal(enlarged.pixels, imresize(whole.pixels, size=enlarged.pixels.shape[:2]))


@pytest.mark.parametrize("scale", [2, 3])
def test_opaque_stays_opaque(scale: int) -> None:
    original = picture(17, 26, dtype=np.uint16, alpha=True)
    original.alpha[:] = 65535
    enlarged = upscale(original, scale)
    assert (enlarged.alpha == 65535).all()
    np.testing.assert_array_equal(enlarged.pixels, upscale(replace(original, alpha=None), scale).pixels)
    original.alpha[:5, :5] = 0
    assert (upscale(original, scale).alpha[6 * scale :] == 65535).all()
    small = shrink(original, scale)
    assert small.alpha.shape == small.pixels.shape[:2]


def test_reduction_after_upscaling_does_not_bleed_transparent_colour() -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:, :10], pixels[:, 10:] = (255, 0, 0), (0, 255, 0)
    alpha = np.zeros((20, 20), np.uint8)
    alpha[:, 10:] = 255
    with_red = upscale(Picture(pixels, alpha), 1.5)
    pixels[:, :10] = (0, 0, 255)
    with_blue = upscale(Picture(pixels, alpha), 1.5)
    visible = with_red.alpha > 0
    np.testing.assert_array_equal(with_red.pixels[visible], with_blue.pixels[visible])


@pytest.mark.parametrize("scale", [1, 0.5, 16.01, math.nan, -2])
def test_scales_out_of_range(scale: float) -> None:
    for model in (None, "srcnn", "srcnn-x2", load("srcnn-x2")):
        with pytest.raises(UsageError, match=rf"scale {scale} must be above 1 and at most 16"):
            upscale(picture(), scale, model=model)


def test_a_pass_after_the_other_beyond_the_networks() -> None:
    original = picture(7, 11, alpha=True)
    assert same(upscale(original, 6), upscale(upscale(original, 2), 3))
    assert same(upscale(original, 3, model="srcnn-x3"), upscale(original, 3))
    twice = upscale(upscale(original, model="srcnn-x2"), model="srcnn-x2")
    assert same(upscale(original, 4, model="srcnn-x2"), twice)
    for scale in (3.5, 5, 7.3, 16):
        enlarged = upscale(original, scale)
        assert enlarged.pixels.shape[:2] == enlarged.alpha.shape == (round(7 * scale), round(11 * scale))


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"width": 100}, (62, 100)),
        ({"height": 100}, (100, 160)),
        ({"width": 32, "height": 20}, (20, 32)),
        ({"width": 40, "height": 26}, (26, 40)),
        ({"fit": (100, 100)}, (62, 100)),
        ({"fit": (1000, 30)}, (30, 48)),
        ({"width": 160}, (100, 160)),
    ],
)
def test_to_a_size(asked: dict[str, object], size: tuple[int, int]) -> None:
    assert upscale(picture(10, 16), **asked).pixels.shape[:2] == size


def test_to_a_size_is_a_bicubic_reduction_of_what_the_networks_make() -> None:
    original = picture(10, 16)
    for width, scale in ((40, 3), (32, 2), (70, 6), (20, 2)):
        expected = imresize(upscale(original, scale).pixels, size=(round(width * 10 / 16), width))
        np.testing.assert_array_equal(upscale(original, width=width).pixels, expected)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"scale": 2, "width": 64}, "contradict each other"),
        ({"fit": (64, 64), "height": 64}, "contradict each other"),
        ({"width": 16}, r"16w is not larger than the picture, which is 16x10: upscale only enlarges"),
        ({"fit": (8, 100)}, r"8x100 is not larger than the picture"),
        ({"width": 257}, "257w is more than 16 times the picture"),
        ({"width": 64, "height": 64}, "64x64 would distort the picture, which is 16x10"),
        ({"width": 0}, "a side of 0 pixels is not possible"),
        ({"fit": (64, -1)}, "a side of -1 pixels is not possible"),
    ],
)
def test_sizes_that_are_refused(asked: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        upscale(picture(10, 16), **asked)


@pytest.mark.parametrize(
    ("factor", "scales", "chosen"),
    [
        (1.2, [2, 3, 4], (2,)),
        (3, [2, 3, 4], (3,)),
        (5, [2, 3, 4], (2, 3)),
        (6.5, [2, 3, 4], (2, 4)),
        (9, [2, 3, 4], (3, 3)),
        (10, [2, 3, 4], (3, 4)),
        (16, [2, 3, 4], (4, 4)),
        (16, [2], (2, 2, 2, 2)),
        (5, [3], (3, 3)),
    ],
)
def test_fewest_passes(factor: float, scales: list[int], chosen: tuple[int, ...]) -> None:
    assert passes(factor, scales) == chosen


def test_an_enlarged_small_picture_is_no_shrunk_one_any_more() -> None:
    enlarged = upscale(shrink(picture()))
    assert read_tag(enlarged.xmp) is None
    assert b'dc:source="a camera"' in enlarged.xmp


def test_floats_stay_within_black_and_white() -> None:
    pixels = np.zeros((10, 12, 3), np.float32)
    pixels[:, 6:] = 1
    enlarged = restore(pixels, fallback="bicubic").pixels
    np.testing.assert_array_equal(enlarged, np.clip(imresize(pixels, 2), 0, 1))
    for values in (enlarged, upscale(pixels, 1.5).pixels):
        assert 0 <= values.min() < values.max() <= 1


def test_everything_that_a_picture_can_be(tmp_path: Path) -> None:
    original = Picture(pattern(21, 34))
    original.write(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for function in (upscale, shrink):
        expected = function(original)
        files = (tmp_path / "a.png", str(tmp_path / "a.png"), data, io.BytesIO(data))
        for form in (*files, original.to_pil(), original.pixels, original.pixels / 255):
            result = function(form)
            assert isinstance(result, Picture)
            assert result.pixels.dtype == (np.float32 if getattr(form, "dtype", None) == np.float64 else np.uint8)
            np.testing.assert_array_equal(result.with_depth(8).pixels, expected.pixels)
    small = shrink(original)
    assert same(restore(small.encode("PNG")), restore(small))
    assert same(restore(small.to_pil()), restore(small))  # the tag is in the image's info
    with pytest.raises(UsageError, match="NoneType is not a picture: give a path"):
        upscale(None)


@pytest.mark.parametrize("bad", [255.0, 1.01, -0.01, math.nan, math.inf])
def test_floats_out_of_range_are_refused_where_they_enter(bad: float) -> None:
    pixels = np.full((10, 12, 3), 0.5)
    pixels[3, 4, 1] = bad
    for function in (upscale, shrink, restore):
        with pytest.raises(UsageError, match="scale them to 0 to 1"):
            function(pixels)


@pytest.mark.parametrize("function", [upscale, shrink])
def test_negative_tiles_are_refused(function: Callable[..., Picture]) -> None:
    with pytest.raises(UsageError, match="tile -5 must be at least 1, or 0 for the whole picture"):
        function(picture(), tile=-5)


def test_scale_and_model_that_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="twin-x3 shrinks 3 times, not 2"):
        restore(picture(10, 12), model="twin-x3", scale=2)
    assert restore(picture(10, 12), model="twin-x3").pixels.shape[:2] == (30, 36)
    with pytest.raises(UsageError, match="scale 17 must be above 1"):
        restore(picture(10, 12), fallback="bicubic", scale=17)
    with pytest.raises(UsageError, match="fallback 'magic' must be one of bicubic, upscale"):
        restore(picture(10, 12), fallback="magic")


def test_another_pair_than_the_one_that_shrank(shelf: Path, tmp_path: Path) -> None:
    other = make_pair(tmp_path, 2, "rgb", name="other")
    with pytest.raises(UsageError, match="shrunk by 'twin-x2', which other does not understand: leave the model out"):
        restore(shrink(picture()), model=other)


def test_own_models_are_found_by_name_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "runs" / "mine"
    make_pair(run / "models", 3, "y", name="mine")
    original = picture()
    small = shrink(original, model=run)
    expected = restore(small, model=run)
    for folder in (run / "models" / "mine", run / "models", run, tmp_path / "runs"):
        monkeypatch.setenv("TWINSCALE_MODELS", f"{tmp_path / 'nothing'}{os.pathsep}{folder}")
        assert same(restore(small), expected)
        assert same(shrink(original, model="mine"), small)
    digest = load("mine").card.digest
    changed = replace(small, xmp=add_tag(None, replace(read_tag(small.xmp), digest=f"{int(digest, 16) ^ 1:064x}")))
    with pytest.raises(ModelError, match=r"'mine', which is not among the shipped models.*TWINSCALE_MODELS"):
        restore(changed)


def test_own_model_with_a_shipped_name_brings_back_what_it_shrank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make_pair(tmp_path, 2, "rgb", name="twin-x3")
    small = shrink(picture(), model=own)
    with pytest.raises(ModelError, match=r"other weights of twin-x3 than the installed ones.*TWINSCALE_MODELS"):
        restore(small)
    monkeypatch.setenv("TWINSCALE_MODELS", str(tmp_path))
    assert same(restore(small), restore(small, model=own))
    assert load("twin-x3").card.digest != load(own).card.digest  # by its name alone, the shipped one


def test_threads_share_models_and_make_the_same_bytes(shelf: Path, tmp_path: Path) -> None:
    own = make_pair(tmp_path, 2, "rgb", name="own")
    loaded, runtime = load("srcnn-x3", Runtime(1)), Runtime(1)
    large, deep, cut_out = picture(40, 34), picture(17, 26, 1, np.uint16), picture(11, 9, alpha=True)
    small = shrink(picture(30, 44))
    tasks: list[Callable[[], Picture]] = [
        lambda: upscale(large, 2, runtime=runtime),
        lambda: upscale(deep, 5, runtime=runtime),
        lambda: upscale(cut_out, model=loaded, tile=8),
        lambda: shrink(large, 3, runtime=runtime),
        lambda: shrink(large, model=own, tile=8, runtime=runtime),
        lambda: restore(small, runtime=runtime),
        lambda: restore(small.encode("TIFF"), runtime=runtime),
    ]
    serial = [task().encode("TIFF") for task in tasks]
    model_module._latest.clear()
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda task: task().encode("TIFF"), tasks * 6)) == serial * 6


def test_a_model_is_loaded_once_however_many_threads_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model, loads = load("srcnn-x2", Runtime(1)), []
    read = Card.read
    monkeypatch.setattr(Card, "read", lambda card, part: (loads.append(part), time.sleep(0.01), read(card, part))[2])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: model.enlarge(picture(5, 6)), range(8)))
    assert len(loads) == 1


def test_loaded_models_work_in_another_process(shelf: Path) -> None:
    model, original = load(shelf / "twin-x2", Runtime(1)), picture()
    expected = shrink(original, model=model).encode("PNG")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(shrunk_png, original, model).result() == expected


def shrunk_png(picture: Picture, model: Model) -> bytes:
    return shrink(picture, model=model).encode("PNG")


def test_loaded_models_keep_their_runtime() -> None:
    model = load("srcnn-x2", Runtime(1))
    assert model.runtime == Runtime(1)
    with pytest.raises(UsageError, match="srcnn-x2 is loaded and already has a runtime"):
        upscale(picture(), model=model, runtime=Runtime(2))
    with pytest.raises(UsageError, match="threads 0 must be at least 1"):
        upscale(picture(), runtime=Runtime(0))


def test_cards_serve_as_models() -> None:
    original = picture()
    for card in list_models():
        assert same(upscale(original, model=card), upscale(original, model=card.name))
        assert load(card).card == card


def test_representations_are_short() -> None:
    assert repr(load("twin-x2").card) == "<Card twin-x2: pair x2, RGB>"
    assert repr(load("twin-x3")) == "<Model twin-x3: pair x3, luminance>"


def test_pair_enlarges_too() -> None:
    assert upscale(picture(10, 12), model="twin-x2").pixels.shape[:2] == (20, 24)


def test_progress() -> None:
    for function in (shrink, upscale):
        calls: list[tuple[int, int]] = []
        function(picture(130, 70), tile=32, progress=lambda done, total, calls=calls: calls.append((done, total)))
        assert len(calls) > 1
        assert [done for done, _ in calls] == list(range(1, calls[0][1] + 1))


def test_progress_of_several_passes_rises_to_its_end_once() -> None:
    shares: list[float] = []
    upscale(picture(20, 30), 6, model="srcnn", tile=16, progress=lambda done, total: shares.append(done / total))
    assert shares == sorted(set(shares))
    assert shares[-1] == 1
    assert 4 / 40 in shares  # the first of the passes, x2 and then x3, makes 4 of 4 + 36 pixels


def test_damaged_model(shelf: Path, tmp_path: Path) -> None:
    folder = make_pair(tmp_path, 2, "rgb", name="damaged")
    (folder / "down.onnx").write_bytes(b"x")
    (folder / "up.onnx").unlink()
    with pytest.raises(ModelError, match="does not match the SHA-256"):
        shrink(picture(), model=folder)
    with pytest.raises(ModelError, match="cannot read"):
        restore(picture(), model=folder)
