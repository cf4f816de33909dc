"""The published tables, against what the papers say about them elsewhere."""

import statistics
from pathlib import Path

import pytest

from twinscale.errors import UsageError
from twinscale.evaluation.published import published_scores, published_source, published_table
from twinscale.zoo import load_card, model_names

RESULTS = Path(__file__).parents[2] / "docs" / "results.json"
NETWORKS = ("CNN_SMALL", "CNN_MEDIUM", "CNN_DEEP", "waifu2x CNN")


# How tables are read


def test_a_figure_that_is_not_given_is_missing() -> None:
    psnr, seconds = (published_table("srcnn", "table-1", quantity) for quantity in ("PSNR", "seconds"))
    assert list(psnr["baby x2"]) == ["bicubic", "K-SVD", "NE+NNLS", "NE+LLE", "ANR", "SRCNN"]
    assert list(seconds["baby x2"]) == ["K-SVD", "NE+NNLS", "NE+LLE", "ANR", "SRCNN"]
    assert published_table("srcnn", "table-1") == psnr
    assert "DRCN" not in published_table("dsn", "table-4", "SSIM")["Urban100 x2"]


def test_a_layer_without_a_pad_of_its_own() -> None:
    pads, kernels = (published_table("dsn", "table-2", quantity) for quantity in ("pad", "kernel"))
    assert [name for name, row in pads.items() if not row] == [
        name for name, row in kernels.items() if row["trunk"] == 1 and "residual" not in name
    ]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("edsr", "table-1"), "no published tables of 'edsr': use one of car, dsn, sain, small_cnns, srcnn"),
        (("dsn", "table-6"), "dsn has no 'table-6': use one of table-1, table-1-baseline, table-2, table-3, table-4"),
        (("dsn", "models"), "dsn has no 'models'"),
        (("dsn", "table-4", "LPIPS"), "table-4 of dsn gives no 'LPIPS': use one of PSNR, SSIM"),
    ],
)
def test_unknown_tables(asked: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        published_table(*asked)


# Content adaptive resampling


def test_car_tables_1_3_and_4_agree_where_they_overlap() -> None:
    for quantity in ("PSNR", "SSIM"):
        table_1, table_3, table_4 = (published_table("car", f"table-{number}", quantity) for number in (1, 3, 4))
        for scale in (2, 4):
            by_l1 = table_3[f"CAR x{scale}"]
            assert list(by_l1) == ["Set5", "Set14", "BSD100", "Urban100", "DIV2K"]
            assert table_4[f"Learned, L1, CAR x{scale}"] == by_l1
            assert {dataset: table_1[f"{dataset} x{scale}"]["EDSR, CAR"] for dataset in by_l1} == by_l1


def test_car_rows_put_right_fit_the_text() -> None:
    """Section 4.2.3: L2 favours a high PSNR, and CAR is best in all cases at x4 and in four of five at x2."""
    table = published_table("car", "table-4")
    assert "Learned, L2, CNN-SR x4" not in table
    for scale, behind in ((2, ["BSD100"]), (4, [])):
        rows = {row: figures for row, figures in table.items() if row.endswith(f"x{scale}")}
        ours, by_l1 = rows.pop(f"Learned, L2, CAR x{scale}"), rows.pop(f"Learned, L1, CAR x{scale}")
        assert all(figure > by_l1[dataset] for dataset, figure in ours.items())
        best = {dataset: max(figures.get(dataset, 0) for figures in rows.values()) for dataset in ours}
        assert [dataset for dataset, figure in ours.items() if figure < best[dataset]] == behind


def test_car_contradicts_itself_as_its_page_says() -> None:
    table_1, table_3, table_4 = (published_table("car", f"table-{number}") for number in (1, 3, 4))
    on_urban = [table_4[f"Learned, L2, {name} x2"]["Urban100"] for name in ("CAR", "CNN-SR")]
    assert on_urban[0] - on_urban[1] == pytest.approx(1.68)  # "up to 1.17 dB on the Urban100 dataset"
    lowered = [
        (row.removeprefix("CAR "), dataset)
        for row, whole in table_3.items()
        if row.startswith("CAR")
        for dataset, figure in whole.items()
        if figure < table_3[row.replace("CAR", "without offset constraint")][dataset]
    ]
    assert lowered == [("x2", "BSD100"), ("x4", "Urban100")]
    assert table_1["BSD100 x2"]["EDSR, Bicubic"] < table_4["Bicubic, L2, SRCNN x2"]["BSD100"]


def test_car_table_2_gains_more_than_it_loses() -> None:
    table = published_table("car", "table-2")
    assert len(table) == 12
    for upscaler in ("SRDenseNet", "D-DBPN", "RDN", "RCAN"):
        bicubic, jointly, alone = (table[f"{upscaler}, {how}"] for how in ("Bicubic", "CAR†", "CAR‡"))
        assert all(alone[each] - bicubic[each] > jointly[each] - alone[each] > 0 for each in bicubic)


def test_car_averages_of_table_5() -> None:
    table = published_table("car", "table-5")
    for scale in (2, 4):
        rows = {row: figures for row, figures in table.items() if row.endswith(f"x{scale}")}
        averages = rows.pop(f"Average x{scale}")
        for method, average in averages.items():
            assert statistics.mean(row[method] for row in rows.values()) == pytest.approx(average, abs=1e-9)


# Deep Sampling Networks


def test_dsn_averages_of_table_1() -> None:
    # The paper's third average, 30.70, is not the mean of its row, 30.65.
    for row in published_table("dsn", "table-1").values():
        assert statistics.mean(list(row.values())[:3]) == pytest.approx(row["average"], abs=0.051)


def test_dsn_table_1_is_best_on_its_diagonal() -> None:
    table = published_table("dsn", "table-1")
    for tested in table:
        assert max(table, key=lambda trained: table[trained][tested]) == tested


def test_dsn_tables_3_and_4_agree_where_they_overlap() -> None:
    table_4 = published_table("dsn", "table-4")
    for dataset, row in published_table("dsn", "table-3").items():
        assert row["DSN, co-trained"] == table_4[f"{dataset} x3"]["DSN"]
        assert row["VDSR, bicubic"] == table_4[f"{dataset} x3"]["VDSR"]


# SRCNN


@pytest.mark.parametrize(("table", "scale"), [("table-1", 2), ("table-1", 3), ("table-1", 4), ("table-2", 3)])
def test_srcnn_averages_are_those_of_the_rows(table: str, scale: int) -> None:
    for quantity, tolerance in (("PSNR", 0.0101), ("seconds", 0.06)):  # times have one or two digits
        rows = {n: row for n, row in published_table("srcnn", table, quantity).items() if n.endswith(f"x{scale}")}
        averages = rows.pop(f"average x{scale}")
        assert len(rows) == (5 if table == "table-1" else 14)
        for method, average in averages.items():
            assert statistics.mean(row[method] for row in rows.values()) == pytest.approx(average, abs=tolerance)


def test_srcnn_table_3_trades_accuracy_for_time() -> None:
    for quantity in ("PSNR", "seconds"):
        column = [row["SRCNN"] for row in published_table("srcnn", "table-3", quantity).values()]
        assert column == sorted(column, reverse=True)


def test_srcnn_gains_are_those_of_the_text() -> None:
    # Section 5.2: "32.52 dB, higher than 32.39 dB"; 5.4: "32.57 dB, which is slightly higher than the 32.52 dB".
    default = published_table("srcnn", "table-3")["64, 32"]["SRCNN"]
    assert default - published_table("srcnn", "table-1")["average x3"]["SRCNN"] == pytest.approx(0.13)
    assert published_table("srcnn", "section-5-4")["11, 1, 7"]["SRCNN"] - default == pytest.approx(0.05)


# The small CNNs


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_small_cnns_parameters_follow_from_the_layers(number: int) -> None:
    table = published_table("small_cnns", f"table-{number}")
    layers = zip(*(row.values() for row in table.values()), strict=True)
    assert list(table) == ["in channels", "out channels", "kernel size", "parameters"]
    assert all(ins * outs * side**2 + outs == parameters for ins, outs, side, parameters in layers)
    ins, outs = list(table["in channels"].values()), list(table["out channels"].values())
    assert [*ins, 3] == [1, *outs]


def test_small_cnns_table_6_says_what_the_paper_concludes() -> None:
    table = published_table("small_cnns", "table-6")
    for kind in ("training", "validation", "best test"):
        small, medium, deep, waifu2x = (table[kind][name] for name in NETWORKS)
        assert small > medium > max(deep, waifu2x)
        assert (deep < waifu2x) == (kind != "validation")  # which the paper passes over
    # "it cost 10% less training time too"
    assert 0.85 < table["time"]["CNN_DEEP"] / table["time"]["waifu2x CNN"] <= 0.9


# Beside our models


def test_models_have_the_scores_of_their_paper() -> None:
    assert published_scores("srcnn-x3", "Set14") == [29.00]
    assert published_source("srcnn-x3") == "Dong et al. 2014, Tables 1 and 2"
    assert published_scores("srcnn-x2", "Set14") is None
    assert published_scores("dsn-y-x4", "BSD100") == [27.22, 0.7010]
    assert published_scores("dsn-y-x4", "source") is None
    assert published_scores("car-x2", "Set5") == [38.12, 0.9612]
    assert published_scores("car-bicubic-x4", "Urban100") == [23.43, 0.6875]
    for name in ("fast-x2", "no-such-model"):
        assert published_scores(name, "Set5") is None
        assert published_source(name) is None


def test_luminance_models_and_car_are_compared_and_no_others() -> None:
    for name in model_names():
        compared = load_card(name).colour == "y" or name.startswith("car-")
        assert (published_scores(name, "Set5") is not None) == (published_source(name) is not None) == compared


# Self-asymmetric invertible network


def test_sain_is_the_best_of_its_tables_and_rises_with_the_quality() -> None:
    for table in ("jpeg-x2", "jpeg-x4"):
        for quantity in ("PSNR", "SSIM"):
            *others, sain = published_table("sain", table, quantity).values()
            assert list(sain.values()) == sorted(sain.values())
            assert all(other[quality] < sain[quality] for other in others for quality in sain)


def test_what_was_read_off_sains_plot_is_as_far_above_car_as_in_its_table() -> None:
    table, plot = published_table("sain", "jpeg-x2"), published_table("sain", "other-sets-x2")
    for quality in ("30", "90"):
        gain = table["SAIN"][quality] - table["CAR, EDSR"][quality]
        for dataset in ("Set5", "Set14", "BSD100", "Urban100"):
            own = plot[f"{dataset}, SAIN"][quality] - plot[f"{dataset}, CAR"][quality]
            assert own == pytest.approx(gain, abs=1.1)
