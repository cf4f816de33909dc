"""Plots: the axes hold the data that the drawing holds."""

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex
from matplotlib.container import BarContainer

from twinscale.drawings import (
    Convergence,
    Curves,
    Displacements,
    Drawing,
    GroupedTradeOff,
    LogCurves,
    Preferences,
    RateDistortion,
    Spectra,
    TradeOff,
    TrainingCurves,
)

LINES = {"one": [(1, 1.0), (10, 2.0)], "two": [(1, 2.0), (10, 1.5)]}


def drawn_lines(axes) -> dict[str, list[tuple[float, float]]]:
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.lines}


def legend_of(holder) -> list[str]:
    (legend,) = [holder.get_legend()] if hasattr(holder, "get_legend") else holder.legends
    return [text.get_text() for text in legend.get_texts()]


def test_curves_have_a_panel_each() -> None:
    figure = Curves({"a": LINES, "b": {"one": LINES["one"]}}, "step", "dB").figure()
    left, right = figure.axes
    assert drawn_lines(left) == LINES
    assert drawn_lines(right) == {"one": LINES["one"]}
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    assert {(axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) for axes in figure.axes} == {
        ("step", "dB", "linear")
    }
    assert legend_of(left) == ["one", "two"]


def test_logarithmic_curves_share_their_axes() -> None:
    high = {"one": [(1, 1e-4), (10, 100.0)]}
    figure = LogCurves({"a": LINES, "b": high, "c": LINES}, "epoch", "loss").figure()
    first, second, third, empty = figure.axes
    assert [drawn_lines(axes) for axes in figure.axes] == [LINES, high, LINES, {}]
    assert (first.get_yscale(), empty.get_title()) == ("log", "")
    assert first.get_ylim() == second.get_ylim() == third.get_ylim()
    assert first.get_ylim()[0] < 1e-4 < 100 < first.get_ylim()[1]
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("epoch", "loss")


def test_rate_and_distortion_has_lines_to_compare_with() -> None:
    lines = {"alone": LINES["one"], **LINES}
    figure = RateDistortion({"a": lines, "b": LINES, "c": lines}, ["alone"], "bits per pixel", "dB").figure()
    first, second, third, empty = figure.axes
    assert [drawn_lines(axes) for axes in (first, second, third)] == [lines, LINES, lines]
    assert not empty.axison
    assert [(line.get_linestyle(), line.get_color()) for line in first.lines] == [
        ("--", "C0"),
        ("-", "C0"),
        ("-", "C1"),
    ]
    assert {(axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) for axes in (first, second, third)} == {
        ("log", "bits per pixel", "dB")
    }
    assert legend_of(first) == ["alone", "one", "two"]
    assert len(RateDistortion({"a": lines}, [], "bits per pixel", "dB").figure().axes) == 1


def test_displacements_lead_from_where_points_lie_to_where_they_move() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    places = np.array([[(1.0, 2.0), (3.0, 4.0)], [(5.0, 6.0), (0.0, 7.0)]])  # rows and columns of two groups
    moved = places + 0.25
    figure = Displacements(picture, {"still": (places, places), "moved": (places, moved)}).figure()
    plain, still, shown = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["picture", "still", "moved"]
    assert len(plain.collections) == 0
    assert all((axes.images[0].get_array() == picture).all() for axes in figure.axes)
    lines, dots, *_ = shown.collections
    np.testing.assert_array_equal(lines.get_segments(), [[(2, 1), (2.25, 1.25)], [(4, 3), (4.25, 3.25)]])
    np.testing.assert_array_equal(dots.get_offsets(), moved[0][:, ::-1])
    assert len({to_hex(each.get_color()[0]) for each in shown.collections[::2]}) == 2
    assert still.get_xlim() == (-0.5, 7.5)
    assert still.get_ylim() == (5.5, -0.5)  # row 0 is at the top


def test_convergence_cuts_off_what_lies_far_below_the_levels() -> None:
    lines = {"SRCNN": [(1, 5.0), (100, 32.0)]}
    figure = Convergence(lines, {"ANR": 31.92, "bicubic": 30.39}, "backpropagations", "dB").figure()
    (axes,) = figure.axes
    drawn = drawn_lines(axes)
    assert drawn.pop("SRCNN") == lines["SRCNN"]
    assert {name: {y for _, y in points} for name, points in drawn.items()} == {
        "ANR, 31.92": {31.92},
        "bicubic, 30.39": {30.39},
    }
    assert axes.get_ylim() == pytest.approx((30.39 - 1.61 / 4, 32 + 1.61 / 8))
    assert axes.get_xscale() == "log"
    assert legend_of(figure) == ["SRCNN", "ANR, 31.92", "bicubic, 30.39"]


def test_spectra_reach_from_zero_to_half_a_cycle_per_pixel() -> None:
    power = np.geomspace(1, 1e-3, 4)
    (axes,) = Spectra({"bicubic": power}).figure().axes
    frequencies, drawn = axes.lines[0].get_data()
    np.testing.assert_allclose(frequencies, [0.0625, 0.1875, 0.3125, 0.4375])
    np.testing.assert_array_equal(drawn, power)
    assert axes.get_yscale() == "log"


def test_training_curves_have_a_colour_per_run() -> None:
    steps = [(step, 1.0 / step) for step in range(1, 9)]
    runs = {"one": steps, "other": steps[:4]}
    dotted_runs, psnr = {"one": steps[::2], "other": []}, {"one": steps, "other": []}
    figure = TrainingCurves(runs, dotted_runs, psnr, {"one": 1.234, "other": 1.234}).figure()
    left, right = figure.axes
    thin, dotted, other, none = left.lines
    assert [list(zip(*line.get_data(), strict=True)) for line in left.lines] == [steps, steps[::2], steps[:4], []]
    assert thin.get_linewidth() < dotted.get_linewidth()
    assert [to_hex(line.get_color()) for line in (thin, dotted, other, none)] == ["#1f77b4"] * 2 + ["#ff7f0e"] * 2
    assert drawn_lines(right) == {"one": steps, "other": [], "bicubic, 1.23 dB": [(0, 1.23), (1, 1.23)]}
    assert legend_of(figure) == ["one", "other", "bicubic, 1.23 dB"]
    assert legend_of(left) == ["training", "validation"]
    assert (left.get_yscale(), right.get_yscale()) == ("log", "linear")


def test_a_trade_off_names_its_points_where_there_is_room() -> None:
    points = {"SRCNN": (30.0, 32.4), "beside it": (45.0, 32.4), "VDSR": (3000.0, 33.7)}
    (axes,) = TradeOff(points, "ms", "dB").figure().axes
    assert [line.get_xydata().tolist() for line in axes.lines] == [[list(point)] for point in points.values()]
    names = {text.get_text(): (text.xy, text.get_ha()) for text in axes.texts}
    assert names == {
        "SRCNN": (points["SRCNN"], "right"),  # another follows at the same height
        "beside it": (points["beside it"], "left"),
        "VDSR": (points["VDSR"], "left"),
    }
    assert len({text.get_color() for text in axes.texts}) == 3
    assert [axes.xaxis.get_major_formatter()(value) for value in (5, 200)] == ["5", "200"]


def test_groups_have_a_colour_each_and_names_on_either_side() -> None:
    groups = {"published": {"SRCNN": (0.39, 29.0), "ANR": (0.97, 28.65)}, "ours": {"SRCNN": (0.05, 29.1)}}
    (axes,) = GroupedTradeOff(groups, "s", "dB").figure().axes
    assert drawn_lines(axes) == {group: list(points.values()) for group, points in groups.items()}
    assert [(text.get_text(), text.xy, text.get_ha(), text.get_color()) for text in axes.texts] == [
        ("SRCNN", (0.39, 29.0), "left", "C0"),
        ("ANR", (0.97, 28.65), "left", "C0"),
        ("SRCNN", (0.05, 29.1), "right", "C1"),
    ]


def bars_of(axes) -> list[list[tuple[float, float, tuple[float, float]]]]:
    """Groups of bars of one kind: middle, height and the ends of the error bar."""
    return [
        [
            (bar.get_x() + bar.get_width() / 2, bar.get_height(), tuple(ends[:, 1]))
            for bar, ends in zip(kind, kind.errorbar.lines[2][0].get_segments(), strict=True)
        ]
        for kind in axes.containers
        if isinstance(kind, BarContainer)
    ]


def test_preferences_stand_above_the_axis_and_hang_below_it() -> None:
    restored = {"bicubic": [(0.7, 0.6, 0.9), (0.2, 0.1, 0.3), (0.1, 0.0, 0.15)], "l0": [(0.5, 0.2, 0.6)] * 3}
    small = {"bicubic": [(0.3, 0.2, 0.4)] * 3, "l0": [(0.25, 0.2, 0.4)] * 3}
    figure = Preferences("car", restored, small).figure()
    (axes,) = figure.axes
    groups = bars_of(axes)
    assert len(groups) == 6
    for index, group in enumerate(groups):
        half, sign = (restored, 1) if index < 3 else (small, -1)
        for number, (bar, name) in enumerate(zip(group, half, strict=True)):
            share, *ends = half[name][index % 3]
            place, height, drawn = bar
            assert round(place) == number
            assert height == pytest.approx(sign * share)
            assert drawn == pytest.approx([sign * end for end in ends][::sign])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["bicubic", "l0"]
    assert axes.yaxis.get_major_formatter()(-0.25) == "25%"
    assert axes.get_ylim() == (-1.05, 1.05)
    assert legend_of(figure) == ["car is better", "both are equal", "the other is better"]


def test_preferences_of_one_task_or_one_person() -> None:
    bars = {"bicubic": [(0.3, None, None)] * 3}
    for drawing, limits, label in (
        (Preferences("car", bars, {}), (0, 1.05), "restored pictures"),
        (Preferences("car", {}, bars), (-1.05, 0), "small pictures"),
    ):
        figure = drawing.figure()
        assert figure.axes[0].get_ylim() == limits
        assert figure.axes[0].get_ylabel() == label
        assert legend_of(figure) == ["car is better", "both are equal", "the other is better"]


@pytest.mark.parametrize(
    ("drawing", "size"),
    [
        (Curves({"a": LINES, "b": LINES}, "step", "dB"), (1012, 396)),
        (LogCurves({"a": LINES, "b": LINES, "c": LINES}, "epoch", "loss"), (880, 660)),
        (Convergence(LINES, {"bicubic": 1.0}, "steps", "dB"), (660, 506)),
        (Spectra({"bicubic": np.geomspace(1, 1e-3, 16)}), (605, 418)),
        (TrainingCurves(LINES, LINES, LINES, {}), (1012, 440)),
        (TradeOff({"SRCNN": (30.0, 32.4)}, "ms", "dB"), (605, 418)),
        (Preferences("car", {"l0": [(0.5, 0.4, 0.6)] * 3}, {}), (440, 484)),
        (GroupedTradeOff({"ours": {"SRCNN": (30.0, 32.4)}}, "ms", "dB"), (715, 440)),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Drawing) else "",
)
def test_saved_plots_are_pictures(drawing: Drawing, size: tuple[int, int], tmp_path) -> None:
    drawing.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == size
        assert (31, 119, 180) in {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}  # the first line's
