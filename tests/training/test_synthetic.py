"""Drawn pictures to learn from."""

import numpy as np

from twinscale.training.synthetic import SIDE, draw


def test_the_seed_decides_them():
    first, again, other = draw(8, 1), draw(8, 1), draw(8, 2)
    assert all(picture.shape == (SIDE, SIDE, 3) and picture.dtype == np.uint8 for picture in first)
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert (one != different).any()
    np.testing.assert_array_equal(draw(3, 1)[2], first[2])


def test_each_kind_has_what_photographs_lack():
    text, flats, lines, gradients = (draw(40, 0)[kind::4] for kind in range(4))

    def steps(pictures):
        """The shares of neighbours that are equal, and that are 64 levels apart in a channel."""
        across = np.concatenate([np.abs(np.diff(picture.astype(int), axis=1)).max(axis=2) for picture in pictures])
        return (across == 0).mean(), (across >= 64).mean()

    for pictures in (text, flats, lines):
        equal, far = steps(pictures)
        assert equal > 0.5
        assert far > 0.002
    assert steps(gradients)[1] == 0
    in_use = np.concatenate([picture.reshape(-1, 3) for picture in flats])
    assert {(255, 0, 0), (0, 255, 0), (0, 0, 255)} <= {tuple(colour) for colour in np.unique(in_use, axis=0).tolist()}
