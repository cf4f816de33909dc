"""Which pictures are trained on, and which validate."""

import pytest

from twinscale.errors import DatasetError
from twinscale.training.recipe import DataSpec
from twinscale.training.split import split_pictures


def test_every_tenth_picture_validates_by_default(folder):
    train, validation, names = split_pictures(DataSpec(train=[str(folder)], crop=8, batch=1))
    assert names == [f"{folder.name}/p00", f"{folder.name}/p06"]
    assert [path.stem for path in validation] == ["p00", "p06"]
    assert len(train) == 10
    assert set(train).isdisjoint(validation)


def test_at_most_ten_validate(tmp_path):
    for i in range(250):
        (tmp_path / f"{i:03}.png").touch()
    train, validation, _ = split_pictures(DataSpec(train=[str(tmp_path)], crop=8, batch=1))
    assert [path.stem for path in validation] == [f"{i:03}" for i in range(0, 250, 25)]
    assert len(train) == 240


def test_named_validation(folder):
    names = [f"{folder.name}/p03", f"{folder.name}/p01"]
    train, validation, found = split_pictures(DataSpec(train=[str(folder)], validation=names, crop=8, batch=1))
    assert found == names
    assert [path.stem for path in validation] == ["p03", "p01"]
    assert not {"p01", "p03"} & {path.stem for path in train}


def test_pictures_of_the_same_stem_are_all_trained_on(tmp_path):
    for name in ("a/1.png", "b/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    data = DataSpec(train=[str(tmp_path)], validation=[f"{tmp_path.name}/2"], crop=8, batch=1)
    assert [path.parent.name for path in split_pictures(data)[0]] == ["a", "b"]


def test_split_errors(folder, tmp_path):
    data = DataSpec(train=[str(folder)], validation=["Set5/baby"], crop=8, batch=1)
    with pytest.raises(DatasetError, match=r"'Set5/baby' is in none of .*: name it set/stem"):
        split_pictures(data)
    (tmp_path / "only.png").touch()
    with pytest.raises(DatasetError, match=r"1 picture\(s\) leave none to train on"):
        split_pictures(DataSpec(train=[str(tmp_path)], crop=8, batch=1))
    with pytest.raises(DatasetError, match="no such set or folder"):
        split_pictures(DataSpec(train=["NoSuchSet"], crop=8, batch=1))
