"""Kept points: what is measured again, what is dropped, and how they are written."""

import json
from dataclasses import replace

import numpy as np

from twinscale.evaluation.rate_distortion.measuring import Point
from twinscale.evaluation.rate_distortion.record import Measured, RateRecord

ROW = Measured("Kodak24", "kodim01", "JPEG", "alone", is_packed=True, pixels=1000, made_by="a")
POINTS = [Point(70, 200, 33.0, 34.0, 0.9, 0.95), Point(30, 100, 30.0, 31.0, 0.8, 0.9)]


def test_only_what_is_missing_is_asked_for(tmp_path) -> None:
    record = RateRecord(tmp_path / "new" / "folder")
    record.prepare([ROW])
    assert record.missing(ROW, [30, 50, 70]) == [30, 50, 70]
    record.add(ROW, POINTS)
    assert record.missing(ROW, [30, 50, 70]) == [50]
    record.save()
    again = RateRecord(tmp_path / "new" / "folder")
    assert again.rows() == record.rows() == [replace(ROW, points=(POINTS[1], POINTS[0]))]
    again.prepare([ROW])
    assert again.missing(ROW, [30, 50, 70]) == [50]


def test_what_was_made_otherwise_is_measured_again(tmp_path) -> None:
    record = RateRecord(tmp_path)
    record.prepare([ROW])
    record.add(ROW, POINTS)
    changed = replace(ROW, made_by="b")
    record.prepare([changed])
    assert record.missing(changed, [30]) == [30]
    assert record.rows() == []


def test_other_ways_of_the_same_codec_and_set_are_dropped_and_no_others(tmp_path) -> None:
    rows = [ROW, replace(ROW, way="x2 old"), replace(ROW, codec="WEBP", way="x2 old"), replace(ROW, dataset="Set5")]
    record = RateRecord(tmp_path)
    record.prepare(rows)
    for row in rows:
        record.add(row, POINTS)
    record.prepare([replace(ROW, is_packed=False)])
    kept = {(row.dataset, row.codec, row.way, row.is_packed) for row in record.rows()}
    assert kept == {
        ("Kodak24", "JPEG", "alone", False),
        ("Kodak24", "WEBP", "x2 old", True),
        ("Set5", "JPEG", "alone", True),
    }


def test_the_file_is_json_with_a_line_for_each_way_and_picture(tmp_path) -> None:
    rows = [replace(ROW, picture=name) for name in ("kodim02", "kodim01")]
    record = RateRecord(tmp_path)
    record.prepare(rows)
    for row in rows:
        record.add(row, [POINTS[0]._replace(psnr_rgb=33.123456789)])
    record.save()
    text = (tmp_path / "rd.json").read_text()
    assert [row["picture"] for row in json.loads(text)] == ["kodim01", "kodim02"]
    assert json.loads(text)[0]["points"] == [[70, 200, 33.123457, 34.0, 0.9, 0.95]]
    assert len(text.splitlines()) == 4


def test_curves_are_of_bits_per_pixel_and_decibels() -> None:
    row = replace(ROW, points=tuple(POINTS))
    assert row.at("PSNR-Y") == {70: (1.6, 34.0), 30: (0.8, 31.0)}
    curve = row.curve("PSNR-RGB")
    np.testing.assert_allclose(np.exp(curve.log_rates), [0.8, 1.6])
    assert curve.qualities.tolist() == [30.0, 33.0]
    assert replace(row, points=row.points[:1]).curve("SSIM") is None
