"""The screen of a run: what a person sees of it."""

import io

import pytest
from rich.console import Console

pytest.importorskip("torch")

from tests.training.test_log import row
from twinscale.training import screen
from twinscale.training.screen import LiveTable, PlainLines, open_screen

VALIDATED = [row(step, psnr) for step, psnr in ((10, 30.0), (20, 33.0), (30, 32.0))]


@pytest.mark.parametrize(("terminal", "kind"), [(True, LiveTable), (False, PlainLines)])
def test_the_terminal_decides(monkeypatch, terminal, kind):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    shown = open_screen(100, [], 29.0, 0.0)
    shown.close()
    assert type(shown) is kind


def test_a_line_a_validation(capsys):
    lines = PlainLines(100, [], 29.0, 0.0)
    for each in (row(5), *VALIDATED):
        lines.advance(each.step, 100)
        lines.show(each)
    lines.close()
    printed = capsys.readouterr()
    assert printed.out == ""
    bicubic, first, second, third = printed.err.splitlines()
    assert bicubic == "bicubic 29.00 dB"
    assert first == ("step 10/100  loss 0.05  validation 0.0333  30.00 dB  best 30.00 dB  80 pictures/s  0:00:09 left")
    assert "33.00 dB  best 33.00 dB" in second
    assert "32.00 dB  best 33.00 dB" in third


def test_a_line_a_minute(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr(screen.time, "monotonic", lambda: now)
    lines = PlainLines(40_000, VALIDATED, 29.0, 0.0)  # of earlier sittings
    for now in (30.0, 61.0, 100.0, 122.0):
        lines.show(row(round(100 * now), seconds=now))
    assert [line.split("  ")[0] for line in capsys.readouterr().err.splitlines()[1:]] == [
        "step 6100/40000",
        "step 12200/40000",
    ]


def test_how_many_steps_there_are_may_change(capsys):
    lines = PlainLines(100, [], 29.0, 0.0)
    lines.advance(10, 50)
    lines.show(VALIDATED[0])
    assert "step 10/50  " in capsys.readouterr().err


def drawn(table, height):
    file = io.StringIO()
    Console(file=file, width=100, height=height).print(table._render())
    return [line.split() for line in file.getvalue().splitlines()[2:]]


def test_a_row_a_validation_the_best_one_marked(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    table = LiveTable(100, VALIDATED[:1], 29.0, 0.0)  # of an earlier sitting
    for each in (row(15), *VALIDATED[1:]):
        table.advance(each.step, 100)
        table.show(each)
    rows = drawn(table, height=30)
    assert rows[0] == ["bicubic", "29.00"]
    assert rows[1] == ["10", "0.05", "0.0333", "30.00", "0.001", "80", "0:00:01"]
    assert rows[2] == ["20", "0.025", "0.0303", "33.00", "*", "0.001", "80", "0:00:02"]
    assert [line[0] for line in rows] == ["bicubic", "10", "20", "30", "step"]
    assert rows[-1][1] == "30/100"
    table.close()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "33.00 *" in printed.err


def test_a_long_table_shows_the_best_and_the_latest_until_it_is_closed(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "10")
    table = LiveTable(1000, [], 29.0, 0.0)
    for step in range(1, 21):
        table.show(row(step, 40.0 if step == 3 else 30.0))
    rows = drawn(table, height=10)
    assert [line[0] for line in rows[1:-1]] == ["3", "17", "18", "19", "20"]
    assert len(rows) + 2 < 10
    table.close()
    assert [line[0] for line in drawn(table, height=10)[1:-1]] == [str(step) for step in range(1, 21)]
