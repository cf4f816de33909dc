"""Dong, Loy, He, Tang, "Learning a Deep Convolutional Network for Image Super-Resolution", reproduced."""

from twinscale.papers.paper import Item, Paper
from twinscale.papers.srcnn import accuracy, filters, learning

PAPER = Paper(
    name="srcnn",
    citation='Dong, Loy, He, Tang: "Learning a Deep Convolutional Network for Image Super-Resolution"',
    introduction=(
        "PSNR on luminance, borders of the scale's width removed, by docs/protocol.md. Networks learn from T91, the "
        "paper's 91 pictures, as ANR beside them does, or, in place of ImageNet, from all training pictures; ten of "
        "T91 are set apart. By default they learn by our recipe, for as long as stated below each item; with "
        "`--full` by the paper's, of 8e8 backpropagations, which took the paper three days on a GPU. The last item "
        "compares the two. Fig. 2 and 3 draw the method and hold no results."
    ),
    items=[
        Item("fig-1", "Fig. 1: the first iterations", learning.figure_1),
        Item("table-1", "Table 1: Set5", accuracy.table_1),
        Item("table-2", "Table 2: Set14", accuracy.table_2),
        Item("fig-4", "Fig. 4: accuracy against time", accuracy.figure_4),
        Item("fig-5", "Fig. 5: first-layer filters", filters.figure_5),
        Item("fig-6", "Fig. 6: more training pictures", learning.figure_6),
        Item("table-3", "Table 3: the number of filters", filters.table_3),
        Item("sec-5-4", "Section 5.4: the size of the filters", filters.section_5_4),
        Item("fig-7-10", "Fig. 7 to 10: for the eye", accuracy.figures_7_to_10),
        Item("recipe", "Section 4: the paper's recipe and ours", learning.two_recipes),
    ],
)
