import numpy as np
import pytest
import torch

from twinscale.errors import UsageError
from twinscale.training.losses import pixel_loss

REFERENCES = {
    "l1": lambda difference: np.abs(difference).mean(),
    "l2": lambda difference: (difference**2).mean(),
    "charbonnier": lambda difference: np.sqrt(difference**2 + 1e-6).mean(),
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
    with pytest.raises(UsageError, match="unknown loss 'l3': use l1, l2, charbonnier or squared-norm"):
        pixel_loss("l3", torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
