from pathlib import Path

import pytest

from twinscale.datasets import dataset_name, find_pictures, get
from twinscale.datasets.find import folder_of
from twinscale.datasets.sets import named
from twinscale.errors import DatasetError

pytestmark = pytest.mark.usefixtures("server")

TINY = ("blau_ä.png", "grey.webp", "photo.jpg")


def fill(folder: Path, *names: str) -> list[Path]:
    """Create empty files; finding never opens them."""
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


@pytest.fixture
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    monkeypatch.setenv("TWINSCALE_DATA", str(folder))
    return folder


@pytest.mark.parametrize("below", ["test/Tiny", "train/Tiny", "Tiny"])
def test_set_in_the_data_folder(data, below):
    pictures = fill(data / below, *TINY)
    assert find_pictures("Tiny") == pictures


def test_data_folder_comes_before_the_cache(data, tmp_path):
    cached = fill(tmp_path / "cache/data/Tiny", *TINY)
    assert find_pictures("Tiny") == cached
    pictures = fill(data / "test/Tiny", *TINY)
    assert find_pictures("Tiny") == pictures


def test_incomplete_copy_is_passed_over(data, tmp_path):
    fill(data / "test/Tiny", *TINY[:2])
    cached = fill(tmp_path / "cache/data/Tiny", *TINY)
    assert find_pictures("Tiny") == cached


def test_incomplete_set_is_an_error(data):
    fill(data / "test/Tiny", *TINY[:2])
    with pytest.raises(DatasetError, match=r"only 2 of its 3 pictures.*twinscale data get Tiny"):
        find_pictures("Tiny")


def test_other_pictures_are_no_part_of_the_set(data):
    pictures = fill(data / "test/Tiny", *TINY)
    fill(data / "test/Tiny", "another.png")
    assert find_pictures("Tiny") == pictures


def test_missing_set_says_where_and_how(data, tmp_path):
    with pytest.raises(DatasetError) as caught:
        find_pictures("Tiny")
    message = str(caught.value)
    for part in ("Tiny", str(data / "test" / "Tiny"), str(tmp_path / "cache"), "twinscale data get Tiny"):
        assert part in message
    assert "\n" not in message


def test_mistyped_name():
    with pytest.raises(DatasetError, match="did you mean Photos"):
        find_pictures("Photo")
    with pytest.raises(DatasetError, match="known sets: Tiny, Photos"):
        find_pictures("qqq")


def test_folder_recursive_sorted_pictures_only(tmp_path):
    folder = tmp_path / "mine"
    names = ["a.PNG", "B.jpg", "c/d.tiff", "C/e.bmp", "z.webp"]
    pictures = fill(folder, *names)
    fill(folder, "notes.txt", "z.png.part", ".hidden.png", "._a.png", ".thumbs/a.png")
    assert find_pictures(folder) == pictures
    assert find_pictures(str(folder)) == pictures


def test_hidden_folder_above_does_not_matter(tmp_path):
    pictures = fill(tmp_path / ".home/mine", "a.png")
    assert find_pictures(tmp_path / ".home/mine") == pictures


def test_own_set_in_the_data_folder(data):
    pictures = fill(data / "train/Mine", "a.png", "b.png")
    assert find_pictures("Mine") == pictures


def test_name_wins_over_a_folder_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = fill(Path("Tiny"), "holiday.png")
    with pytest.raises(DatasetError, match="data get Tiny"):
        find_pictures("Tiny")
    assert find_pictures("./Tiny") == here
    assert find_pictures(Path("Tiny")) == here


def test_path_with_a_sets_name_and_no_such_folder(data):
    pictures = fill(data / "test/Tiny", *TINY)
    assert find_pictures(Path("Tiny")) == pictures


@pytest.mark.parametrize("value", ["", "no/such/folder", "../nowhere"])
def test_no_such_folder(value):
    with pytest.raises(DatasetError, match="give a folder"):
        find_pictures(value)


def test_file_is_not_a_folder(tmp_path):
    (file,) = fill(tmp_path, "a.png")
    with pytest.raises(DatasetError, match="no such folder"):
        find_pictures(file)


def test_folder_without_pictures(tmp_path):
    fill(tmp_path / "empty", "notes.txt")
    with pytest.raises(DatasetError, match="no pictures"):
        find_pictures(tmp_path / "empty")


def test_downloaded_set_is_found(server):
    tiny = named("Tiny")
    assert folder_of(tiny) is None
    folder = get("Tiny", base_url=server.url)
    assert folder_of(tiny) == folder


def test_display_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dataset_name("Tiny") == "Tiny"
    assert dataset_name("./some/Holiday/") == "Holiday"
    assert dataset_name(".") == tmp_path.name
    assert dataset_name("/") == "/"
