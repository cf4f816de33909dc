import numpy as np
import pytest
import torch

from twinscale.errors import UsageError
from twinscale.images.resize import imresize
from twinscale.training.losses import fidelity_loss, pixel_loss

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
