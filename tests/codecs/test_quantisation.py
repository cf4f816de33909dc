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


def test_inks_and_lights_are_neither_luma_nor_chroma():
    assert Quantisation.of_file(opened("CMYK")) is None
    assert Quantisation.of_file(opened(keep_rgb=True)) is None


def test_tables_of_ones_own():
    luma, chroma = np.arange(3, 67), np.full(64, 300)  # steps of more than 8 bits are allowed
    file = opened(qtables=[luma.tolist(), [99] * 64], subsampling="4:2:2")
    found = Quantisation.of_file(file)
    np.testing.assert_array_equal(np.sort(found.luma, axis=None), luma)
    assert found.subsampling == "4:2:2"
    assert 1 <= found.quality <= 100
    assert found._replace(chroma=chroma.reshape(8, 8)).conditions()[1] == 1


@pytest.mark.parametrize(("sampling", "name"), [*((s, n) for n, s in SUBSAMPLINGS.items()), ((1, 4), "4:1:1")])
def test_names_of_subsampling(sampling, name):
    assert Quantisation.standard(50, sampling).subsampling == name
    assert Quantisation.standard(50, grey=True).subsampling is None


def test_sampling_that_makes_no_sense_tells_nothing():
    file = opened(quality=50)
    file.layer = [(1, 1, 1, 0), (2, 2, 2, 1), (3, 2, 2, 1)]  # of chroma more samples than of luma
    assert Quantisation.of_file(file) is None


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
