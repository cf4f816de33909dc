"""Jin, Park, Jeong, "Super-resolution of compressed image by deep residual network", reproduced."""

from twinscale.papers.compressed_sr import accuracy, pictures
from twinscale.papers.paper import Item, Paper

PAPER = Paper(
    name="compressed_sr",
    citation='Jin, Park, Jeong: "Super-resolution of compressed image by deep residual network"',
    introduction=(
        "Pictures are reduced to half bicubically, saved as JPEGs of quality 10, 20 or 30, and enlarged again; PSNR is "
        "on luminance, borders of two pixels removed, by docs/protocol.md. The paper states neither the scale nor what "
        "of a picture goes through JPEG. Its figure for bicubic enlargement, 26.38 dB on Set5 at quality 10, fits x2 "
        "alone, and best a grey JPEG of the luminance, which gives 26.59 dB here; a JPEG of the RGB picture with "
        "4:2:0, as cameras write it, gives 27.16 dB. Both protocols stand here, each with networks of its own, and "
        "every figure says which it is. Networks learn from General100, the paper's set, without four pictures that "
        "validate them. They begin with quality 10, in the paper's three steps: repair small pictures; enlarge what "
        "the repairing network, which no longer learns, makes of them; both end to end. For quality 20 the result "
        "goes on learning end to end, and so on to 30. What else the paper leaves open: its 48 x 48 are pixels of the "
        "small picture, because that is what is compressed, and because EDSR's are; there are 32 residual blocks, as "
        "in the EDSR with as many feature maps; batches hold 16. With `--full`, networks have the paper's sizes and "
        "learn by its recipe, `paper-compressed-sr-x2`; by default they are compact and learn by ours, "
        "`compressed-sr-x2`. Fig. 1 draws the method and holds no results."
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
