"""Logs: what is written can be read again, by us, by a spreadsheet and by TensorBoard."""

import csv

import numpy as np
import pytest

pytest.importorskip("torch")

from twinscale.errors import UsageError
from twinscale.training.history import History, LogRow, read_log
from twinscale.training.log import Log

OLD = """step,loss,learning_rate,validation_psnr_y,seconds,pictures_per_second
5,0.5,0.001,,1.0,10.0
10,0.25,0.0005,27.5,2.0,10.5
15,0.125,0.0001,,3.0,10.5
"""


def row(step, psnr=None, **changes):
    values = {
        "loss": 0.5 / step,
        "learning_rate": 1e-3,
        "validation_loss": psnr and 1 / psnr,
        "validation_psnr_y": psnr,
        "ciede2000_p99": None,
        "seconds": step / 10,
        "pictures_per_second": 80.0,
    }
    return LogRow(step=step, **{**values, **changes})


def written(folder, rows, step=0):
    log = Log(folder, step, 100, 30.0)
    for each in rows:
        log.write(each)
    log.close()


def test_what_is_written_is_read_again(tmp_path):
    written(tmp_path, [row(5), row(10, 32.0), row(20, 40.0)])
    assert read_log(tmp_path) == History(
        training_loss=[(5, 0.1), (10, 0.05), (20, 0.025)],
        validation_loss=[(10, 0.03125), (20, 0.025)],
        psnr=[(10, 32.0), (20, 40.0)],
    )
    with (tmp_path / "log.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert cells[0] == {
        "step": "5",
        "loss": "0.1",
        "learning_rate": "0.001",
        "validation_loss": "",
        "validation_psnr_y": "",
        "ciede2000_p99": "",
        "seconds": "0.5",
        "pictures_per_second": "80.0",
    }
    assert (cells[1]["validation_loss"], cells[1]["validation_psnr_y"]) == ("0.03125", "32.0000")


def test_logs_from_before_the_validation_loss_are_read_and_continued(tmp_path):
    (tmp_path / "log.csv").write_text(OLD)
    losses = [(5, 0.5), (10, 0.25), (15, 0.125)]
    assert read_log(tmp_path) == History(losses, [], [(10, 27.5)])
    written(tmp_path, [row(20, 40.0)], step=15)
    assert read_log(tmp_path) == History([*losses, (20, 0.025)], [(20, 0.025)], [(10, 27.5), (20, 40.0)])


def test_what_a_killed_run_wrote_beyond_its_checkpoint_is_dropped_on_disk_before_the_next_row(tmp_path):
    (tmp_path / "log.csv").write_text(OLD)
    log = Log(tmp_path, 10, 100, 30.0)
    assert [step for step, _ in read_log(tmp_path).training_loss] == [5, 10]
    log.close()


def test_a_new_run_starts_a_new_log(tmp_path):
    (tmp_path / "log.csv").write_text(OLD)
    written(tmp_path, [])
    assert read_log(tmp_path) == History([], [], [])


def test_a_folder_without_a_log(tmp_path):
    with pytest.raises(UsageError, match=r"holds no log\.csv: name the folder of a training run"):
        read_log(tmp_path)


def test_tensorboard_gets_all_curves_and_the_previews(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = Log(tmp_path, 0, 100, 30.0)
    log.write(row(5))
    log.write(row(10, 32.0))
    log.picture(10, np.zeros((20, 30, 3), np.uint8))
    log.close()
    board = EventAccumulator(str(tmp_path))
    board.Reload()
    tags = board.Tags()
    assert set(tags["scalars"]) == {
        "loss",
        "learning_rate",
        "validation_loss",
        "validation_psnr_y",
        "pictures_per_second",
    }
    assert [(event.step, event.value) for event in board.Scalars("validation_psnr_y")] == [(10, 32.0)]
    assert [event.step for event in board.Scalars("loss")] == [5, 10]
    (image,) = board.Images("preview")
    assert (image.step, image.width, image.height) == (10, 30, 20)
