import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from twinscale.datasets import find_pictures
from twinscale.errors import DatasetError, UsageError
from twinscale.images.colour import luminance
from twinscale.images.resize import imresize
from twinscale.training.build import build
from twinscale.training.data import Crops, Example, draw_examples, load_examples, validation_examples
from twinscale.training.recipe import DataSpec

SIDES = [(20, 26), (12, 12), (31, 17)]
CPU = torch.device("cpu")


# load_examples


def examples_of(recipe):
    return load_examples(find_pictures(recipe.data.train[0]), recipe, build(recipe))


def test_luminance_pair_sees_exact_luminance(recipe, folder):
    first = examples_of(recipe())[0]
    rgb = np.asarray(Image.open(folder / "p00.png"), dtype=np.float32) / 255
    assert first.low is None
    assert first.truth.dtype == np.float32
    np.testing.assert_allclose(first.truth, luminance(rgb), atol=1e-6)


def test_rgb_is_kept_in_levels(recipe, folder):
    first = examples_of(recipe(colour="rgb"))[0]
    assert first.truth.dtype == np.uint8
    np.testing.assert_array_equal(first.truth, np.asarray(Image.open(folder / "p00.png")))


@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_super_resolution_starts_from_the_bicubic_reduction_and_enlargement(recipe, colour):
    made = recipe(architecture="srcnn", scale=7, colour=colour)  # 60 x 72 is cut to 56 x 70
    first = examples_of(made)[0]
    assert first.truth.shape[:2] == (56, 70)
    expected = imresize(imresize(first.truth, 1 / 7), size=(56, 70))
    np.testing.assert_array_equal(first.low, expected)


@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_all_pictures_can_be_reduced_first(recipe, folder, colour):
    made = recipe(architecture="dncnn", scale=1, colour=colour, reduced_first=7)  # 60 x 72 is cut to 56 x 70
    made = replace(made, data=replace(made.data, crop=8))
    first, (validated,) = examples_of(made)[0], validation_examples([folder / "p00.png"], reduced_first=7)
    small = imresize(np.asarray(Image.open(folder / "p00.png"))[:56, :70], 1 / 7)
    np.testing.assert_array_equal(validated, small.astype(np.float32) / 255)
    expected = small if colour == "rgb" else luminance(validated)
    np.testing.assert_array_equal(first.truth, expected)
    np.testing.assert_array_equal(first.low, expected)


def test_blur_is_a_gaussian_sampled_at_the_centre_of_each_block(recipe, monkeypatch):
    monkeypatch.setattr("twinscale.nets.srcnn.SRCNN.interpolated_input", False)
    first = examples_of(recipe(architecture="srcnn", scale=3, crop=15, blur=1.0))[0]
    blurred = ndimage.gaussian_filter(first.truth[:, :, 0].astype(np.float64), 1.0, mode="reflect")
    np.testing.assert_allclose(first.low[:, :, 0], blurred[1::3, 1::3], atol=1e-3)


def test_blur_does_not_shift(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("twinscale.nets.srcnn.SRCNN.interpolated_input", False)
    ramp = np.add.outer(np.arange(40), 2 * np.arange(40)).astype(np.uint8)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    (first,) = examples_of(recipe(architecture="srcnn", blur=1.0, train=[str(tmp_path)]))
    blocks = ramp.reshape(20, 2, 20, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(first.low[4:-4, 4:-4, 0] * 255, blocks[4:-4, 4:-4], atol=1e-3)


def test_grey_pictures_train_rgb_networks(recipe, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    (example,) = examples_of(recipe(colour="rgb", train=[str(tmp_path)]))
    np.testing.assert_array_equal(example.truth, np.stack([grey] * 3, axis=2))
    (example,) = examples_of(recipe(colour="y", train=[str(tmp_path)]))
    np.testing.assert_allclose(example.truth[:, :, 0], grey / 255, atol=1e-6)


@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_a_share_of_the_pixels_is_drawn(recipe, colour, tmp_path):
    Image.new("RGB", (600, 512)).save(tmp_path / "black.png")
    made = recipe(colour=colour, train=[str(tmp_path)], synthetic=0.5)
    drawn = draw_examples(examples_of(made), made, build(made))
    assert not draw_examples(examples_of(made), recipe(colour=colour), build(made))
    with pytest.raises(UsageError, match="crop = 288 is too large for drawings of 256 pixels: leave out synthetic"):
        draw_examples(examples_of(made), recipe(crop=288, synthetic=0.5), build(made))
    assert sum(example.truth[:, :, 0].size for example in drawn) == pytest.approx(600 * 512, rel=0.1)
    assert all(np.ptp(example.truth) > 0 for example in drawn)


def test_pictures_smaller_than_a_crop_are_left_out(recipe, folder, tmp_path):
    for size in ((40, 30), (15, 90)):
        Image.new("RGB", size).save(tmp_path / f"{size[0]}.png")
    (example,) = examples_of(recipe(train=[str(tmp_path)]))
    assert example.truth.shape == (30, 40, 1)
    with pytest.raises(DatasetError, match="no picture has sides of at least 32 pixels"):
        examples_of(recipe(train=[str(tmp_path)], crop=32))


def test_crop_must_be_a_multiple_of_what_the_network_works_in(recipe):
    with pytest.raises(UsageError, match="crop = 17 must be a multiple of 2 for dsn x2"):
        examples_of(recipe(crop=17))
    with pytest.raises(UsageError, match="crop = 24 must be a multiple of 16 for car x2"):
        examples_of(recipe(crop=24, architecture="car", parameters={"width": 2, "upscaler": "bicubic"}))
    assert examples_of(recipe(crop=17, architecture="srcnn"))  # its input is as large as its output


@pytest.fixture
def odd(tmp_path):
    """Two pictures whose sides are multiples of nothing: 41 x 53 and 47 x 43."""
    rng = np.random.default_rng(0)
    for name, (height, width) in {"a": (41, 53), "b": (47, 43)}.items():
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_several_scales_make_several_examples_of_a_picture(recipe, odd, colour):
    made = recipe(architecture="vdsr", scale=3, colour=colour, train=[str(odd)], scales=[2, 3, 4])
    examples = examples_of(made)
    assert [example.truth.shape[:2] for example in examples] == [
        *((40, 52), (39, 51), (40, 52)),
        *((46, 42), (45, 42), (44, 40)),
    ]
    for example, path, scale in zip(examples, "aaabbb", [2, 3, 4, 2, 3, 4], strict=True):
        height, width = example.truth.shape[:2]
        rgb = np.asarray(Image.open(odd / f"{path}.png"))[:height, :width]
        whole = rgb if colour == "rgb" else luminance(rgb.astype(np.float32) / 255)
        np.testing.assert_allclose(example.truth, whole, rtol=0, atol=1e-6)
        expected = imresize(imresize(example.truth, 1 / scale), size=(height, width))
        assert example.low.dtype == example.truth.dtype
        np.testing.assert_array_equal(example.low, expected)


def test_crops_come_from_every_scale(recipe, odd):
    made = recipe(architecture="vdsr", scale=3, train=[str(odd)], scales=[2, 3, 4], crop=17, batch=8)
    crops = Crops(examples_of(made), made.data, 0, CPU)
    sizes = [(40, 52), (39, 51), (40, 52), (46, 42), (45, 42), (44, 40)]
    assert len(crops) == sum((height - 16) * (width - 16) for height, width in sizes)
    low, truth = crops.batch(0)
    assert low.shape == truth.shape == (8, 1, 17, 17)


def test_without_scales_the_networks_own_counts(recipe, odd):
    own = examples_of(recipe(architecture="vdsr", scale=3, train=[str(odd)]))
    listed = examples_of(recipe(architecture="vdsr", scale=2, train=[str(odd)], scales=[3]))
    assert [example.truth.shape for example in own] == [(39, 51, 1), (45, 42, 1)]
    for example, other in zip(own, listed, strict=True):
        np.testing.assert_array_equal(example.low, other.low)


@pytest.mark.parametrize("architecture", ["espcn", "upsnet", "dsn", "twin"])
def test_several_scales_need_an_enlarged_input(recipe, architecture):
    message = rf"scales = \[2, 3\] needs a network whose input is enlarged already, such as vdsr: {architecture} has"
    with pytest.raises(UsageError, match=message):
        examples_of(recipe(architecture=architecture, scales=[2, 3]))


@pytest.mark.parametrize("reduced_by", ["nearest", "bilinear"])
def test_kernels_of_the_recipe_make_the_input(recipe, odd, reduced_by):
    small = examples_of(recipe(architecture="espcn", scale=3, crop=15, train=[str(odd)], reduced_by=reduced_by))
    enlarged = examples_of(
        recipe(architecture="vdsr", scale=3, train=[str(odd)], reduced_by=reduced_by, enlarged_by="bilinear")
    )
    for first, second in zip(small, enlarged, strict=True):
        expected = imresize(first.truth, 1 / 3, kernel=reduced_by)
        np.testing.assert_array_equal(first.low, expected)
        np.testing.assert_array_equal(second.low, imresize(expected, 3, kernel="bilinear"))


def test_validation_sees_the_centre_of_large_pictures(tmp_path):
    levels = np.zeros((500, 700, 3), dtype=np.uint8)
    levels[10:490, 110:590] = 255
    Image.fromarray(levels).save(tmp_path / "large.png")
    Image.new("L", (30, 20)).save(tmp_path / "small.png")
    large, small = validation_examples([tmp_path / "large.png", tmp_path / "small.png"])
    assert large.shape == (480, 480, 3)
    assert large.min() == 1
    assert small.shape == (20, 30, 1)


LEAN = {"architecture": "lean", "parameters": {"width": 4, "blocks": 1, "conditions": 3}}


@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_what_is_only_repaired_starts_from_the_picture_itself(recipe, colour):
    for example in examples_of(recipe(**LEAN, scale=1, colour=colour, qualities=[10, 90])):
        np.testing.assert_array_equal(example.low, example.truth)


def test_only_networks_that_see_the_small_picture_learn_from_jpegs(recipe):
    for architecture in ("dsn", "vdsr"):
        with pytest.raises(UsageError, match=rf"qualities = \[10, 90\] needs .*: {architecture} does not"):
            examples_of(recipe(architecture=architecture, qualities=[10, 90]))


def test_crops_of_jpegs_need_eight_pixels_more(recipe):
    assert len(examples_of(recipe(**LEAN, crop=44, qualities=[10, 90]))) == 12  # pictures are 60 pixels high
    with pytest.raises(DatasetError, match="no picture has sides of at least 62 pixels"):
        examples_of(recipe(**LEAN, crop=46, qualities=[10, 90]))


@pytest.mark.parametrize("scale", [1, 2])
def test_crops_of_jpegs_are_those_of_the_pictures(recipe, scale):
    """At the best quality, without subsampling, a JPEG is off by a level or two."""
    made = recipe(**LEAN, scale=scale, colour="rgb", batch=20, qualities=[100, 100], subsampling="4:4:4")
    crops = Crops(examples_of(made), made.data, 0, CPU, is_told=True)
    inputs, truth = crops.batch(0)
    assert inputs.shape == (20, 6, 16 // scale, 16 // scale)
    assert truth.shape == (20, 3, 16, 16)
    assert not inputs[:, 3:].any()
    reduced = np.stack([imresize(crop, 1 / scale) for crop in truth.permute(0, 2, 3, 1).numpy()])
    inner = slice(4 // scale, -4 // scale)  # the reduction of a crop ends at its border, unlike that of the picture
    error = inputs[:, :3, inner, inner].permute(0, 2, 3, 1).numpy() - reduced[:, inner, inner]
    assert np.abs(error).max() < 4.5 / 255


def test_seed_and_step_decide_the_jpegs(recipe):
    made = recipe(**LEAN, colour="rgb", qualities=[10, 95], subsampling="any")
    examples = examples_of(made)
    one, other, later = (Crops(examples, made.data, seed, CPU, is_told=True) for seed in (0, 1, 0))
    later.batch(0)
    assert all(map(torch.equal, one.batch(7), later.batch(7)))
    assert not torch.equal(one.batch(7)[0], other.batch(7)[0])
    assert not torch.equal(one.batch(7)[0], one.batch(8)[0])


# Crops


def numbered(factor):
    """Pictures in which every pixel has a number of its own, and a number to its picture and place."""
    examples, places = [], []
    for picture, (rows, columns) in enumerate(SIDES):
        truth = np.arange(rows * factor * columns * factor).reshape(rows * factor, columns * factor)
        start = len(places)
        places += [(picture, *divmod(i, columns * factor)) for i in range(truth.size)]
        truth = (truth + start).astype(np.float32)[:, :, None]
        examples.append(Example(truth, truth[::factor, ::factor] if factor > 1 else None))
    return examples, np.array(places)


def make(factor=1, **changes):
    data = replace(DataSpec(train=[], crop=4 * factor, batch=30), **changes)
    examples, places = numbered(factor)
    return lambda **more: Crops(examples, data, more.pop("seed", 0), CPU, **more), places


def dihedral(square):
    """The eight rotations and reflections of a square of places."""
    return [np.rot90(face, turn) for face in (square, np.fliplr(square)) for turn in range(4)]


@pytest.mark.parametrize("stride", [0, 3])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_every_crop_is_a_turned_square_of_one_picture(factor, stride):
    crops, places = make(factor, stride=stride * factor)
    square = np.stack(np.mgrid[: 4 * factor, : 4 * factor], axis=2)
    seen = set()
    for step in range(6):
        low, truth = crops().batch(step)
        assert truth.shape == (30, 1, 4 * factor, 4 * factor)
        for low_crop, truth_crop in zip(low[:, 0].long().numpy(), truth[:, 0].long().numpy(), strict=True):
            where = places[truth_crop]
            assert len(set(where[:, :, 0].ravel())) == 1
            corner = where[:, :, 1:].min(axis=(0, 1))
            assert not (corner % (max(stride, 1) * factor)).any()
            turn = [np.array_equal(where[:, :, 1:] - corner, view) for view in dihedral(square)]
            assert sum(turn) == 1
            seen.add(turn.index(True))
            # Each input pixel lies where the block of truth pixels lies that it stands for.
            below = places[low_crop].repeat(factor, axis=0).repeat(factor, axis=1)
            np.testing.assert_array_equal(where // [1, factor, factor], below // [1, factor, factor])
    assert seen == set(range(8))


@pytest.mark.parametrize("factor", [1, 2])
def test_a_share_of_the_crops_is_grey(factor):
    rng = np.random.default_rng(0)
    full, small = (rng.integers(0, 256, (40 // by, 40 // by, 3), dtype=np.uint8) for by in (1, factor))
    data = DataSpec(train=[], crop=4, batch=400, grey=0.25)
    made = [Crops([Example(full, small)], each, 3, CPU).batch(0) for each in (data, replace(data, grey=0.0))]
    for crops, coloured in zip(*made, strict=True):
        is_grey = (crops == crops[:, :1]).flatten(1).all(dim=1)
        assert is_grey.sum() == pytest.approx(100, abs=30)
        torch.testing.assert_close(crops[~is_grey], coloured[~is_grey])
        luma = (coloured * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1)
        torch.testing.assert_close(crops[is_grey][:, 1], (luma[is_grey] * 255).round() / 255)
    low, truth = ((each == each[:, :1]).flatten(1).all(dim=1) for each in made[0])
    assert torch.equal(low, truth)


@pytest.mark.parametrize(("augment", "turns"), [("none", 1), ("rotations", 4), ("all", 8)])
def test_augmentation(augment, turns):
    crops, places = make(augment=augment)
    seen = set()
    for step in range(5):
        for crop in crops().batch(step)[1][:, 0].long().numpy():
            where = places[crop][:, :, 1:]
            seen.add((where - where.min(axis=(0, 1))).tobytes())
    square = np.stack(np.mgrid[:4, :4], axis=2)
    assert seen == {np.ascontiguousarray(view).tobytes() for view in dihedral(square)[:turns]}


def test_random_crops_reach_every_position():
    crops, _ = make(batch=1000)
    corners = {crop.min().item() for step in range(10) for crop in crops().batch(step)[1]}
    assert len(corners) == len(crops()) == sum((h - 3) * (w - 3) for h, w in SIDES)


@pytest.mark.parametrize("factor", [1, 2])
def test_detail_is_drawn_in_proportion(factor):
    """Of four candidates one is chosen; a chequered one has all differences 0.02, a flat one none."""
    rows, columns = np.mgrid[:12, :12]
    chequered = 0.5 + 0.01 * (-1.0) ** (rows + columns)
    examples = []
    for low in (chequered, np.full((12, 24), 0.5)):
        low = low.astype(np.float32)[:, :, None]
        examples.append(Example(low.repeat(factor, 0).repeat(factor, 1), low if factor > 1 else None))
    crops = Crops(examples, DataSpec(train=[], crop=4 * factor, batch=1, by_detail=True), 0, CPU)
    share = 9 * 9 / (9 * 9 + 9 * 21)  # of the crop positions
    detail, flat = 0.02 + 1 / 255, 1 / 255
    expected = sum(
        math.comb(4, k) * share**k * (1 - share) ** (4 - k) * k * detail / (k * detail + (4 - k) * flat)
        for k in range(5)
    )
    seen = [crops.batch(step)[0].std().item() > 0 for step in range(2000)]
    assert expected > 1.9 * share
    assert np.mean(seen) == pytest.approx(expected, abs=5 * math.sqrt(expected * (1 - expected) / 2000))


@pytest.mark.parametrize(("augment", "turns"), [("none", 1), ("rotations", 4), ("all", 8)])
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("factor", [1, 2])
def test_an_epoch_of_the_grid_sees_each_crop_in_each_turn_once(factor, ranks, augment, turns):
    positions = sum(((h - 4) // 3 + 1) * ((w - 4) // 3 + 1) for h, w in SIDES)
    assert positions == 48 + 9 + 50
    crops, _ = make(factor, stride=3 * factor, batch=10, augment=augment)
    processes = [crops(rank=rank, ranks=ranks) for rank in range(ranks)]
    assert len(processes[0]) == positions
    epoch = positions * turns  # no multiple of the batch: the last one of an epoch begins the next
    steps = range(math.ceil(2 * epoch / (10 * ranks)))
    seen = [crop.numpy().tobytes() for step in steps for p in processes for crop in p.batch(step)[1]]
    first, second = seen[:epoch], seen[epoch : 2 * epoch]
    assert len(set(first)) == epoch
    assert set(second) == set(first)
    assert second != first


def test_any_step_of_the_grid_can_be_asked_for_first():
    crops, _ = make(stride=3, batch=50, augment="rotations")
    whole = crops()
    in_order = [whole.batch(step)[1] for step in range(20)]  # an epoch has 428 crops
    assert all(torch.equal(crops().batch(step)[1], in_order[step]) for step in reversed(range(20)))


@pytest.mark.parametrize("factor", [1, 2])
def test_a_grid_to_the_border_leaves_no_pixel_out(factor):
    """Crops of 4 on pictures of 20 x 26, 12 x 12 and 31 x 17: as many as cover them, the last ones at the border."""
    crops, places = make(factor, stride=4 * factor, to_border=True, batch=5 * 7 + 3 * 3 + 8 * 5, augment="none")
    (truth,) = crops().batch(0)[1:]
    assert len(crops()) == len(truth)
    where = places[truth[:, 0].long().numpy()]
    seen = where.reshape(-1, 3)
    assert {tuple(place) for place in seen} == {tuple(place) for place in places}
    corners = where[:, 0, 0]
    for number, (height, width) in enumerate(SIDES):
        of_picture = corners[corners[:, 0] == number][:, 1:] // factor
        rows, columns = (sorted(set(of_picture[:, axis].tolist())) for axis in (0, 1))
        assert rows[:-1] == list(range(0, height - 4, 4))
        assert columns[:-1] == list(range(0, width - 4, 4))
        assert (rows[-1], columns[-1]) == (height - 4, width - 4)


def test_a_batch_larger_than_an_epoch_repeats_crops():
    crops, _ = make(stride=20, batch=17, augment="none")
    assert len(crops()) == 5
    corners = [crop.min().item() for crop in crops().batch(0)[1]]
    assert sorted(corners.count(corner) for corner in set(corners)) == [3, 3, 3, 4, 4]


@pytest.mark.parametrize("by_detail", [False, True])
def test_seed_step_and_rank_decide_the_batch(by_detail):
    crops, _ = make(by_detail=by_detail)
    batch = crops().batch(5)[1]
    assert torch.equal(batch, crops().batch(5)[1])
    others = [crops().batch(6), crops(seed=1).batch(5), crops(rank=1, ranks=2).batch(5)]
    assert not any(torch.equal(batch, other) for _, other in others)


def test_levels_become_planes():
    levels = np.arange(16, dtype=np.uint8).reshape(4, 4, 1).repeat(3, axis=2) * 17
    crops = Crops([Example(levels, None)], DataSpec(train=[], crop=4, batch=1, augment="none"), 0, CPU)
    truth = crops.batch(0)[1]
    assert truth.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(truth[0].permute(1, 2, 0), levels / np.float32(255))


def test_pictures_without_one_block_are_left_out(recipe, tmp_path):
    Image.new("L", (40, 2)).save(tmp_path / "line.png")
    Image.new("L", (40, 36)).save(tmp_path / "page.png")
    examples = examples_of(recipe(architecture="vdsr", scale=3, crop=12, train=[str(tmp_path)], scales=[2, 3]))
    assert [example.truth.shape[:2] for example in examples] == [(36, 40), (36, 39)]
