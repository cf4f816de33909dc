"""The resampling operator, against equations 1 to 6 in an explicit loop and against numerical gradients."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from twinscale.nets.layers.resampling import Resampling, resample  # noqa: E402

Shape = tuple[int, int, int, int]


def explicit(picture: NDArray, kernels: NDArray, vertical: NDArray, horizontal: NDArray, scale: int) -> NDArray:
    """Equations 1 to 3 tap by tap, for one picture ``(C, H, W)``."""
    taps, rows, columns = kernels.shape
    size = math.isqrt(taps)
    margin = size // 2
    padded = np.pad(picture, ((0, 0), (margin, margin), (margin, margin)), mode="reflect")
    small = np.zeros((len(picture), rows, columns))
    for x, y, i, j in np.ndindex(rows, columns, size, size):
        u = (x + 0.5) * scale - 0.5 + i - margin + vertical[i * size + j, x, y]
        v = (y + 0.5) * scale - 0.5 + j - margin + horizontal[i * size + j, x, y]
        top, left = math.floor(u), math.floor(v)
        for row, row_weight in ((top, top + 1 - u), (top + 1, u - top)):
            for column, column_weight in ((left, left + 1 - v), (left + 1, v - left)):
                inside = np.clip((row + margin, column + margin), 0, np.array(padded.shape[1:]) - 1)
                weight = kernels[i * size + j, x, y] * row_weight * column_weight
                small[:, x, y] += weight * padded[:, *inside]
    return small


def example(shape: Shape, size: int, scale: int, *, reach: float, dtype: "torch.dtype") -> tuple:
    """A picture, kernels and offsets of up to ``reach`` pixels."""
    generator = torch.Generator().manual_seed(0)
    pictures, _, height, width = shape
    taps = (pictures, size**2, height // scale, width // scale)
    picture = torch.rand(shape, dtype=dtype, generator=generator)
    kernels = torch.rand(taps, dtype=dtype, generator=generator)
    offsets = ((torch.rand(taps, dtype=dtype, generator=generator) * 2 - 1) * reach for _ in range(2))
    return picture, Resampling(kernels / kernels.sum(1, keepdim=True), *offsets)


@pytest.mark.parametrize(
    ("shape", "size", "scale", "reach"),
    [
        ((2, 3, 12, 16), 13, 4, 4.0),
        ((1, 3, 8, 8), 13, 4, 30.0),  # taps far beyond the border
        ((2, 1, 8, 6), 7, 2, 2.0),
        ((1, 5, 9, 12), 9, 3, 3.0),
        ((1, 2, 3, 4), 1, 1, 0.5),
        ((1, 3, 4, 4), 7, 2, 0.0),  # the smallest sides that can be mirrored
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_explicit_loop(shape: Shape, size: int, scale: int, reach: float, dtype: "torch.dtype") -> None:
    picture, resampling = example(shape, size, scale, reach=reach, dtype=dtype)
    small = resample(picture, resampling, scale)
    assert small.dtype == dtype
    for result, one, *kernels in zip(small, picture, *resampling, strict=True):
        expected = explicit(one.numpy(), *(part.numpy() for part in kernels), scale)
        np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=1e-12 if dtype == torch.float64 else 2e-6)


@pytest.mark.parametrize(("shape", "size", "scale"), [((2, 3, 4, 4), 3, 2), ((1, 1, 6, 3), 5, 3), ((1, 2, 4, 5), 3, 1)])
@pytest.mark.parametrize("reach", [1.0, 6.0])
def test_gradients_are_the_numerical_ones(shape: Shape, size: int, scale: int, reach: float) -> None:
    picture, resampling = example(shape, size, scale, reach=reach, dtype=torch.float64)
    inputs = [part.requires_grad_() for part in (picture, *resampling)]
    assert torch.autograd.gradcheck(lambda picture, *parts: resample(picture, Resampling(*parts), scale), inputs)
