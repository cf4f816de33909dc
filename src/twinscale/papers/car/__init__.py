"""Sun, Chen, "Learned Image Downscaling for Upscaling Using Content Adaptive Resampler", reproduced."""

from twinscale.papers.car import ablation, accuracy, small_pictures
from twinscale.papers.paper import Item, Paper

PAPER = Paper(
    name="car",
    citation='Sun, Chen: "Learned Image Downscaling for Upscaling Using Content Adaptive Resampler"',
    introduction=(
        "PSNR and SSIM on luminance of RGB pictures in 8 bits, borders of the scale's width removed, by "
        "docs/protocol.md. DIV2K, on which the paper trains and validates, is not among our sets: networks learn from "
        "those that stand in their recipes, and figures on DIV2K are the paper's alone. Networks are compact, and "
        "those of one scale take equally many steps: as many as CAR with EDSR, or in Table 2 CAR with the network in "
        "question, takes in its time. From random weights that would take days: so CAR with EDSR goes on from the "
        "shipped `car-x2` or `-x4`, and EDSR alone from `edsr-x2` or `-x4`, which before took at least as many steps "
        "on bicubic small pictures. The networks of Table 2 go on, in a pair and alone, from the same weights, which "
        "learnt on such pictures for that time (`…-begun`), and the resamplers beside them from that of `car-x4`. They "
        "learn by L2, for by L1, as in the paper's Tables 1 to 3, a short run restores colour at luminance's expense. "
        "With `--full` they have the sizes of their papers, start from nothing and learn by the recipes `paper-car-x2` "
        "and `-x4`. Where the paper leaves things open or contradicts itself: kernels have 3s + 1 taps a side, as in "
        "its code, for the 3s of the text, s being the scale; equation 3 weighs columns with the row's fraction and "
        "equation 6 follows it, where bilinear interpolation is meant; the constants λ and γ are not given (ours: 5e-5 "
        "and 5e-4 beside L1, 3 % of that beside L2, and 1e-3 and 5e-3 with `--full`); 38.12 dB on Set5 x2 is by L1 "
        "with TV loss, 38.95 dB by L2. Of L0-regularized the authors' paper is not at hand: how its two priors become "
        "one energy is ours, and its figures differ. Fig. 1 and 2 draw the method and hold no results; Fig. 7 is a "
        "study with people, which `twinscale study` serves."
    ),
    items=[
        Item("table-1", "Table 1: what makes pictures small, and what restores them", accuracy.table_1),
        Item("table-2", "Table 2: CAR with other networks", accuracy.table_2),
        Item("fig-3", "Fig. 3: four pictures for the eye", small_pictures.figure_3),
        Item("table-3", "Table 3: without some of its parts", ablation.table_3),
        Item("fig-4", "Fig. 4: offsets, with and without their constraint", ablation.figure_4),
        Item("fig-5", "Fig. 5: with and without TV loss", ablation.figure_5),
        Item("table-4", "Table 4: beside published networks", accuracy.table_4),
        Item("fig-6", "Fig. 6: spectra of small pictures", small_pictures.figure_6),
        Item("table-5", "Table 5: bits of the small pictures", small_pictures.table_5),
    ],
)
