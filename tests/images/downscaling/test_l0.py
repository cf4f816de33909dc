"""L0-regularised downscaling next to plain loops and a dense linear system."""

import numpy as np
import pytest

from twinscale.images.downscaling import downscale

LAMBDA, TAU = 2e-4, 0.01


def differences(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Matrices that map the pixels of a plane, row by row, to the differences below and to the right."""
    below, right = np.zeros((2, height * width, height * width))
    for y in range(height):
        for x in range(width):
            here = y * width + x
            if y + 1 < height:
                below[here, [here, here + width]] = -1, 1
            if x + 1 < width:
                right[here, [here, here + 1]] = -1, 1
    return below, right


def strengths(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of ``(H, W, C)`` in both directions, ``(H * W, C)``, and their mean squares."""
    below, right = (matrix @ planes.reshape(-1, planes.shape[2]) for matrix in differences(*planes.shape[:2]))
    return below, right, (below**2 + right**2).mean(axis=1)


def reference(image: np.ndarray, scale: int) -> np.ndarray:
    height, width, channels = image.shape[0] // scale, image.shape[1] // scale, image.shape[2]
    edges = int(np.ceil((strengths(image)[2] > LAMBDA).sum() / scale**2))
    blocks = image.reshape(height, scale, width, scale, channels).swapaxes(1, 2).reshape(height, width, -1, channels)
    small = blocks.mean(axis=2)
    down, across = differences(height, width)
    beta = 2 * LAMBDA
    while beta < 1e5:
        below, right, strength = strengths(small)
        for p, strongest_first in enumerate(np.argsort(np.argsort(-strength, kind="stable"))):
            if strength[p] < LAMBDA / beta and strongest_first >= edges:
                below[p] = right[p] = 0
        suiting = small.copy()
        for y in range(height):
            for x in range(width):
                for pixel in blocks[y, x]:
                    difference = pixel - small[y, x]
                    if (difference**2).mean() <= max(TAU, LAMBDA / beta):
                        suiting[y, x] += difference / scale**2
        matrix = np.eye(height * width) + beta * (down.T @ down + across.T @ across)
        wanted = suiting.reshape(-1, channels) + beta * (down.T @ below + across.T @ right)
        small = np.linalg.solve(matrix, wanted).reshape(height, width, channels)
        beta *= 2
    return small


@pytest.mark.parametrize(
    ("scale", "channels", "size"), [(2, 3, (6, 5)), (3, 1, (4, 7)), (2, 1, (1, 6)), (4, 3, (1, 1))]
)
def test_the_minimisation(scale: int, channels: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(scale)
    steps = rng.random((size[0], size[1], channels)).repeat(scale, axis=0).repeat(scale, axis=1)
    image = 0.2 + 0.6 * steps + rng.normal(0, 0.03, steps.shape)
    np.testing.assert_allclose(downscale(image, scale, "l0"), reference(image, scale), rtol=0, atol=1e-6)


def test_single_precision_is_enough() -> None:
    """A ramp with a step: what integers and float32 make of it is the same picture."""
    ramp = np.linspace(0.2, 0.6, 40)[:, None] + 0.3 * (np.arange(48) > 20)
    exact = downscale(ramp, 4, "l0")
    np.testing.assert_allclose(downscale(ramp.astype(np.float32), 4, "l0"), exact, rtol=0, atol=1e-3)
    levels = np.round(ramp * 65535).astype(np.uint16)
    np.testing.assert_allclose(downscale(levels, 4, "l0") / 65535, exact, rtol=0, atol=1e-3)


def test_faint_noise_goes_and_edges_stay_sharp() -> None:
    """What the paper is for. The edge lies inside a block, where an average puts a pixel between both sides."""
    rng = np.random.default_rng(0)
    image = np.where(np.arange(64) < 33, 0.2, 0.8) + rng.normal(0, 0.004, (64, 64))
    small, average = (downscale(image, 4, method) for method in ("l0", "area"))
    assert small[:, :8].std() < average[:, :8].std() / 2
    assert 0.3 < average[:, 8].mean() < 0.7
    assert abs(small[:, 8] - 0.8).max() < 0.05


def test_grey_is_like_equal_channels() -> None:
    image = np.random.default_rng(3).random((24, 20))
    coloured = downscale(np.dstack([image] * 3), 4, "l0")
    np.testing.assert_allclose(coloured, np.dstack([downscale(image, 4, "l0")] * 3), rtol=0, atol=1e-9)
