import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from twinscale.errors import UsageError
from twinscale.images.resize import imresize
from twinscale.nets.layers.resampling import Resampling
from twinscale.training.losses import colour_fidelity_loss, fidelity_loss, offset_distance, offset_variation, pixel_loss

REFERENCES = {
    "l1": lambda difference: np.abs(difference).mean(),
    "l2": lambda difference: (difference**2).mean(),
    "charbonnier": lambda difference: np.sqrt(difference**2 + 1e-6).mean(),
    "psnr": lambda difference: np.mean(3e-4 * np.log(1 + (difference**2).mean(axis=(1, 2, 3)) / 3e-4)),
    "squared-norm": lambda difference: (difference**2).sum() / len(difference),
}


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("border", [0, 3])
def test_against_numpy(name, border):
    """A network that does not pad is compared with the centre of the truth."""
    rng = np.random.default_rng(0)
    truth = rng.random((2, 3, 14, 12), dtype=np.float32)
    result = rng.random((2, 3, 14 - 2 * border, 12 - 2 * border), dtype=np.float32)
    inner = truth[:, :, border : 14 - border, border : 12 - border]
    expected = REFERENCES[name](result.astype(np.float64) - inner)
    loss = pixel_loss(name, torch.from_numpy(result), torch.from_numpy(truth))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_bfloat16_results_are_compared_in_float32():
    loss = pixel_loss("l2", torch.full((1, 1, 2, 2), 0.5, dtype=torch.bfloat16), torch.full((1, 1, 2, 2), 0.501))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(1e-6, rel=1e-3)


def test_unknown_loss():
    with pytest.raises(UsageError, match="unknown loss 'l3': use l1, l2, charbonnier, psnr or squared-norm"):
        pixel_loss("l3", torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))


# Fidelity


def pictures(channels, scale):
    """Small and full-size noise in float64, and the bicubic reductions: ``(N, C, H, W)``, not square."""
    rng = np.random.default_rng(scale)
    low, truth = rng.random((2, channels, 7, 5)), rng.random((2, channels, 7 * scale, 5 * scale))
    bicubic = [imresize(picture.transpose(1, 2, 0), 1 / scale).transpose(2, 0, 1) for picture in truth]
    return low, truth, np.stack(bicubic)


def as_tensor(array):
    return torch.from_numpy(array).float()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_fidelity_is_the_distance_from_the_bicubic_reduction(scale, channels):
    low, truth, bicubic = pictures(channels, scale)
    loss = fidelity_loss(as_tensor(low), as_tensor(truth))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(((low - bicubic) ** 2).mean(), rel=1e-5)
    assert fidelity_loss(as_tensor(bicubic), as_tensor(truth)).item() < 1e-12


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_colour_fidelity_is_the_distance_in_colour_alone(scale):
    low, truth, bicubic = pictures(3, scale)
    brighter = bicubic + 0.1
    assert colour_fidelity_loss(as_tensor(brighter), as_tensor(truth)).item() < 1e-12
    colour = low - bicubic - ((low - bicubic) * np.array([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdims=True)
    loss = colour_fidelity_loss(as_tensor(low), as_tensor(truth))
    assert loss.item() == pytest.approx((colour**2).mean(), rel=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_gradient_of_fidelity(scale, channels):
    low, truth, bicubic = pictures(channels, scale)
    learned = as_tensor(low).requires_grad_()
    fidelity_loss(learned, as_tensor(truth)).backward()
    np.testing.assert_allclose(learned.grad, 2 * (low - bicubic) / low.size, rtol=0, atol=1e-6 / low.size)
    # The loss is a parabola along any line, so a long central difference is exact.
    line = np.random.default_rng(0).standard_normal(low.shape)
    ends = [fidelity_loss(as_tensor(low + side * line), as_tensor(truth)).item() for side in (1, -1)]
    assert (ends[0] - ends[1]) / 2 == pytest.approx((learned.grad.double().numpy() * line).sum(), rel=1e-3, abs=1e-5)


def test_fidelity_of_half_precision_is_measured_in_float32():
    low, truth, bicubic = pictures(3, 2)
    loss = fidelity_loss(as_tensor(low).half(), as_tensor(truth))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(((low.astype(np.float16).astype(np.float64) - bicubic) ** 2).mean(), rel=1e-5)


# What holds a resampler's taps together


def offsets(size: int) -> tuple[Resampling, tuple[NDArray, ...]]:
    """How 2 x 4 x 3 small pixels are made, in float64: as tensors, and as arrays ``(N, k, k, h, w)``."""
    rng = np.random.default_rng(size)
    kernels = rng.random((2, size**2, 4, 3))
    arrays = kernels / kernels.sum(axis=1, keepdims=True), *rng.standard_normal((2, 2, size**2, 4, 3))
    return Resampling(*map(torch.from_numpy, arrays)), tuple(each.reshape(2, size, size, 4, 3) for each in arrays)


@pytest.mark.parametrize("size", [5, 7])
def test_offset_distance_tap_by_tap(size):
    resampling, (_, vertical, horizontal) = offsets(size)
    total = 0.0
    for n, i, j, y, x in np.ndindex(vertical.shape):
        weight = math.hypot(i - size // 2, j - size // 2) / math.sqrt(size**2 / 2 + size**2 / 2)
        total += weight * math.hypot(vertical[n, i, j, y, x], horizontal[n, i, j, y, x])
    assert offset_distance(resampling).item() == pytest.approx(total / (2 * 4 * 3), rel=1e-9)


def test_offset_distance_has_a_gradient_where_nothing_moves():
    kernels = torch.full((1, 9, 2, 2), 1 / 9)
    vertical, horizontal = (torch.zeros(1, 9, 2, 2, requires_grad=True) for _ in range(2))
    offset_distance(Resampling(kernels, vertical, horizontal)).backward()
    assert vertical.grad.abs().max() == horizontal.grad.abs().max() == 0


@pytest.mark.parametrize("size", [5, 7])
def test_offset_variation_pixel_by_pixel(size):
    resampling, (kernels, vertical, horizontal) = offsets(size)
    across = down = 0.0
    for n, i, j, y, x in np.ndindex(kernels.shape):
        here = (n, i, j, y, x)
        if x + 1 < 3:
            across += abs(vertical[n, i, j, y, x + 1] - vertical[here]) * kernels[here]
        if y + 1 < 4:
            down += abs(horizontal[n, i, j, y + 1, x] - horizontal[here]) * kernels[here]
    expected = across / (2 * 4 * 2) + down / (2 * 3 * 3)
    assert offset_variation(resampling).item() == pytest.approx(expected, rel=1e-9)


def test_offsets_vary_across_their_direction_only():
    """Rows that move alike along a row, and columns along a column, cost nothing."""
    rows, columns = torch.arange(4.0)[:, None].expand(1, 9, 4, 3), torch.arange(3.0).expand(1, 9, 4, 3)
    kernels = torch.full((1, 9, 4, 3), 1 / 9)
    assert offset_variation(Resampling(kernels, rows, columns)) == 0
    assert offset_variation(Resampling(kernels, columns, rows)).item() == pytest.approx(2)
