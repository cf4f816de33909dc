"""Anchored neighbourhood regression, the one other method in SRCNN's tables that runs here.

Timofte, De Smet, Van Gool, "Anchored Neighborhood Regression for Fast Example-Based Super-Resolution", ICCV 2013.

::

    bicubic enlargement ─┬─ differences ─ patches ─ PCA ─ nearest atom's projection ─ mean of overlaps ─┐
                         └──────────────────────────────────────────────────────────────────────────── + ─ picture

From the paper: patches are 3x3 pixels of the small picture; their features are first and second differences along rows
and columns of the enlargement, in a PCA that keeps 99.9 % of the energy. A dictionary has 1024 atoms; the 40 that
correlate most with an atom are its neighbourhood. Over each neighbourhood, the ridge regression from features to what
the enlargement lacks is solved in advance, so that a patch costs one search and one product. Patches overlap by all but
one pixel of the small picture and are averaged.

Ours: the paper's dictionary is learnt by K-SVD with several atoms per patch, ours with a single one, which is k-means
on features of unit length. It is faster, and as good on ten pictures of T91 set apart, where the ridge's weight was
chosen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import DatasetError
from twinscale.images.files import write_atomically
from twinscale.images.resize import imresize

Float32 = NDArray[np.float32]

_WINDOW = 3  # side of a patch in pixels of the small picture
_ENERGY = 0.999
_RIDGE = 0.003
_BATCH, _PASSES, _LEARNT_FROM = 4096, 10, 100_000  # features that k-means sees: at a time, how often, and of how many
_FLAT = 0.1  # length of a feature below which its direction is noise
_CHUNK = 8192  # features searched at once, to bound memory


@dataclass(frozen=True, slots=True)
class ANR:
    """What was learnt for one scale; call it to enlarge luminance.

    A patch has ``p = (3 * scale)**2`` pixels of the full-size picture and, after the PCA, ``d`` features.
    """

    scale: int
    basis: Float32
    """The PCA, ``(4 * p, d)``."""
    atoms: Float32
    """``(atoms, d)``, each of length one."""
    projections: Float32
    """``(atoms, p, d)``: from features to what the enlarged patch lacks."""

    @classmethod
    def fit(
        cls, truths: Iterable[NDArray], scale: int, *, atoms: int = 1024, neighbours: int = 40, seed: int = 0
    ) -> "ANR":
        """Learn from full-size luminance, ``(H, W, 1)`` in [0, 1] with sides that are multiples of ``scale``.

        Raises:
            DatasetError: fewer patches with contrast than ``atoms``.
        """
        from sklearn.cluster import MiniBatchKMeans

        inputs: list[Float32] = []
        outputs: list[Float32] = []
        for truth in truths:
            enlarged = _enlarged(imresize(truth, 1 / scale), scale)
            lacking = truth[:, :, 0].astype(np.float32) - enlarged
            for patches, kept in ((differences(enlarged, scale), inputs), (lacking[None], outputs)):
                kept.append(_flat(_windows(patches, scale)[::2, ::2]))  # every second one, because they overlap
        raw, lacks = np.concatenate(inputs), np.concatenate(outputs)
        basis = _principal(raw)
        features = raw @ basis
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        directions = (features / np.maximum(lengths, _FLAT))[lengths[:, 0] > _FLAT]
        if len(directions) < atoms:
            raise DatasetError(
                f"{len(directions)} patches with contrast are too few for {atoms} atoms: use more or larger pictures"
            )
        seen = np.random.default_rng(seed).permutation(len(directions))[:_LEARNT_FROM]
        clusters = MiniBatchKMeans(atoms, batch_size=_BATCH, max_iter=_PASSES, n_init=1, random_state=seed)
        means = clusters.fit(directions[seen]).cluster_centers_
        dictionary = means / np.linalg.norm(means, axis=1, keepdims=True)
        full_size = np.zeros((atoms, lacks.shape[1]), np.float32)
        for atom, members in _by_atom(_nearest(features, dictionary), atoms):
            amounts = features[members] @ dictionary[atom]
            full_size[atom] = amounts @ lacks[members] / (amounts @ amounts)  # least squares
        return cls(scale, basis, dictionary, regressions(dictionary, full_size, neighbours, _RIDGE))

    def __call__(self, low: NDArray) -> Float32:
        """Enlarge luminance ``(H, W, 1)`` in [0, 1] to ``(scale * H, scale * W, 1)``, not clipped."""
        enlarged = _enlarged(low, self.scale)
        windows = _windows(differences(enlarged, self.scale), self.scale)
        features = _flat(windows) @ self.basis
        lacks = np.empty((len(features), self.projections.shape[1]), np.float32)
        for atom, members in _by_atom(_nearest(features, self.atoms), len(self.atoms)):
            lacks[members] = features[members] @ self.projections[atom].T
        result: Float32 = enlarged + _averaged(lacks.reshape(*windows.shape[:2], -1), self.scale)
        return result[:, :, None]

    def save(self, path: Path) -> None:
        """Write a safetensors file."""
        from safetensors.numpy import save

        write_atomically(path, save({name: np.asarray(value) for name, value in asdict(self).items()}), overwrite=True)

    @classmethod
    def load(cls, path: Path) -> "ANR":
        """Read what :meth:`save` wrote."""
        from safetensors.numpy import load

        learnt = load(path.read_bytes())
        return cls(int(learnt["scale"]), learnt["basis"], learnt["atoms"], learnt["projections"])


def differences(enlarged: Float32, scale: int) -> Float32:
    """Compute first and second differences of pixels ``scale`` apart, along columns and rows, the border repeated.

    Args:
        enlarged: ``(H, W)``.
        scale: the distance at which neighbours of the small picture lie.

    Returns:
        ``(4, H, W)``: first along a row, first along a column, second along a row, second along a column; the
        second ones halved.
    """
    height, width = enlarged.shape
    padded = np.pad(enlarged, scale, mode="edge")

    def moved(down: int, right: int) -> Float32:
        return padded[scale + down :, scale + right :][:height, :width]

    back, forth = scale // 2, scale - scale // 2
    return np.stack(
        [
            moved(0, forth) - moved(0, -back),
            moved(forth, 0) - moved(-back, 0),
            (moved(0, scale) + moved(0, -scale)) / 2 - enlarged,
            (moved(scale, 0) + moved(-scale, 0)) / 2 - enlarged,
        ]
    )


def regressions(atoms: NDArray, full_size: NDArray, neighbours: int, ridge: float) -> Float32:
    """Solve for every atom the projection ``P = N_h (N_l^T N_l + ridge I)^-1 N_l^T`` of its neighbourhood.

    The columns of ``N_l`` and ``N_h`` are the features and the full-size patches of the nearest atoms: ``P`` maps
    features ``y`` to ``N_h b`` for the ``b`` that minimises ``|y - N_l b|^2 + ridge |b|^2``.

    Args:
        atoms: ``(K, d)``, of length one.
        full_size: ``(K, p)``, the full-size patches that belong to them.
        neighbours: how many nearest atoms to take, including the atom itself.
        ridge: weight of the penalty.

    Returns:
        ``(K, p, d)``.
    """
    nearest = np.argsort(-np.abs(atoms @ atoms.T), axis=1)[:, :neighbours]
    near = atoms[nearest].astype(np.float64)
    gram = near @ near.transpose(0, 2, 1) + ridge * np.eye(nearest.shape[1])
    solved = np.linalg.solve(gram, near).astype(np.float32)
    projections: Float32 = full_size[nearest].transpose(0, 2, 1) @ solved
    return projections


def _enlarged(low: NDArray, scale: int) -> Float32:
    return imresize(low[:, :, 0], scale).astype(np.float32)


def _windows(planes: Float32, scale: int) -> Float32:
    """Cut patches around every pixel of the small picture, ``(h, w, C * p)``, from ``(C, H, W)`` mirrored outside."""
    side = _WINDOW * scale
    padded = np.pad(planes, ((0, 0), (scale, scale), (scale, scale)), mode="symmetric")
    views = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::scale, ::scale]
    return views.transpose(1, 2, 0, 3, 4).reshape(*views.shape[1:3], -1)


def _flat(windows: Float32) -> Float32:
    return windows.reshape(-1, windows.shape[2])


def _averaged(patches: Float32, scale: int) -> Float32:
    """Assemble a picture ``(H, W)`` from patches as :func:`_windows` cuts them; average where they overlap."""
    rows, columns = patches.shape[:2]
    cells = patches.reshape(rows, columns, _WINDOW, scale, _WINDOW, scale)
    total = np.zeros((rows + 2, columns + 2, scale, scale), np.float32)
    count = np.zeros((rows + 2, columns + 2, 1, 1), np.float32)
    for down in range(_WINDOW):
        for right in range(_WINDOW):
            total[down : down + rows, right : right + columns] += cells[:, :, down, :, right]
            count[down : down + rows, right : right + columns] += 1
    total /= count
    return total[1:-1, 1:-1].transpose(0, 2, 1, 3).reshape(rows * scale, columns * scale)


def _principal(raw: Float32) -> Float32:
    """Return the fewest orthonormal directions that keep the wanted share of the energy, ``(features, d)``."""
    energies, directions = np.linalg.eigh((raw.T @ raw).astype(np.float64))
    share = np.cumsum(energies[::-1]) / energies.sum()
    kept = int(np.searchsorted(share, _ENERGY)) + 1
    return directions[:, ::-1][:, :kept].astype(np.float32)


def _nearest(features: Float32, atoms: Float32) -> NDArray[np.intp]:
    """Find for every feature the index of the atom that correlates with it most, with either sign."""
    chunks = (features[start : start + _CHUNK] for start in range(0, len(features), _CHUNK))
    return np.concatenate([np.abs(chunk @ atoms.T).argmax(axis=1) for chunk in chunks])


def _by_atom(nearest: NDArray[np.intp], atoms: int) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Yield each atom that is nearest to some features, with their indices."""
    order = np.argsort(nearest, kind="stable")
    for atom, members in enumerate(np.split(order, np.searchsorted(nearest[order], np.arange(1, atoms)))):
        if len(members):
            yield atom, members
