"""Packing: the choice on curves that are known, and real files with tiny random models in a catalogue of their own."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.awkward import exif_block, icc_profile, pattern, xmp_packet
from tests.models import make_jpeg, make_pair, make_upscaler
from twinscale import Packed, Picture, pack, restore
from twinscale.codecs.encoding import Encoded
from twinscale.errors import PictureError, UsageError
from twinscale.rescale.distortion import psnr, ssim

packing = sys.modules["twinscale.rescale.pack"]  # the package has a function of this name


@dataclass(frozen=True)
class Curve:
    """A way of which all is known: its files hold their quality, and what comes back is the picture and some noise."""

    sizes: Callable[[int], int]
    errors: Callable[[int], float]
    name: str | None = None
    format: str = "JPEG"
    scale: Fraction = Fraction(1)

    @property
    def model(self) -> Any:
        return self.name and SimpleNamespace(card=SimpleNamespace(name=self.name))

    def shrink(self, picture: Picture, **_: Any) -> Picture:
        return picture

    def code(self, small: Picture, quality: int | None) -> bytes:
        assert quality is not None
        return bytes([quality]).ljust(self.sizes(quality), b"\0")

    def sealed(self, small: Picture, quality: int, data: bytes) -> Encoded:
        return Encoded(data)

    def restore(self, data: bytes, **_: Any) -> Picture:
        signs = np.where(np.indices(GREY.pixels.shape).sum(axis=0) % 2, 1, -1)
        return Picture((0.5 + signs * self.errors(data[0])).astype(np.float32))


GREY = Picture(np.full((20, 20, 1), 0.5, np.float32))
ALONE = Curve(lambda quality: 1000 + 40 * quality, lambda quality: 0.2 / (4 + quality))
EARLY = Curve(lambda quality: 900 + 20 * quality, lambda quality: 0.03 + 0.05 / quality, "early")  # better when small
WORSE = Curve(lambda quality: 1100 + 50 * quality, lambda quality: 0.3 / (4 + quality), "worse")
BUMPY = Curve(lambda quality: 1300 + 20 * (quality ^ 3), lambda quality: 0.1 / (4 + (quality ^ 5)), "bumpy")


@pytest.fixture
def curves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "ways", lambda format, runtime: [ALONE, EARLY, WORSE])
    monkeypatch.setattr(packing, "_check", lambda *_: None)


def decibels(error: float) -> float:
    return -20 * math.log10(error)


def of_plain_loop(good: Callable[[int, float], bool], best: Callable[[int, float], float]) -> tuple[str | None, int]:
    """What is best of all files that are good enough."""
    files = [(way, quality) for way in (ALONE, EARLY, WORSE) for quality in range(1, 101)]
    facts = {(way.name, quality): (way.sizes(quality), decibels(way.errors(quality))) for way, quality in files}
    return min((key for key, fact in facts.items() if good(*fact)), key=lambda key: best(*facts[key]))


def chosen(result: Packed) -> tuple[str | None, int | None]:
    return result.measured.model, result.measured.quality


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("limit", [920, 1039, 1040, 1500, 2000, 2899, 3000, 4999, 5000, 9000])
def test_the_best_within_bytes_is_that_of_a_plain_loop(limit: int) -> None:
    result = pack(GREY, target_size=limit)
    assert chosen(result) == of_plain_loop(lambda size, _: size <= limit, lambda _, good: -good)
    assert len(result.data) == result.measured.bytes <= limit
    assert (result.alone is None) == (limit < 1040)
    assert result.alone is None or result.alone.psnr <= result.measured.psnr


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("level", [20.0, 29.0, 30.4, 33.0, 45.0, decibels(ALONE.errors(100)) - 1e-4])
def test_the_fewest_bytes_are_those_of_a_plain_loop(level: float) -> None:
    result = pack(GREY, min_psnr=level)
    assert chosen(result) == of_plain_loop(lambda _, good: good >= level, lambda size, _: size)
    assert result.measured.psnr >= level
    assert result.alone is not None
    assert result.alone.bytes >= result.measured.bytes


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("quality", [None, 1, 2, 40, 100])
def test_as_good_as_the_codec_alone_in_no_more_bytes(quality: int | None) -> None:
    result = pack(GREY, quality=quality)
    assert result.alone is not None
    assert result.alone.quality == (quality or 75)
    assert result.measured.psnr >= result.alone.psnr
    assert result.measured.bytes <= result.alone.bytes


@pytest.mark.usefixtures("curves")
def test_targets_out_of_reach() -> None:
    with pytest.raises(UsageError, match=r"does not fit into 900 bytes as JPEG: it takes 920 at least"):
        pack(GREY, target_size=900)
    with pytest.raises(UsageError, match=r"no JPEG of the picture reaches 60: 54\.\d+ at most"):
        pack(GREY, min_psnr=60)


def test_on_curves_that_rise_and_fall_all_promises_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "ways", lambda format, runtime: [replace(BUMPY, name=None), BUMPY, EARLY])
    monkeypatch.setattr(packing, "_check", lambda *_: None)
    for limit in range(1350, 3300, 130):
        assert len(pack(GREY, target_size=limit).data) <= limit
    for level in (25.0, 31.0, 44.0):
        assert pack(GREY, min_psnr=level).measured.psnr >= level
    for quality in range(1, 101, 7):
        result = pack(GREY, quality=quality)
        assert result.measured.psnr >= decibels(BUMPY.errors(quality)) - 1e-3
        assert result.measured.bytes <= BUMPY.sizes(quality)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_pair(folder, 2, "rgb", name="twin-x2")
    make_upscaler(folder, 2, "rgb", name="fast-x2")
    make_jpeg(folder, 1)
    make_jpeg(folder, 2)
    return folder


def picture(height: int = 96, width: int = 120, channels: int = 3, dtype: type = np.uint8) -> Picture:
    profile = icc_profile(b"GRAY" if channels == 1 else b"RGB ")
    return Picture(pattern(height, width, channels, dtype), None, icc=profile, exif=exif_block(), xmp=xmp_packet())


def opened(result: Packed) -> Picture:
    return restore(result.data) if result.measured.model else Picture.read(result.data)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "JPEGXL", "JPEG2000", "PNG"])
def test_what_is_printed_is_what_comes_back(format: str) -> None:
    original = picture()
    lossless = len(original.encode(format))
    result = pack(original, format, target_size=lossless * 6 // 10)
    assert len(result.data) <= lossless * 6 // 10
    back = opened(result)
    assert (back.height, back.width) == (96, 120)
    assert result.measured.psnr == psnr(original, back)
    assert result.measured.ssim == ssim(original, back)
    assert result.measured.bits_per_pixel == 8 * len(result.data) / (96 * 120)
    assert (result.height, result.width) == Picture.read(result.data).pixels.shape[:2]
    plain = Picture.read(original.encode(format))
    assert (back.icc, back.exif) == (plain.icc, plain.exif)
    assert (format == "JPEGXL") == any("ICC profile left out" in note for note in result.notes)


@pytest.mark.usefixtures("shipped")
def test_pieces_of_a_large_picture_choose_and_the_whole_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    original = picture(200, 310)
    monkeypatch.setattr(packing, "_WHOLE", 100 * 100)
    monkeypatch.setattr(packing, "_PIECE", 48)
    part, share = packing._part(original)
    assert part.pixels.shape == (144, 144, 3)
    assert share == 144 * 144 / (200 * 310)
    np.testing.assert_array_equal(part.pixels[:48, :48], original.pixels[0:48, 16:64])
    whole = pack(original, target_size=9000, compare=["webp"])
    assert len(whole.data) <= 9000
    assert whole.measured.psnr == psnr(original, opened(whole))
    assert whole.alone is not None
    assert whole.alone.psnr <= whole.measured.psnr
    more = len(original.encode("JPEG", quality=(whole.alone.quality or 0) + 1))
    assert whole.alone.bytes <= 9000 < more
    rival = whole.compared["WEBP"]
    assert rival is not None
    assert rival.quality is not None
    assert rival.bytes == len(original.encode("WEBP", quality=rival.quality)) <= len(whole.data)
    assert rival.quality == 100 or len(original.encode("WEBP", quality=rival.quality + 1)) > len(whole.data)
    at_thirty = pack(original, quality=30)
    assert at_thirty.alone is not None
    assert at_thirty.measured.psnr >= psnr(original, Picture.read(original.encode("JPEG", quality=30)))
    assert len(at_thirty.data) <= len(original.encode("JPEG", quality=30))


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 40)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    result = pack(Picture(pattern(*size, 3)), quality=50)
    assert result.measured.ssim is None
    assert opened(result).pixels.shape[:2] == size
    with pytest.raises(UsageError, match="SSIM needs sides of at least 11 pixels"):
        pack(Picture(pattern(*size, 3)), min_ssim=0.9)


@pytest.mark.usefixtures("shipped")
def test_alpha_grey_and_depth() -> None:
    alpha = np.ascontiguousarray(pattern(40, 50, 4)[:, :, 3])
    transparent = Picture(pattern(40, 50, 3), alpha)
    for format, aim in (("webp", {"quality": 40}), ("png", {"target_size": 4000}), ("avif", {"quality": 40})):
        back = opened(pack(transparent, format, **aim))
        assert back.alpha is not None
        assert np.abs(back.alpha.astype(int) - alpha).mean() < 30
    assert opened(pack(picture(40, 50, 1), quality=30)).is_grey
    deep = picture(40, 50, 3, np.uint16)
    assert opened(pack(deep, "jxl", quality=30)).depth == 16
    assert opened(pack(deep, "png", target_size=len(deep.encode("PNG")) // 2)).depth == 16
    with pytest.raises(PictureError, match=r"JPEG cannot hold 16-bit samples; .* --depth 8"):
        pack(deep)
    with pytest.raises(PictureError, match=r"JPEG cannot hold transparency; .* --background white"):
        pack(transparent)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quality": 80, "target_size": 900}, "quality and target_size contradict each other: give one of them"),
        ({"quality": 0}, "quality 0 is out of range; give 1 to 100"),
        ({"target_size": 0}, "a file of 0 bytes is not possible"),
        ({"min_psnr": math.inf}, "a PSNR of inf dB is out of range"),
        ({"min_ssim": 1.5}, "an SSIM of 1.5 is out of range"),
        ({"format": "gif", "target_size": 900}, "GIF cannot hold the tag that restore needs"),
        ({"format": "png"}, "PNG is lossless, so no quality says .*: give the size of the file"),
        ({"format": "nosuch"}, "nosuch"),
        ({"compare": ["nosuch"]}, "nosuch"),
    ],
)
def test_what_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pack(picture(), **arguments)


@pytest.mark.usefixtures("shipped")
def test_an_interrupt_is_heard_within_every_step() -> None:
    calls: list[tuple[int, int]] = []
    pack(picture(), quality=50, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1][0] <= calls[-1][1]
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(picture(), quality=50, progress=interrupt)


@pytest.mark.usefixtures("shipped")
def test_writes_whole_files(tmp_path: Path) -> None:
    result = pack(picture(), quality=50)
    result.write(tmp_path / "small.jpg")
    assert (tmp_path / "small.jpg").read_bytes() == result.data
