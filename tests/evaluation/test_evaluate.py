"""Measuring a model, against the steps of the protocol done by hand."""

import io
import re
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from tests.models import make_jpeg, make_pair, make_upscaler
from twinscale import evaluate, load
from twinscale.codecs.quantisation import Quantisation
from twinscale.engine import Runtime, run
from twinscale.engine.operation import on_grey
from twinscale.errors import DatasetError, UsageError
from twinscale.evaluation.looks import Looks
from twinscale.images.metrics import psnr, ssim
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mine")
    Picture(skimage.data.astronaut()[10:57, 190:252]).write(folder / "astronaut.png")
    Picture(skimage.data.camera()[100:140, 200:250, None]).write(folder / "camera.png")
    return folder


def y_of(levels: np.ndarray) -> np.ndarray:
    return 16 + (levels.astype(np.float64) @ [[65.481], [128.553], [24.966]]) / 255


def test_luminance_upscaler(pictures: Path, tmp_path: Path) -> None:
    model = load(make_upscaler(tmp_path, 2, "y"), runtime=Runtime(1))
    result = evaluate(model, pictures)
    assert (result.dataset, [p.name for p in result.pictures]) == (pictures.name, ["astronaut", "camera"])

    y = y_of(skimage.data.astronaut()[10:56, 190:252])
    enlarged = imresize(imresize(y, 0.5), 2)
    ours = model.enlargement(imresize(y, 0.5).astype(np.float32) / 255) * 255
    x, bicubic, network = (np.floor(np.clip(z, 0, 255) + 0.5)[2:-2, 2:-2] for z in (y, enlarged, ours))
    measured = result.pictures[0]
    assert measured.bicubic.psnr_y == pytest.approx(psnr(x, bicubic), abs=0.002)
    assert measured.ours.psnr_y == pytest.approx(psnr(x, network), abs=0.002)
    assert measured.ours.ssim_y == pytest.approx(ssim(x, network), abs=1e-4)
    assert measured.ours.psnr_rgb is None
    assert measured.megapixels == pytest.approx(46 * 62 / 1e6)


@pytest.mark.parametrize("scale", [1, 2])
def test_networks_for_jpegs_are_told_the_quality(pictures: Path, tmp_path: Path, scale: int) -> None:
    model = load(make_jpeg(tmp_path, scale), runtime=Runtime(1))
    result = evaluate(model, pictures, jpeg=40)
    truths = [skimage.data.astronaut()[10 : 57 - 47 % scale, 190:252], skimage.data.camera()[100:140, 200:250, None]]
    for measured, levels in zip(result.pictures, truths, strict=True):
        grey = levels.shape[2] == 1
        small = imresize(levels, 1 / scale) if scale > 1 else levels
        file = io.BytesIO()
        Image.fromarray(small.squeeze()).save(file, "JPEG", quality=40, subsampling="4:2:0")
        received = np.asarray(Image.open(file)).reshape(small.shape).astype(np.float32) / 255
        told = model.enlargement_told(Quantisation.standard(40, grey=grey).conditions())
        restored = run(on_grey(told) if grey else told, received) * 255
        enlarged = received * 255 if scale == 1 else imresize(np.round(received * 255).astype(np.uint8), scale)
        inner = (slice(scale, -scale),) * 2
        for ours, scores in ((restored, measured.ours), (enlarged, measured.bicubic)):
            rounded = np.floor(np.clip(ours.astype(np.float64), 0, 255) + 0.5)[inner]
            x, y = (levels[inner], rounded) if grey else (y_of(levels[inner]), y_of(rounded))
            assert scores.psnr_y == pytest.approx(psnr(x, y), abs=0.01)
    with pytest.raises(UsageError, match="quality 0 is out of range"):
        evaluate(model, pictures, jpeg=0)


def test_rgb_pair_stores_the_small_picture_as_8_bits(pictures: Path, tmp_path: Path) -> None:
    model = load(make_pair(tmp_path, 2, "rgb"), runtime=Runtime(1))
    result = evaluate(model, pictures)

    levels = skimage.data.astronaut()[10:56, 190:252]
    small = np.floor(np.clip(model.reduction(levels.astype(np.float32) / 255), 0, 1) * 255 + 0.5)
    restored = np.floor(np.clip(model.enlargement(small.astype(np.float32) / 255), 0, 1) * 255 + 0.5)
    inner = (slice(2, -2),) * 2
    measured = result.pictures[0].ours
    assert measured.psnr_rgb == pytest.approx(psnr(levels[inner], restored[inner]), abs=0.01)
    assert measured.psnr_y == pytest.approx(psnr(y_of(levels)[inner], y_of(restored)[inner]), abs=0.01)
    assert result.pictures[1].ours.psnr_rgb is None  # grey is measured as grey


def test_looks_compare_8_bits_with_8_bits(pictures: Path, tmp_path: Path) -> None:
    levels = skimage.data.astronaut()[10:56, 190:252]
    camera = skimage.data.camera()[100:140, 200:250, None]
    rgb, luma = (
        load(make_pair(tmp_path, 2, "rgb"), runtime=Runtime(1)),
        load(make_pair(tmp_path, 2, "y"), runtime=Runtime(1)),
    )

    small = np.floor(np.clip(rgb.reduction(levels.astype(np.float32) / 255), 0, 1) * 255 + 0.5).astype(np.uint8)
    colour, grey = (picture.looks for picture in evaluate(rgb, pictures).pictures)
    expected = Looks.beside(small, imresize(levels, 0.5))
    assert astuple(colour) == pytest.approx(astuple(expected))
    three = rgb.reduction(np.repeat(camera, 3, axis=2).astype(np.float32) / 255) @ np.float32([0.299, 0.587, 0.114])
    small = np.floor(np.clip(three, 0, 1) * 255 + 0.5)[:, :, None]
    assert grey.fidelity == pytest.approx(psnr(small, imresize(camera, 0.5)), abs=0.01)

    y = y_of(levels)
    small = np.floor(np.clip(luma.reduction(y.astype(np.float32) / 255), 0, 1) * 255 + 0.5)
    result = evaluate(luma, pictures)
    assert result.pictures[0].looks.fidelity == pytest.approx(psnr(small, np.round(imresize(y, 0.5))), abs=0.01)
    assert result.looks == Looks.mean([picture.looks for picture in result.pictures])


def test_an_upscaler_has_no_looks(pictures: Path, tmp_path: Path) -> None:
    result = evaluate(load(make_upscaler(tmp_path, 2, "y"), runtime=Runtime(1)), pictures)
    assert result.looks is None
    assert [picture.looks for picture in result.pictures] == [None, None]


def test_ensemble(pictures: Path, tmp_path: Path) -> None:
    model = load(make_upscaler(tmp_path, 2, "y"), runtime=Runtime(1))
    plain, ensemble = evaluate(model, pictures), evaluate(model, pictures, ensemble=True)
    assert (plain.ensemble, ensemble.ensemble) == (False, True)
    assert ensemble.bicubic == plain.bicubic

    levels = skimage.data.camera()[100:140, 200:250, None]
    small = imresize(levels.astype(np.float64), 0.5).astype(np.float32) / 255
    turns = [(quarters, side) for quarters in range(4) for side in (1, -1)]
    runs = [np.rot90(model.enlargement(np.rot90(small[:, ::side], k).copy()), -k)[:, ::side] for k, side in turns]
    ours = np.floor(np.clip(np.mean(runs, axis=0) * 255, 0, 255) + 0.5)
    inner = (slice(2, -2),) * 2
    assert ensemble.pictures[1].ours.psnr_y == pytest.approx(psnr(levels[inner], ours[inner]), abs=0.002)
    assert abs(ensemble.pictures[1].ours.psnr_y - plain.pictures[1].ours.psnr_y) > 0.01


def test_means_and_progress(pictures: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    model = load(make_pair(tmp_path, 2, "rgb"), runtime=Runtime(1))
    result = evaluate(model, pictures, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]
    first, second = (p.ours for p in result.pictures)
    assert result.ours.psnr_y == pytest.approx((first.psnr_y + second.psnr_y) / 2)
    assert result.ours.ssim_y == pytest.approx((first.ssim_y + second.ssim_y) / 2)
    assert result.ours.psnr_rgb == first.psnr_rgb  # over the pictures that have one
    assert result.bicubic.psnr_y == pytest.approx(np.mean([p.bicubic.psnr_y for p in result.pictures]))
    assert result.seconds_per_megapixel > 0
    assert result.published is None


def test_errors(tmp_path: Path) -> None:
    model = load(make_pair(tmp_path / "models", 2, "rgb"), runtime=Runtime(1))
    with pytest.raises(DatasetError):
        evaluate(model, tmp_path / "nowhere")
    (tmp_path / "tiny").mkdir()
    Picture(np.zeros((14, 40, 3), np.uint8)).write(tmp_path / "tiny" / "a.png")
    with pytest.raises(UsageError, match="40x14 is too small to measure at x2"):
        evaluate(model, tmp_path / "tiny")


def test_a_pair_trained_through_jpeg_is_measured_so(pictures: Path, tmp_path: Path) -> None:
    """At its card's quality, as if that had been asked for, and beside bicubic through the same files."""
    plain = make_pair(tmp_path, 2, "rgb")
    expected = [evaluate(load(plain, runtime=Runtime(1)), pictures, jpeg=quality) for quality in (40, 80)]
    card = plain / "card.toml"
    channel = 'channel = "jpeg"\nchannel_parameters = { quality = 40 }'
    card.write_text(re.sub(r"channel = .*\nchannel_parameters = .*", channel, card.read_text()))
    trained = load(plain, runtime=Runtime(1))
    for measured, asked in zip(expected, (None, 80), strict=True):
        result = evaluate(trained, pictures, jpeg=asked)
        assert result.protocol == measured.protocol
        assert (result.ours, result.bicubic, result.looks) == (measured.ours, measured.bicubic, measured.looks)
