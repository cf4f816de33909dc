import numpy as np
import pytest
from PIL import Image, ImageCms

from twinscale.datasets.reduce import reduce_photo
from twinscale.images.resize import imresize


@pytest.fixture
def photo():
    y, x = np.mgrid[0:48, 0:64]
    return np.stack([x * 3, y * 4, 255 - x * 2], axis=-1).astype(np.uint8)


def test_is_antialiased_bicubic(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "big.png")
    reduce_photo(tmp_path / "big.png", tmp_path / "small.jpg", (29, 23), 95)
    with Image.open(tmp_path / "small.jpg") as small:
        difference = np.asarray(small, dtype=int) - imresize(photo, size=(23, 29))
    assert np.abs(difference).mean() < 1.0


def test_srgb_profile_changes_nothing(photo, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(photo).save(tmp_path / "plain.png")
    Image.fromarray(photo).save(tmp_path / "tagged.png", icc_profile=profile)
    for name in ("plain", "tagged"):
        reduce_photo(tmp_path / f"{name}.png", tmp_path / f"{name}.jpg", (32, 24), 95)
    assert (tmp_path / "plain.jpg").read_bytes() == (tmp_path / "tagged.jpg").read_bytes()


def test_other_profile_is_converted(tmp_path):
    # Pillow makes Lab and XYZ profiles besides sRGB; Lab's mid-grey (L* = 53.6) is sRGB's 128.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    grey = Image.new("LAB", (16, 16), (137, 128, 128))
    grey.save(tmp_path / "lab.tif", icc_profile=profile)
    reduce_photo(tmp_path / "lab.tif", tmp_path / "small.jpg", (8, 8), 95)
    with Image.open(tmp_path / "small.jpg") as small:
        np.testing.assert_allclose(np.asarray(small), 128, atol=2)


def test_grey_photograph_becomes_rgb(photo, tmp_path):
    Image.fromarray(photo[..., 0]).save(tmp_path / "grey.png")
    reduce_photo(tmp_path / "grey.png", tmp_path / "small.jpg", (16, 12), 94)
    with Image.open(tmp_path / "small.jpg") as small:
        assert small.mode == "RGB"
