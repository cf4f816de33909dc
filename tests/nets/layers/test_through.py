"""Real codecs in the forward pass."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twinscale.codecs.rate import coded  # noqa: E402
from twinscale.nets.layers.through import through  # noqa: E402
from twinscale.rescale.channel import File  # noqa: E402


@pytest.mark.parametrize("format", ["JPEG2000", "WebP", "AVIF"])
def test_each_picture_goes_through_its_own_file(format: str) -> None:
    pictures = torch.rand(2, 3, 20, 13, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.1
    received = through(pictures, [File(format=format, quality=quality) for quality in (20, 80)])
    assert received.dtype == torch.float32
    for picture, quality, result in zip(pictures, (20, 80), received, strict=True):
        pixels = np.floor(picture.clamp(0, 1).permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8)
        expected = coded(pixels, format, quality).pixels / 255
        np.testing.assert_allclose(result.permute(1, 2, 0), expected, rtol=0, atol=1e-6)


def test_gradients_pass_unchanged_but_never_lead_further_out() -> None:
    pictures = torch.tensor([[[[-0.5, 0.3, 1.5], [-0.5, 0.9, 1.5]]]], requires_grad=True)
    gradient = torch.tensor([[[[2.0, 3.0, 4.0], [-2.0, -3.0, -4.0]]]])
    (through(pictures, [lambda planes: np.round(planes)]) * gradient).sum().backward()
    expected = torch.tensor([[[[0.0, 3.0, 4.0], [-2.0, -3.0, 0.0]]]])
    assert pictures.grad is not None
    torch.testing.assert_close(pictures.grad, expected, rtol=0, atol=0)
