"""Jin, Park, Jeong, "Super-resolution of compressed image by deep residual network", reproduced."""

from twinscale.papers.compressed_sr import accuracy, pictures
from twinscale.papers.paper import Item, Paper

PAPER = Paper(
    name="compressed_sr",
    citation='Jin, Park, Jeong: "Super-resolution of compressed image by deep residual network"',
    introduction=(
        "Pictures are reduced to half bicubically, saved as JPEGs of quality 10, 20 or 30, and enlarged again; PSNR is "
        "on luminance, borders of two pixels removed, by docs/protocol.md. The paper states neither the scale nor what "
        "of a picture goes through JPEG. Its bicubic column, 26.38 dB, is near x2 alone, and nearest to a grey JPEG of "
        "the luminance; a JPEG of the RGB picture with 4:2:0, as cameras write it, is nearly 0.6 dB easier. Both stand "
        "here, each by networks of its own, and every figure says which it is. Networks learn from General100, the "
        "paper's set, without four pictures for validation. The first quality is 10, learnt in the paper's three "
        "steps: repair small pictures; enlarge what the repairing network, which no longer learns, makes of them; and "
        "both end to end. Quality 20 starts from the result and is learnt end to end, and so does 30 from 20. What "
        "else the paper leaves open: its 48 x 48 are pixels of the small picture, because those are what is "
        "compressed, and as in EDSR; the number of residual blocks is the 32 of the EDSR with as many feature maps; "
        "batches hold 16. With `--full` networks have the paper's sizes and learn by its recipe, "
        "`paper-compressed-sr-x2`; by default they are compact and learn by ours, `compressed-sr-x2`. Fig. 1 draws the "
        "method and holds no results."
    ),
    items=[
        Item("table-1", "Table 1: three qualities on four sets", accuracy.table_1),
        Item("table-2", "Table 2: the pictures of Set5", accuracy.table_2),
        Item("table-3", "Table 3: beside other methods", accuracy.table_3),
        Item("sec-3", "Section 3: three steps, or all at once", accuracy.section_3),
        Item("fig-2", "Fig. 2: butterfly at three qualities", pictures.figure_2),
        Item("fig-3", "Fig. 3: baby at three qualities", pictures.figure_3),
        Item("fig-4", "Fig. 4: baby beside other methods", pictures.figure_4),
    ],
)
