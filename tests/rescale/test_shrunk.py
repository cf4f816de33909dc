"""What a shrunk picture carries, and what it refuses to be restored by."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import pattern
from tests.models import make_pair
from twinscale import load, shrink
from twinscale.errors import ModelError, UsageError
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.rescale.shrunk import Shrunk
from twinscale.rescale.tag import Tag


def picture(height: int = 21, width: int = 34) -> Picture:
    return Picture(pattern(height, width, 3))


@pytest.mark.parametrize("size", [(20, 30), (21, 31), (1, 1), (2, 1)])
def test_small_size_is_that_of_a_shrunk_picture(size: tuple[int, int]) -> None:
    tag = Tag("any", "0" * 64, 2, width=size[1], height=size[0])
    assert tag.small_size == shrink(picture(*size)).pixels.shape[:2]


def test_opens_what_shrink_wrote(tmp_path: Path) -> None:
    small = shrink(picture())
    small.write(tmp_path / "small.png")
    for source in (small, tmp_path / "small.png", (tmp_path / "small.png").read_bytes()):
        shrunk = Shrunk.open(source)
        assert (shrunk.tag.model, shrunk.tag.scale, shrunk.tag.height, shrunk.tag.width) == ("twin-x2", 2, 21, 34)
        np.testing.assert_array_equal(shrunk.picture.pixels, small.pixels)
        assert shrunk.picture.xmp is None
        assert Shrunk.open(shrunk.tagged()).tag == shrunk.tag


def test_an_ordinary_picture_is_not_shrunk() -> None:
    assert Shrunk.find(picture()) is None
    with pytest.raises(UsageError, match="carries no tag"):
        Shrunk.open(picture())


def test_restores_by_the_pair_that_it_names() -> None:
    original = picture()
    shrunk = Shrunk.open(shrink(original))
    pair = shrunk.restorer()
    assert pair.card.name == "twin-x2"
    restored = shrunk.restore(pair)
    assert restored.pixels.shape[:2] == original.pixels.shape[:2]
    bicubic = imresize(imresize(original.pixels, 0.5), size=original.pixels.shape[:2])
    ours, theirs = (np.square(made.astype(float) - original.pixels).mean() for made in (restored.pixels, bicubic))
    assert ours < theirs


def test_other_weights_and_other_scales_are_refused(tmp_path: Path) -> None:
    shrunk = Shrunk.open(shrink(picture()))
    with pytest.raises(ModelError, match="other weights of twin-x2"):
        Shrunk(shrunk.picture, replace(shrunk.tag, digest="0" * 64)).restorer()
    with pytest.raises(ModelError, match="not among the shipped models: name its folder"):
        Shrunk(shrunk.picture, replace(shrunk.tag, model="../twin-x2")).restorer()
    with pytest.raises(UsageError, match=r"shrunk 2 times, but .* enlarges 3 times"):
        shrunk.restore(load(make_pair(tmp_path, 3, "rgb")))
    with pytest.raises(UsageError, match="cropped or resized"):
        Shrunk(picture(11, 16), shrunk.tag).restore(shrunk.restorer())
