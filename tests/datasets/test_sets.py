import os
import re

import pytest
from PIL import Image

from twinscale.datasets import catalogue, find_pictures
from twinscale.datasets.sets import named, suggestion
from twinscale.datasets.verify import matches

SETS = catalogue()
DIGITS = {"sha256": 64, "pixels": 64, "blob": 40}


def test_sets_and_sizes():
    assert {dataset.name: (dataset.kind, dataset.files) for dataset in SETS} == {
        "Set5": ("test", 5),
        "Set14": ("test", 14),
        "BSD100": ("test", 100),
        "Urban100": ("test", 100),
        "Kodak24": ("test", 24),
        "T91": ("train", 91),
        "BSDS200": ("train", 199),
        "BSDS500_test": ("train", 200),
        "General100": ("train", 100),
        "OpenPhotos": ("train", 73),
        "CameraPhotos": ("train", 84),
    }
    assert named("T91").megapixels == pytest.approx(5.36, abs=0.01)


@pytest.mark.parametrize("dataset", SETS, ids=lambda dataset: dataset.name)
def test_rows_are_well_formed(dataset):
    stems = {picture.stem.casefold() for picture in dataset.pictures}
    assert len(stems) == dataset.files, "stems must differ, even where the file system ignores case"
    for picture in dataset.pictures:
        assert re.fullmatch(r"[^/\\]+\.(bmp|jpg|png)", picture.file)
        assert picture.width > 0
        assert picture.height > 0
        assert picture.mode in ("RGB", "L")
        kind, _, digest = picture.checksum.partition(":")
        assert re.fullmatch(rf"[0-9a-f]{{{DIGITS[kind]}}}", digest)
        assert (kind == "blob") == (dataset.jpeg_quality is not None)
        pinned = r"[\w-]+/[\w-]+/[0-9a-f]{40}/.+|repos/[\w-]+/[\w-]+/git/blobs/[0-9a-f]{40}"
        assert re.fullmatch(pinned, picture.source)
        assert picture.terms


def test_no_training_picture_is_a_test_picture():
    test, train = (
        {picture.checksum for dataset in SETS if dataset.kind == kind for picture in dataset.pictures}
        for kind in ("test", "train")
    )
    assert not test & train
    # Set5's woman is a crop of this one.
    assert "302003" not in {picture.stem for picture in named("BSDS200").pictures}


def test_only_sets_whose_terms_all_allow_it_are_free_to_use():
    assert {dataset.name for dataset in SETS if dataset.use == "free"} == {"Kodak24", "OpenPhotos", "CameraPhotos"}
    for dataset in SETS:
        terms = {dataset.terms, *(picture.terms for picture in dataset.pictures)}
        forbidding = [line for line in terms if re.search("non-commercial|research|no licence", line)]
        assert bool(forbidding) == (dataset.use == "research"), dataset.name


def test_only_bridge_is_grey():
    grey = [picture.file for dataset in SETS for picture in dataset.pictures if picture.mode == "L"]
    assert grey == ["bridge.bmp"]


def test_suggestion():
    assert suggestion("set-5") == "did you mean Set5?"
    assert suggestion("urban") == "did you mean Urban100?"
    assert "CameraPhotos" in suggestion("DIV2K")


@pytest.mark.skipif("TWINSCALE_DATA" not in os.environ, reason="TWINSCALE_DATA does not name a data folder")
@pytest.mark.parametrize("dataset", SETS, ids=lambda dataset: dataset.name)
def test_catalogue_describes_the_real_pictures(dataset):
    for path, picture in zip(find_pictures(dataset.name), dataset.pictures, strict=True):
        assert path.stem == picture.stem
        with Image.open(path) as image:
            assert (image.size, image.mode) == ((picture.width, picture.height), picture.mode)
        # The checksum of a reduced photograph is that of its original.
        assert dataset.jpeg_quality or matches(path, picture), path
