"""Pictures continued beyond their border, against NumPy."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twinscale.nets.layers.mirror import mirrored  # noqa: E402


@pytest.mark.parametrize("margin", [0, 1, 4, 7, 20])
@pytest.mark.parametrize("size", [(4, 7), (1, 9), (1, 1), (6, 6)], ids=str)
def test_the_mirror_image_repeats_the_outermost_pixel(size: tuple[int, int], margin: int) -> None:
    pictures = torch.rand(2, 3, *size)
    expected = np.pad(pictures.numpy(), ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="symmetric")
    np.testing.assert_array_equal(mirrored(pictures, margin), expected)


def test_gradients_reach_every_pixel_that_is_seen_twice() -> None:
    picture = torch.zeros(1, 1, 2, 3, requires_grad=True)
    mirrored(picture, 1).sum().backward()
    assert picture.grad is not None
    assert picture.grad[0, 0].tolist() == [[4, 2, 4], [4, 2, 4]]
