"""How results are written: what a format cannot hold is known before the network runs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from tests.awkward import exif_block, icc_profile, pattern, xmp_packet
from twinscale.batch import Downscale, Job, Outcome, Restore, Shrink, Upscale, Work, Writing, run
from twinscale.batch.work import Formats, Process
from twinscale.engine import Runtime
from twinscale.errors import OutputExistsError, PictureError, UsageError
from twinscale.images.picture import Picture
from twinscale.rescale.model import ProgressCallback


@dataclass(frozen=True)
class Each:
    """Work that calls a function with every picture, and promises a size."""

    kind: ClassVar[str] = "each"
    suffix: ClassVar[str] = "_new"
    placeholders: ClassVar[dict[str, str]] = {}
    identity: ClassVar[dict[str, Any]] = {}

    function: Callable[[Picture], Picture] = field(default=lambda picture: picture)
    promised: tuple[int, int] | None = None
    carries_tag: bool = False
    formats: Formats = "any"
    runtime: Runtime = Runtime()

    def size(self, picture: Picture) -> tuple[int, int]:
        return self.promised or (picture.height, picture.width)

    def load(self) -> Process:
        def process(picture: Picture, format: str, progress: ProgressCallback | None) -> Picture:
            return self.function(picture)

        return process


def never(picture: Picture) -> Picture:
    raise AssertionError("the network runs")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with pictures of 12x10: 8 bits, 16 bits, and half transparent with metadata."""
    monkeypatch.chdir(tmp_path)
    Picture(pattern(10, 12)).write("plain.png")
    Picture(pattern(10, 12, dtype=np.uint16)).write("deep.png")
    alpha = np.full((10, 12), 255, np.uint8)
    alpha[:, 6:] = 0
    Picture(pattern(10, 12), alpha, icc_profile(b"RGB "), exif_block(), xmp_packet()).write("cut.png")
    return tmp_path


PLAIN = Writing()


def outcome_of(source: str, target: str, work: Work, writing: Writing = PLAIN, **options: Any) -> Outcome:
    (outcome,) = run([Job(source, target)], work, writing, **options)
    return outcome


def written(source: str, target: str, work: Work, writing: Writing = PLAIN) -> Picture:
    outcome = outcome_of(source, target, work, writing)
    assert outcome.error is None
    return Picture.read(target)


class TestBeforeTheNetwork:
    @pytest.mark.parametrize(
        ("source", "target", "promised", "error", "message"),
        [
            ("plain.png", "a.webp", (5, 16384), PictureError, "WEBP cannot hold 16384 x 5 pixels"),
            ("plain.png", "a.jpg", (65501, 5), PictureError, "JPEG cannot hold 5 x 65501 pixels"),
            ("deep.png", "a.jpg", None, PictureError, "JPEG cannot hold 16-bit samples; .* --depth 8"),
            ("cut.png", "a.jpg", None, PictureError, "JPEG cannot hold transparency; .* --background white"),
        ],
    )
    def test_what_the_format_cannot_hold(
        self, source: str, target: str, promised: tuple[int, int] | None, error: type, message: str
    ) -> None:
        outcome = outcome_of(source, target, Each(never, promised))
        assert isinstance(outcome.error, error)
        assert outcome.error.args[0].startswith(f"{source}: ")
        with pytest.raises(error, match=message):
            raise outcome.error
        assert not Path(target).exists()

    @pytest.mark.parametrize(
        ("target", "writing", "carries_tag", "error", "message"),
        [
            ("a.png", Writing(quality=80), False, UsageError, "quality 80 means nothing to PNG"),
            ("a.bmp", Writing(), True, UsageError, "BMP cannot hold the tag"),
            ("plain.png/a.png", Writing(), False, PictureError, r"plain\.png is a file, so it cannot hold plain\.png"),
            ("plain.png/b/a.png", Writing(), False, PictureError, r"plain\.png is a file"),
            ("deep.png", Writing(), False, OutputExistsError, "already exists"),
        ],
    )
    def test_what_is_known_before_the_picture_is_read(
        self,
        monkeypatch: pytest.MonkeyPatch,
        target: str,
        writing: Writing,
        carries_tag: bool,
        error: type,
        message: str,
    ) -> None:
        monkeypatch.setattr(Picture, "of_file", lambda *_, **__: pytest.fail("the picture is read"))
        outcome = outcome_of("plain.png", target, Each(never, carries_tag=carries_tag), writing)
        assert isinstance(outcome.error, error)
        with pytest.raises(error, match=f"^plain.png: .*{message}"):
            raise outcome.error

    def test_a_folder_that_may_not_be_written_to(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os.access", lambda path, mode: Path(path) != folder)
        outcome = outcome_of("plain.png", "new/a.png", Each(never))
        assert isinstance(outcome.error, PictureError)
        assert "may not be written to" in str(outcome.error)

    @pytest.mark.parametrize(
        ("writing", "message"),
        [
            (Writing("foo"), "format 'foo' is not supported; choose one of PNG, JPEG"),
            (Writing("png", 80), "quality 80 means nothing to PNG"),
            (Writing("jpg", 101), "quality 101 is out of range"),
            (Writing(background="blanc"), "'blanc'"),
        ],
    )
    def test_what_is_wrong_for_all_is_raised_once(self, writing: Writing, message: str) -> None:
        jobs = [Job("plain.png", "a.png"), Job("deep.png", "b.png")]
        with pytest.raises(UsageError, match=message):
            list(run(jobs, Each(never), writing))

    @pytest.mark.parametrize(
        ("name", "format"), [("jpg", "JPEG"), ("tif", "TIFF"), ("jp2", "JPEG2000"), (".PNG", "PNG")]
    )
    def test_extensions_are_names_of_formats(self, name: str, format: str) -> None:
        assert outcome_of("plain.png", f"a.{name.strip('.')}", Each(), Writing(name)).error is None
        assert Picture.read(f"a.{name.strip('.')}").format == format

    def test_more_pixels_than_allowed(self) -> None:
        outcome = outcome_of("plain.png", "a.png", Each(never), max_pixels=119)
        assert isinstance(outcome.error, PictureError)
        assert "--max-pixels 120" in str(outcome.error)
        assert outcome_of("plain.png", "a.png", Each(), max_pixels=120).error is None


class TestSize:
    """What is promised is what comes out."""

    @pytest.mark.parametrize(
        "work", [Upscale("srcnn-x2"), Upscale("srcnn", 2.5), Upscale("srcnn-x3", 1.1), Upscale(scale=3)]
    )
    def test_upscaling(self, work: Upscale) -> None:
        picture = Picture(pattern(11, 13))
        assert work.size(picture) == work.load()(picture, "PNG", None).pixels.shape[:2]

    @pytest.mark.parametrize("scale", [2, 3, 16])
    def test_downscaling(self, scale: int) -> None:
        picture, work = Picture(pattern(11, 13)), Downscale("dpid", scale)
        assert work.size(picture) == work.load()(picture, "PNG", None).pixels.shape[:2]

    def test_shrinking_and_restoring(self) -> None:
        pair = "dsn-x3"
        picture = Picture(pattern(11, 13))
        small = Shrink(pair).load()(picture, "PNG", None)
        assert Shrink(pair).size(picture) == small.pixels.shape[:2] == (4, 5)
        assert Restore(pair).size(small) == (11, 13)
        untagged = small.without_metadata()
        for work in (Restore(pair), Restore(fallback="bicubic", scale=4), Restore(fallback="upscale")):
            assert work.size(untagged) == work.load()(untagged, "PNG", None).pixels.shape[:2]


class TestDepth:
    def test_more_bits_come_before_the_network_and_fewer_after_it(self) -> None:
        seen = []

        def note(picture: Picture) -> Picture:
            seen.append(picture.depth)
            return picture

        assert written("plain.png", "a.png", Each(note), Writing(depth=16)).depth == 16
        assert written("deep.png", "b.jpg", Each(note), Writing(depth=8)).depth == 8
        assert seen == [16, 16]

    def test_levels(self) -> None:
        deep = written("plain.png", "a.png", Each(), Writing(depth=16))
        np.testing.assert_array_equal(deep.pixels, pattern(10, 12).astype(np.uint16) * 257)


class TestBackground:
    def test_transparent_pixels_take_its_colour(self) -> None:
        flat = written("cut.png", "a.png", Each(), Writing(background="#0a141e"))
        assert flat.alpha is None
        np.testing.assert_array_equal(flat.pixels[:, :6], pattern(10, 12)[:, :6])
        assert (flat.pixels[:, 6:] == (10, 20, 30)).all()

    def test_a_format_without_transparency_takes_it(self) -> None:
        assert written("cut.png", "a.jpg", Each(), Writing(background="white")).pixels[:, 8:].min() > 230


class TestStrip:
    def test_exif_and_xmp_go_and_the_profile_stays(self) -> None:
        kept, stripped = written("cut.png", "a.png", Each()), written("cut.png", "b.png", Each(), Writing(strip=True))
        assert kept.exif
        assert kept.xmp
        assert (stripped.exif, stripped.xmp, stripped.icc) == (None, None, kept.icc)

    def test_a_classical_result_has_nothing_to_keep(self) -> None:
        assert written("cut.png", "a.png", Downscale("area")).xmp
        small = written("cut.png", "b.png", Downscale("area"), Writing(strip=True))
        assert (small.exif, small.xmp) == (None, None)

    def test_a_shrunk_picture_keeps_its_tag_only(self) -> None:
        title = "Boxkämpfer".encode()
        assert title in (written("cut.png", "b.png", Shrink()).xmp or b"")
        small = written("cut.png", "a.png", Shrink(), Writing(strip=True, background="white"))
        assert small.exif is None
        assert small.alpha is None
        assert small.xmp is not None
        assert title not in small.xmp
        back = written("a.png", "c.png", Restore())
        assert (back.height, back.width) == (10, 12)
        assert back.xmp is None


class TestBytes:
    def test_before_and_after_are_reported(self) -> None:
        outcome = outcome_of("plain.png", "a.jpg", Each())
        assert outcome.input_bytes == Path("plain.png").stat().st_size
        assert outcome.bytes == Path("a.jpg").stat().st_size

    def test_a_small_file_with_more_bytes_is_remarked_upon(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save("small.jpg", quality=20)
        (note,) = outcome_of("small.jpg", "large.png", Each(carries_tag=True)).notes
        assert note == "the small file has more bytes than the input: -f webp takes fewer"
        (note,) = outcome_of("small.jpg", "deeper.png", Each(carries_tag=True), Writing(depth=16)).notes
        assert note.endswith("--depth 8 takes fewer")  # WebP could not hold it
        assert outcome_of("small.jpg", "upscaled.png", Each()).notes == ()
        assert outcome_of("large.png", "small.webp", Each(carries_tag=True)).notes == ()
