"""ANR against least squares, polynomials, and bicubic enlargement on pictures of its own kind."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("skimage")
pytest.importorskip("safetensors")

import skimage.data

from twinscale.errors import DatasetError
from twinscale.images.resize import imresize
from twinscale.papers.srcnn.anr import ANR, _averaged, _windows, differences, regressions

SCALE = 3


@pytest.fixture(scope="module")
def halves() -> tuple[np.ndarray, np.ndarray]:
    """A photograph's two halves: to learn from, and to enlarge."""
    grey = skimage.data.camera()[:510, :510, None] / 255
    return grey[:, :255], grey[:, 255:]


@pytest.fixture(scope="module")
def anr(halves) -> ANR:
    return ANR.fit([halves[0]], SCALE, atoms=128, neighbours=20)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_differences_are_those_of_polynomials(scale: int) -> None:
    rows, columns = np.mgrid[:24, :30].astype(np.float32) / 8
    across, down, bent_across, bent_down = differences(rows**2 + 3 * columns, scale)
    inner = np.s_[scale:-scale, scale:-scale]
    np.testing.assert_allclose(across[inner], 3 * scale / 8, rtol=1e-4)
    middle = (scale // 2 + scale - scale // 2) / 8, ((scale - scale // 2) - scale // 2) / 16  # length, and its centre
    np.testing.assert_allclose(down[inner], 2 * (rows[inner] + middle[1]) * middle[0], rtol=1e-3)
    np.testing.assert_allclose(bent_across[inner], 0, atol=1e-5)
    np.testing.assert_allclose(bent_down[inner], (scale / 8) ** 2, rtol=1e-2)


def test_regressions_solve_the_penalised_least_squares() -> None:
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((30, 6))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    full_size, features, ridge = rng.standard_normal((30, 9)), rng.standard_normal(6), 0.05
    projections = regressions(atoms, full_size, 8, ridge)
    for atom in (0, 17):
        near = sorted(range(30), key=lambda other: -abs(atoms[atom] @ atoms[other]))[:8]
        penalised = np.vstack([atoms[near].T, np.sqrt(ridge) * np.eye(8)])
        weights = np.linalg.lstsq(penalised, np.concatenate([features, np.zeros(8)]))[0]
        np.testing.assert_allclose(projections[atom] @ features, full_size[near].T @ weights, rtol=1e-4, atol=1e-5)


def test_patches_of_a_picture_average_to_it() -> None:
    picture = np.random.default_rng(0).random((15, 21), dtype=np.float32)
    patches = _windows(picture[None], SCALE)
    assert patches.shape == (5, 7, 81)
    np.testing.assert_allclose(_averaged(patches, SCALE), picture, rtol=1e-6)


def test_it_enlarges_better_than_bicubic_enlargement(anr, halves) -> None:
    truth = halves[1]
    low = imresize(truth, 1 / SCALE)
    result = anr(low)
    assert result.shape == truth.shape

    def error(enlarged):
        return np.mean((enlarged - truth) ** 2)

    assert error(result) < 0.95 * error(imresize(low, SCALE))


def test_flat_stays_flat(anr) -> None:
    np.testing.assert_allclose(anr(np.full((9, 11, 1), 0.4)), 0.4, atol=1e-6)


def test_saved_and_loaded(anr, tmp_path) -> None:
    low = np.random.default_rng(0).random((8, 9, 1))
    anr.save(tmp_path / "anr.safetensors")
    np.testing.assert_array_equal(ANR.load(tmp_path / "anr.safetensors")(low), anr(low))


def test_too_few_patches() -> None:
    with pytest.raises(DatasetError, match="9 patches with contrast are too few for 16 atoms"):
        ANR.fit([np.random.default_rng(0).random((15, 15, 1))], SCALE, atoms=16)
