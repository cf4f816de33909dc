"""JPEG in torch, against Pillow's files and finite differences."""

import io

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from twinscale.codecs.quantisation import Quantisation  # noqa: E402
from twinscale.nets.layers import jpeg  # noqa: E402
from twinscale.nets.layers.jpeg import JPEG, Coded, bits  # noqa: E402

SAMPLINGS = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}
QUALITIES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
RANDOM = np.random.default_rng(0)


def through_a_file(pixels: NDArray, quality: int, sampling: str, **options: bool) -> tuple[NDArray, int]:
    """What Pillow reads of what it wrote, and the bytes of it."""
    file = io.BytesIO()
    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])
    image.save(file, "JPEG", quality=quality, subsampling=sampling, **options)
    return np.asarray(Image.open(file)).reshape(pixels.shape), len(file.getvalue())


def tensor(pixels: NDArray) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]


def tables(*qualities: int) -> tuple[Tensor, Tensor]:
    standard = [Quantisation.standard(quality) for quality in qualities]
    return tuple(torch.from_numpy(np.stack([getattr(each, name) for each in standard])) for name in ("luma", "chroma"))


def coded(pixels: NDArray, quality: int, sampling: str) -> Coded:
    return JPEG()(tensor(pixels), *tables(quality), SAMPLINGS[sampling])


def levels(picture: Tensor) -> NDArray:
    return np.rint(picture.permute(1, 2, 0).numpy() * 255).astype(int)


def noise(height: int, width: int) -> NDArray:
    return RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)


PICTURES = {
    "photograph": skimage.data.astronaut()[20:181, 100:257],
    "text": np.repeat(skimage.data.page()[40:101, 50:149, None], 3, axis=2),
    "noise": noise(45, 37),
    "black and white": np.repeat(RANDOM.integers(0, 2, (33, 50, 1), dtype=np.uint8) * 255, 3, axis=2),
    "primary colours": RANDOM.integers(0, 2, (40, 41, 3), dtype=np.uint8) * 255,
    "flat": np.full((20, 30, 3), (200, 13, 77), np.uint8),
    **{f"{size[0]}x{size[1]}": noise(*size) for size in ((1, 1), (1, 9), (7, 4), (4, 5), (17, 3), (16, 17))},
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", PICTURES)
def test_every_level_is_that_of_a_real_file(name: str, sampling: str, channels: int) -> None:
    """Not only to within one: every step of libjpeg is followed in whole numbers."""
    pixels, qualities = np.ascontiguousarray(PICTURES[name][..., :channels]), (1, *QUALITIES, 100)
    batch = tensor(pixels).expand(len(qualities), -1, -1, -1)
    results = JPEG()(batch, *tables(*qualities), SAMPLINGS[sampling]).picture
    for quality, result in zip(qualities, results, strict=True):
        expected, _ = through_a_file(pixels, quality, sampling)
        np.testing.assert_array_equal(levels(result), expected)


def test_each_picture_of_a_batch_has_its_own_quality() -> None:
    batch = torch.cat([tensor(noise(17, 30)) for _ in QUALITIES])
    together = JPEG()(batch, *tables(*QUALITIES), (2, 2))
    for number, quality in enumerate(QUALITIES):
        alone = JPEG()(batch[number : number + 1], *tables(quality), (2, 2))
        torch.testing.assert_close(together.picture[number : number + 1], alone.picture, rtol=0, atol=0)
        for all_planes, planes in zip(together.coefficients, alone.coefficients, strict=True):
            torch.testing.assert_close(all_planes[number : number + 1], planes, rtol=0, atol=0)


def test_what_is_stored_are_whole_steps_of_the_cosine_transform() -> None:
    pixels = PICTURES["photograph"][..., :1]
    (stored,) = coded(pixels, 60, "4:4:4").coefficients
    assert stored.shape == (1, 1, 21, 20, 8, 8)
    frequency, place = np.arange(8)[:, None], np.arange(8)
    transform = np.cos((2 * place + 1) * frequency * np.pi / 16) * np.where(frequency, 0.5, 8**-0.5)
    block = transform @ (pixels[16:24, 40:48, 0] - 128.0) @ transform.T
    np.testing.assert_allclose(stored[0, 0, 2, 5], block / Quantisation.standard(60).luma, rtol=0, atol=0.6)
    assert (stored == stored.round()).all()


def test_beyond_black_and_white_is_clipped() -> None:
    picture = tensor(noise(16, 16)) * 3 - 1
    steps = tables(75)
    coded, clipped = JPEG()(picture, *steps, (2, 2)), JPEG()(picture.clamp(0, 1), *steps, (2, 2))
    torch.testing.assert_close(coded.picture, clipped.picture, rtol=0, atol=0)


def test_lower_precision_around_it_changes_nothing() -> None:
    picture = tensor(PICTURES["photograph"]).bfloat16()
    expected = JPEG()(picture.float(), *tables(50), (2, 2)).picture
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(JPEG()(picture, *tables(50), (2, 2)).picture, expected, rtol=0, atol=0)


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"not \(2, 1\)"):
        JPEG()(torch.zeros(1, 3, 8, 8), *tables(50), (2, 1))
    with pytest.raises(ValueError, match="needs the steps of chroma"):
        JPEG()(torch.zeros(1, 3, 8, 8), tables(50)[0], None, (1, 1))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_gradients_are_those_without_rounding(sampling: str, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    picture = 0.4 + 0.2 * torch.rand(2, channels, 11, 7, dtype=torch.float64, generator=generator)  # never clipped
    weights = torch.rand(picture.shape, dtype=torch.float64, generator=generator)
    steps = tables(30, 90)

    def result(picture: Tensor) -> Tensor:
        return (JPEG()(picture, *steps, SAMPLINGS[sampling]).picture * weights).sum()

    rounded = torch.autograd.functional.jacobian(result, picture)
    for name in ("_floor", "_rounded"):
        monkeypatch.setattr(jpeg, name, lambda x: x)
    assert torch.autograd.gradcheck(result, picture.clone().requires_grad_(), eps=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.autograd.functional.jacobian(result, picture), rounded)


def test_beyond_white_only_gradients_that_lead_back_pass() -> None:
    for sign in (1, -1):
        picture = torch.full((1, 1, 8, 8), 1.3, requires_grad=True)
        (sign * JPEG()(picture, tables(90)[0], None, (1, 1)).picture).sum().backward()
        assert picture.grad is not None
        assert (picture.grad.abs() > 0.9).all() if sign > 0 else not picture.grad.any()


def test_bits_are_those_that_files_differ_by() -> None:
    """What all files have is not counted: headers, and the means of blocks."""
    pixels = skimage.data.astronaut()[:256, 100:356]
    sizes = [through_a_file(pixels, quality, "4:2:0", optimize=True)[1] for quality in QUALITIES]
    estimates = [bits(coded(pixels, quality, "4:2:0").coefficients).item() for quality in QUALITIES]
    np.testing.assert_allclose(np.diff(estimates), 8 * np.diff(sizes), rtol=0.2)


def test_bits_grow_with_what_is_stored_and_zeros_cost_nothing() -> None:
    stored = torch.zeros(2, 1, 1, 1, 8, 8)
    stored[1, ..., 0, 1], stored[1, ..., 2, 2], stored[1, ..., 0, 0] = 1, -3, 40
    stored.requires_grad_()
    cost = bits([stored])
    (cost[0] + cost[1]).backward()
    assert stored.grad is not None
    assert cost[0] == 0
    assert cost[1].item() == pytest.approx(1.36 * (1 + 2) + 2 * 2.97)
    assert (stored.grad != 0).sum() == 2
    assert stored.grad[1, 0, 0, 0, 0, 1] > 0 > stored.grad[1, 0, 0, 0, 2, 2]
