"""A survey measures what is missing, all of it, and nothing twice."""

from fractions import Fraction

import pytest
import skimage.data

from twinscale.errors import DatasetError
from twinscale.evaluation.rate_distortion import survey as surveying
from twinscale.evaluation.rate_distortion.measuring import Bicubic, Contender, Point, measure, plain
from twinscale.evaluation.rate_distortion.record import RateRecord
from twinscale.evaluation.rate_distortion.survey import survey
from twinscale.images.picture import Picture
from twinscale.rescale.ways import Way

WAYS = [Contender("alone", Way("JPEG"), True, ""), Contender("x2 bicubic", Bicubic("JPEG", 2), False, "")]


@pytest.fixture
def folder(tmp_path):
    for name, left in {"here/a": 0, "here/b": 100, "there/a": 200}.items():
        path = tmp_path / "mine" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Picture(skimage.data.astronaut()[:161, left : left + 162].copy()).write(path)
    return tmp_path / "mine"


@pytest.fixture
def asked(monkeypatch) -> list[tuple[str, list[int]]]:
    """What was measured: the coding's format and scale, and the qualities."""
    calls = []

    def spy(coding, picture, qualities):
        calls.append((getattr(coding, "scale", None), list(qualities)))
        return measure(coding, picture, qualities)

    monkeypatch.setattr(surveying, "measure", spy)
    monkeypatch.setattr(surveying, "contenders", lambda codec, models, runtime: list(WAYS))
    return calls


def test_measures_all_ways_of_all_pictures(folder, asked, tmp_path) -> None:
    record, seen = RateRecord(tmp_path), []
    survey(record, [folder], ["jpg"], qualities=[20, 60], threads=2, progress=lambda *now: seen.append(now))
    rows = record.rows()
    assert [(row.picture, row.way) for row in rows] == [
        (picture, way) for way in ("alone", "x2 bicubic") for picture in ("here/a", "here/b", "there/a")
    ]
    assert {(row.dataset, row.codec, row.pixels) for row in rows} == {("mine", "JPEG", 161 * 162)}
    assert seen == [(done, 6) for done in range(1, 7)]
    picture = plain(Picture.read(folder / "here" / "b.png"))
    (expected,) = measure(Way("JPEG"), picture, [60])
    assert rows[1].points[1] == pytest.approx(expected, abs=1e-6)
    assert isinstance(rows[1].points[1], Point)
    assert len(RateRecord(tmp_path).rows()) == 6  # saved


def test_measures_only_what_is_missing(folder, asked, tmp_path) -> None:
    survey(RateRecord(tmp_path), [folder], ["jpeg"], qualities=[20, 60])
    del asked[:]
    survey(RateRecord(tmp_path), [folder], ["jpeg"], qualities=[20, 40, 60])
    assert sorted(asked, key=str) == [(2, [40])] * 3 + [(Fraction(1), [40])] * 3
    del asked[:]
    Picture(skimage.data.astronaut()[200:361, :162].copy()).write(folder / "here" / "a.png", overwrite=True)
    survey(RateRecord(tmp_path), [folder], ["jpeg"], qualities=[20, 40])
    assert sorted(asked, key=str) == [(2, [20, 40]), (Fraction(1), [20, 40])]


def test_what_was_measured_before_a_failure_is_kept(folder, asked, tmp_path, monkeypatch) -> None:
    def fail(coding, picture, qualities):
        if isinstance(coding, Bicubic):
            raise RuntimeError("interrupted")
        return measure(coding, picture, qualities)

    monkeypatch.setattr(surveying, "measure", fail)
    with pytest.raises(RuntimeError, match="interrupted"):
        survey(RateRecord(tmp_path), [folder], ["jpeg"], qualities=[20, 60], threads=1)
    assert [row.way for row in RateRecord(tmp_path).rows()] == ["alone"]


def test_refuses_a_set_that_is_not_there(asked, tmp_path) -> None:
    with pytest.raises(DatasetError, match="no such set or folder"):
        survey(RateRecord(tmp_path), ["NoSuchSet"], ["jpeg"])
