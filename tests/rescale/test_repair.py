"""Repairing JPEGs, and enlarging them by the family that repairs: tiny random models in a catalogue of their own."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.awkward import exif_block, icc_profile, pattern
from tests.models import make_jpeg, make_upscaler
from twinscale import load, repair, restore, upscale
from twinscale.batch import Repair, Restore, Upscale
from twinscale.batch.names import Naming
from twinscale.codecs.quantisation import Quantisation
from twinscale.errors import ModelError, UsageError
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.rescale.upscale import REPAIRED
from twinscale.zoo import catalogue, load_card

pytestmark = pytest.mark.usefixtures("shipped")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for scale in (1, 2, 4):
        make_jpeg(folder, scale)
    make_upscaler(folder, 2, "y", name="fast-x2")
    make_upscaler(folder, 3, "rgb", name="fast-x3")
    return folder


@pytest.fixture
def none_for_jpegs(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for scale in (2, 3):
        shutil.copytree(shelf / f"fast-x{scale}", tmp_path / f"fast-x{scale}")
    monkeypatch.setattr(catalogue, "_SHIPPED", tmp_path)


def jpeg(quality: int = 40, subsampling: str = "4:2:0", *, channels: int = 3, **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pattern(21, 34, channels).squeeze())
    image.save(file, "JPEG", quality=quality, subsampling=subsampling, **options)
    return file.getvalue()


def in_torch(scale: int, planes: np.ndarray, quantisation: Quantisation) -> np.ndarray:
    """What the tiny network makes of a picture and of what it is told, without any of the engine."""
    torch = pytest.importorskip("torch")
    from tests.models import network

    conditions = np.broadcast_to(np.float32(quantisation.conditions()), (*planes.shape[:2], 3))
    batch = np.concatenate((planes, conditions), axis=2).transpose(2, 0, 1)[None]
    with torch.no_grad():
        made: np.ndarray = network("jpeg", scale, 3)(torch.from_numpy(batch.copy()))[0].permute(1, 2, 0).numpy()
    return made


class TestRepair:
    @pytest.mark.parametrize(("quality", "subsampling"), [(10, "4:2:0"), (75, "4:4:4"), (97, "4:2:2")])
    def test_the_network_is_told_what_the_file_says(self, quality: int, subsampling: str) -> None:
        data = jpeg(quality, subsampling)
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        sampling = {"4:2:0": (2, 2), "4:2:2": (1, 2), "4:4:4": (1, 1)}[subsampling]
        margin = 20  # further than the network looks, and a multiple of the squares that it works on
        mirrored = np.pad(pixels, ((margin, margin + 1), (margin, margin), (0, 0)), mode="symmetric")
        expected = in_torch(1, mirrored / np.float32(255), Quantisation.standard(quality, sampling))
        expected = expected[margin : margin + 21, margin : margin + 34]
        repaired = repair(data)
        assert repaired.quantisation is None
        assert repaired.notes == ()
        difference = np.abs(repaired.pixels - np.clip(expected, 0, 1) * 255)
        # The last row is mirrored after it was repeated to an even number, so the lowest may differ.
        assert difference[: 21 - margin // 2].max() <= 1

    def test_what_is_kept(self) -> None:
        file = jpeg(exif=b"Exif\0\0" + exif_block(), icc_profile=icc_profile(b"RGB "))
        before, after = Picture.read(file), repair(file)
        assert (after.height, after.width, after.depth) == (before.height, before.width, 8)
        assert (after.exif, after.icc, after.xmp) == (before.exif, before.icc, before.xmp)
        deep = repair(before.with_depth(16))
        assert deep.depth == 16
        assert np.abs(deep.with_depth(8).pixels.astype(int) - after.pixels).max() <= 1
        grey = repair(jpeg(channels=1))
        assert grey.is_grey

    def test_what_tells_nothing_stays_and_says_why(self) -> None:
        picture = Picture(pattern(21, 34))
        same = repair(picture)
        assert same.pixels is picture.pixels
        (note,) = same.notes
        assert "--saved-at 75" in note

    @pytest.mark.parametrize("quality", [98, 100])
    def test_what_lost_next_to_nothing_stays(self, quality: int) -> None:
        data = jpeg(quality)
        same = repair(data)
        np.testing.assert_array_equal(same.pixels, Picture.read(data).pixels)
        assert same.notes == (f"nothing to repair: a JPEG of quality {quality} lost next to nothing",)

    def test_the_user_knows_better(self) -> None:
        data = jpeg(50)
        converted = Picture(Picture.read(data).pixels)
        np.testing.assert_array_equal(repair(converted, saved_at=50).pixels, repair(data).pixels)
        assert not np.array_equal(repair(data, saved_at=10).pixels, repair(data).pixels)
        with pytest.raises(UsageError, match="quality 0 is out of range"):
            repair(converted, saved_at=0)

    def test_transparency_is_none_of_a_jpegs(self) -> None:
        picture = Picture(pattern(21, 34), np.ascontiguousarray(pattern(21, 34, 4)[:, :, 3]))
        repaired = repair(picture, saved_at=30)
        assert repaired.alpha is picture.alpha
        np.testing.assert_array_equal(repaired.pixels, repair(Picture(picture.pixels), saved_at=30).pixels)

    def test_progress_and_tiles(self) -> None:
        calls: list[tuple[int, int]] = []
        data = jpeg()
        tiled = repair(data, tile=8, progress=lambda done, total: calls.append((done, total)))
        assert calls[-1] == (15, 15)
        assert np.abs(tiled.pixels.astype(int) - repair(data, tile=0).pixels).max() <= 1

    def test_models_that_enlarge_are_refused(self) -> None:
        for model in ("jpeg-x2", "jpeg", load("fast-x3")):
            with pytest.raises(UsageError, match="repair takes a model of scale 1, such as jpeg-x1"):
                repair(jpeg(), model=model)

    def test_without_the_model(self, none_for_jpegs: None) -> None:
        with pytest.raises(ModelError, match="no model 'jpeg-x1'"):
            repair(jpeg())


class TestUpscale:
    @pytest.mark.parametrize("scale", [2, 3, 4, 8])
    def test_a_jpeg_is_repaired_on_the_way(self, scale: int) -> None:
        data = jpeg()
        large = upscale(data, scale)
        np.testing.assert_array_equal(large.pixels, upscale(data, scale, model="jpeg").pixels)
        assert not np.array_equal(large.pixels, upscale(data, scale, model="fast").pixels)
        assert large.notes == (REPAIRED,)

    def test_scale_3_is_reduced_from_4(self) -> None:
        data = jpeg()
        np.testing.assert_array_equal(
            upscale(data, 3).pixels, imresize(upscale(data, 4, model="jpeg-x4").pixels, size=(63, 102))
        )

    def test_the_usual_scale_and_sizes(self) -> None:
        data = jpeg()
        np.testing.assert_array_equal(upscale(data).pixels, upscale(data, model="jpeg-x2").pixels)
        assert upscale(data, width=100).width == 100

    @pytest.mark.parametrize(("quality", "family"), [(None, "fast"), (95, "fast"), (94, "jpeg"), (1, "jpeg")])
    def test_clean_pictures_are_not(self, quality: int | None, family: str) -> None:
        picture = Picture(pattern(21, 34)) if quality is None else Picture.read(jpeg(quality))
        large = upscale(picture)
        np.testing.assert_array_equal(large.pixels, upscale(picture, model=family).pixels)
        assert large.notes == ((REPAIRED,) if family == "jpeg" else ())

    def test_a_model_that_is_named_has_the_last_word(self) -> None:
        data = jpeg()
        for model in ("fast", "fast-x2", load("fast-x2"), load_card("fast-x2")):
            large = upscale(data, 2, model=model)
            assert large.notes == ()
            np.testing.assert_array_equal(large.pixels, upscale(Picture(Picture.read(data).pixels), 2).pixels)

    def test_without_the_models_all_is_as_before(self, none_for_jpegs: None) -> None:
        large = upscale(jpeg())
        assert large.notes == ()
        np.testing.assert_array_equal(large.pixels, upscale(Picture(Picture.read(jpeg()).pixels), model="fast").pixels)

    def test_as_the_fallback_of_restore(self) -> None:
        np.testing.assert_array_equal(restore(jpeg(), fallback="upscale").pixels, upscale(jpeg(), model="jpeg").pixels)

    @pytest.mark.parametrize("scale", [None, 2, 1.5])
    def test_a_model_that_only_repairs_is_refused(self, scale: float | None) -> None:
        for model in ("jpeg-x1", load("jpeg-x1"), load_card("jpeg-x1")):
            with pytest.raises(UsageError, match="jpeg-x1 repairs pictures and does not enlarge them"):
                upscale(jpeg(), scale, model=model)
        with pytest.raises(UsageError, match="jpeg-x1 repairs pictures and does not enlarge them"):
            Naming.of(Upscale("jpeg-x1", scale), None, None)


class TestBatch:
    """What a journal must know of: every model that may have worked on a picture."""

    def test_weights_of_all_families_among_which_a_picture_chooses(self) -> None:
        names = ("fast-x2", "fast-x3", "jpeg-x2", "jpeg-x4")
        fast2, fast3, jpeg2, jpeg4 = (load_card(name).digest for name in names)
        assert Upscale().identity["weights"] == [fast2, jpeg2]
        assert Upscale(scale=3).identity["weights"] == [fast3, jpeg4]
        assert Upscale(width=100).identity["weights"] == [fast2, fast3, jpeg2, jpeg4]
        assert Upscale("fast").identity["weights"] == [fast2]
        assert Restore(fallback="upscale").identity["weights"] == [fast2, jpeg2]

    def test_weights_without_the_models(self, none_for_jpegs: None) -> None:
        assert Upscale().identity["weights"] == [load_card("fast-x2").digest]

    def test_other_weights_for_jpegs_make_another_result(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = Upscale().identity
        original = load_card

        def retrained(name: str, scale: float | None = None) -> object:
            card = original(name, scale)
            return replace(card, up=replace(card.up, sha256=64 * "0")) if name == "jpeg" else card

        monkeypatch.setattr("twinscale.batch.work.load_card", retrained)
        assert Upscale().identity != before

    def test_identity_of_repair(self) -> None:
        assert Repair().identity["weights"] == [load_card("jpeg-x1").digest]
        assert Repair().identity != Repair(saved_at=50).identity != Repair(saved_at=40).identity

    def test_names(self) -> None:
        def name(source: str, work: Repair | Upscale, **options: str | None) -> str:
            return Naming.of(work, options.get("format"), options.get("template")).name(Path(source))

        assert name("a.jpg", Repair()) == "a_repaired_jpg.png"
        assert name("a.png", Repair()) == "a_repaired.png"
        assert name("a.jpg", Repair(), format="jpg") == "a_repaired.jpg"
        assert name("a.jpg", Repair("jpeg-x1")) == "a_repaired_jpeg-x1_jpg.png"
        assert name("a.jpg", Repair(), template="{stem}-{model}.{ext}") == "a-jpeg-x1.png"
        assert name("a.jpg", Upscale()) == "a_x2.jpg"
        assert name("a.jpg", Upscale("jpeg", 3)) == "a_jpeg-x4_x3.jpg"
        with pytest.raises(UsageError, match=r"unknown placeholder \{model\}"):  # each picture chooses
            name("a.jpg", Upscale(), template="{model}.png")
