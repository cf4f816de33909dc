import io
import itertools

import numpy as np
import pytest
from PIL import Image

from twinscale.codecs.quantisation import CONDITIONS, Quantisation
from twinscale.errors import UsageError

SUBSAMPLINGS = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}


def opened(mode: str = "RGB", **options):
    file = io.BytesIO()
    Image.new(mode, (24, 16)).save(file, "JPEG", **options)
    return Image.open(file)


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 95, 100])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_libjpeg_uses_the_standard_tables(quality, subsampling):
    found = Quantisation.of_file(opened(quality=quality, subsampling=subsampling))
    expected = Quantisation.standard(quality, SUBSAMPLINGS[subsampling])
    np.testing.assert_array_equal(found.luma, expected.luma)
    np.testing.assert_array_equal(found.chroma, expected.chroma)
    assert found.sampling == expected.sampling
    assert found.quality == quality


def test_grey_has_no_chroma():
    found = Quantisation.of_file(opened("L", quality=30))
    np.testing.assert_array_equal(found.luma, Quantisation.standard(30, grey=True).luma)
    assert found.chroma is None


def test_inks_are_neither_luma_nor_chroma():
    assert Quantisation.of_file(opened("CMYK")) is None


def test_conditions_fall_with_the_quality_to_nothing():
    by_quality = [Quantisation.standard(quality, (2, 2)).conditions() for quality in (10, 50, 90, 100)]
    assert all(len(conditions) == CONDITIONS for conditions in by_quality)
    for coarse, fine in itertools.pairwise(by_quality):
        assert coarse[0] > fine[0]
        assert coarse[1] > fine[1]
    assert by_quality[-1] == (0, 0, 0.75)
    assert Quantisation.standard(100, (1, 1)).conditions() == (0, 0, 0)
    assert 0 < max(by_quality[0]) < 1


@pytest.mark.parametrize("quality", [0, 101])
def test_other_qualities_are_refused(quality):
    with pytest.raises(UsageError, match=f"quality {quality} is out of range"):
        Quantisation.standard(quality)
