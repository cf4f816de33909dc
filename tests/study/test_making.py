"""Making a study: what is rendered and kept, and what the files give away."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.awkward import pattern
from tests.study.participants import COMPETITORS, SUBJECT, make
from twinscale.errors import OutputExistsError, PictureError, UsageError
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.study import Study
from twinscale.study.making import make_study
from twinscale.study.methods import Method


def pixels(study: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(study / "pictures" / f"{name}.png"))


def test_every_picture_is_rendered_by_every_method(tmp_path: Path) -> None:
    folder = make(tmp_path)
    study = Study.load(folder)
    assert (study.subject, study.competitors, study.scale, study.repeats) == ("ours", ["theirs", "another"], 2, 3)
    asked = [(question.task, question.picture, question.competitor) for question in study.questions]
    names = ("pictures/0.png", "pictures/1.png")
    expected = [(t, p, c) for t in ("restored", "small") for p in names for c in ("theirs", "another")]
    assert sorted(asked) == sorted(expected)
    kernels = {"ours": "lanczos3", "theirs": "bilinear", "another": "nearest"}
    for question in study.questions:
        truth = np.asarray(Image.open(tmp_path / question.picture))
        np.testing.assert_array_equal(pixels(folder, question.original), truth)
        for method, name in (
            ("ours", question.subject_variant),
            (question.competitor, question.competitor_variant),
        ):
            small = imresize(truth, 0.5, kernel=kernels[method])
            made = small if question.task == "small" else imresize(small, 2, kernel=kernels[method])
            np.testing.assert_array_equal(pixels(folder, name), made)


def test_files_do_not_tell_what_they_are(tmp_path: Path) -> None:
    folder = make(tmp_path)
    files = sorted((folder / "pictures").iterdir())
    assert len(files) == 2 * (1 + 3 * 2)  # pictures, each with its original and two variants by three methods
    for path in files:
        assert re.fullmatch(r"[0-9a-f]{16}\.png", path.name)
        data = path.read_bytes()
        picture = Picture.read(data)
        assert (picture.xmp, picture.exif) == (None, None)
        assert not re.search(rb"ours|theirs|another|twinscale", data)
    made = [
        name
        for question in Study.load(folder).questions
        for name in (question.original, question.subject_variant, question.competitor_variant)
    ]
    assert list(dict.fromkeys(made)) != sorted(set(made))  # by chance once in 14! times


def test_only_what_a_task_needs_is_rendered(tmp_path: Path) -> None:
    def never(picture: Picture, scale: int) -> Picture:
        raise AssertionError

    Image.fromarray(pattern(8, 8)).save(tmp_path / "a.png")
    subject, competitor = (replace(method, restore=never) for method in (SUBJECT, COMPETITORS[0]))
    study = make_study(tmp_path / "study", [tmp_path / "a.png"], subject, [competitor], scale=2, tasks=["small"])
    assert study.tasks == ["small"]
    assert len(list((tmp_path / "study" / "pictures").iterdir())) == 3


def test_awkward_pictures(tmp_path: Path) -> None:
    """Sides that the scale does not divide, transparency, 16 bits, grey."""
    deep = pattern(7, 9)[:, :, :1].astype(np.uint16) * 257
    Picture(np.ascontiguousarray(deep)).write(tmp_path / "deep.png")
    opacity = np.zeros((7, 9), np.uint8)
    opacity[:4] = 255
    Picture(pattern(7, 9), opacity).write(tmp_path / "transparent.png")
    paths = [tmp_path / "deep.png", tmp_path / "transparent.png"]
    study = make_study(tmp_path / "study", paths, SUBJECT, COMPETITORS, scale=4)
    grey, coloured = dict.fromkeys(question.original for question in study.questions)
    np.testing.assert_array_equal(pixels(tmp_path / "study", grey), pattern(7, 9)[:4, :8, 0])
    np.testing.assert_array_equal(pixels(tmp_path / "study", coloured), pattern(7, 9)[:4, :8])
    assert {pixels(tmp_path / "study", q.subject_variant).shape[:2] for q in study.questions} == {(1, 2), (4, 8)}


def test_transparent_pictures_lie_on_white(tmp_path: Path) -> None:
    Picture(pattern(4, 4), np.zeros((4, 4), np.uint8)).write(tmp_path / "a.png")
    study = make_study(tmp_path / "study", [tmp_path / "a.png"], SUBJECT, COMPETITORS, scale=2)
    assert (pixels(tmp_path / "study", study.questions[0].original) == 255).all()


def test_what_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    Image.fromarray(pattern(3, 40)).save(tmp_path / "thin.png")
    Image.fromarray(pattern(8, 8)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no picture")
    wrong = Method("wrong", lambda picture, scale: picture, lambda small, scale: small)
    half = Method("half", SUBJECT.shrink, lambda small, scale: small)
    good, output = [tmp_path / "good.png"], tmp_path / "study"
    for error, message, paths, competitors, options in (
        (PictureError, "thin.png: 40x3 pixels are too few to become 4 times smaller", ["thin.png"], COMPETITORS, {}),
        (PictureError, "bad.png", ["good.png", "bad.png"], COMPETITORS, {}),
        (UsageError, "wrong made a small picture of 8x8 pixels where 2x2 belong", good, [wrong], {}),
        (UsageError, "half made a restored picture of 2x2 pixels where 8x8 belong", good, [half], {}),
        (UsageError, "'theirs' is named twice", good, [COMPETITORS[0]] * 2, {}),
        (UsageError, "name at least one of each", [], COMPETITORS, {}),
        (UsageError, "name at least one of each", good, [], {}),
        (UsageError, "name at least one of each", good, COMPETITORS, {"tasks": []}),
        (UsageError, "scale 17 must be 2 to 16", good, COMPETITORS, {"scale": 17}),
        (UsageError, "number of repeats, -1, 0 to 1000", good, COMPETITORS, {"repeats": -1}),
    ):
        with pytest.raises(error, match=message):
            make_study(output, [tmp_path / path for path in paths], SUBJECT, competitors, **options)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.png", "good.png", "thin.png"]


def test_a_study_is_not_overwritten(tmp_path: Path) -> None:
    folder = make(tmp_path)
    with pytest.raises(OutputExistsError, match="study: already exists"):
        make_study(folder, [tmp_path / "pictures" / "0.png"], SUBJECT, COMPETITORS)
