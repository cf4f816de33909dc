"""Cai, Xu, Guo, Jia, Tao, "Deep Sampling Networks": what it published, reproduced."""

from twinscale.papers.dsn import accuracy, architecture, compression, reductions
from twinscale.papers.paper import Item, Paper

PAPER = Paper(
    name="dsn",
    citation='Cai, Xu, Guo, Jia, Tao: "Deep Sampling Networks"',
    introduction=(
        "PSNR and SSIM on luminance, borders of the scale's width removed, by docs/protocol.md; trained on T91 and "
        "BSDS200 as in the paper's §4.1, with ten pictures of BSDS200 (two for VDSR) set apart for validation. Below "
        "each item stands whose recipe trained its networks, and for how long; the paper's took about a day on a GPU. "
        "With `--full` the pairs of Fig. 5, Fig. 8 to 10, Table 4 and Table 5 learn by the paper's recipe, "
        "`paper-dsn-y-x2`, `-x3` and `-x4`; for the networks beside them the paper gives none. SRCNN is 9-1-5 where "
        "the paper says so (§2) and 9-5-5 where it cites SRCNN's later version (Table 3 and Fig. 8, and so Fig. 9). "
        "Fig. 1, 3 and 4 draw the method and hold no results."
    ),
    items=[
        Item("table-1", "Table 1: a network trained for one reduction, tested on another", reductions.table_1),
        Item("fig-2", "Fig. 2: convergence by reduction and by enlargement", reductions.figure_2),
        Item("table-2", "Table 2: the layers", architecture.table_2),
        Item("fig-5", "Fig. 5: with and without Q-BReLU", reductions.figure_5),
        Item("fig-6", "Fig. 6: one texture, reduced in four ways", reductions.figure_6),
        Item("fig-7", "Fig. 7: small pictures side by side", reductions.figure_7),
        Item("table-3", "Table 3: Down-SNet in front of other networks", accuracy.table_3),
        Item("table-4", "Table 4: x2, x3 and x4 on four sets", accuracy.table_4),
        Item("fig-8", "Fig. 8: three pictures for the eye", accuracy.figure_8),
        Item("fig-9", "Fig. 9: accuracy against time", accuracy.figure_9),
        Item("table-5", "Table 5: DSN in front of codecs", compression.table_5),
        Item("fig-10", "Fig. 10: one picture at the same bytes", compression.figure_10),
        Item("looks", "Beyond the paper: how the small pictures look", reductions.looks),
    ],
)
