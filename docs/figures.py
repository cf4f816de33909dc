"""Makes the README's picture and headline table: ``python docs/figures.py`` (needs the dev extra).

The picture is Chelsea the cat, by Stefan van der Walt, CC0, from scikit-image.
"""

import json
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFont

import twinscale
from twinscale.evaluation.rate_distortion.curves import CHOSEN, LOW, summary
from twinscale.evaluation.rate_distortion.record import RateRecord
from twinscale.images.metrics import psnr
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
SCALE = 2
DETAIL = (slice(60, 160), slice(110, 250))
ZOOM = 3
HEADLINE_FAMILIES = ("twin", "fast")  # the defaults
HEADLINE_MODELS = tuple(f"{family}-x{scale}" for family in HEADLINE_FAMILIES for scale in (2, 3, 4))
JPEGS = (30, 50, 75, 90)
HEADLINE_SETS = ("Set5", "Set14", "BSD100", "Urban100", "Kodak24")


def comparison() -> Image.Image:
    """One detail, brought back from half its size in three ways, with the PSNR of the whole picture."""
    cat = skimage.data.chelsea()[:300, :450]
    truth = Picture(cat)
    half = Picture(imresize(cat, 1 / SCALE))
    columns = {
        "original": truth,
        "bicubic": Picture(imresize(half.pixels, SCALE)),
        "twinscale upscale": twinscale.upscale(half, SCALE),
        "twinscale shrink, restore": twinscale.restore(twinscale.shrink(truth, SCALE)),
    }
    tiles = []
    for name, picture in columns.items():
        score = "" if name == "original" else f"  {psnr(cat, picture.pixels):.1f} dB"
        detail = picture.pixels[DETAIL].repeat(ZOOM, 0).repeat(ZOOM, 1)
        caption = Image.new("RGB", (detail.shape[1], 28), "white")
        ImageDraw.Draw(caption).text((4, 4), name + score, "black", ImageFont.load_default(size=17))
        tiles.append(np.concatenate((detail, np.asarray(caption))))
    gap = np.full((tiles[0].shape[0], 6, 3), 255, np.uint8)
    top, bottom = (np.concatenate((tiles[i], gap, tiles[i + 1]), axis=1) for i in (0, 2))
    return Image.fromarray(np.concatenate((top, bottom)))


def headline() -> str:
    """PSNR on luminance of the default models on every set, from ``results.json``."""
    rows = json.loads((DOCS / "results.json").read_text())
    lines = [
        "PSNR in dB on luminance, *bicubic → ours*; `twinscale evaluate all "
        + " ".join(HEADLINE_SETS)
        + " --record docs` measures it, `python docs/figures.py` writes this table.",
        "",
        "| model | " + " | ".join(HEADLINE_SETS) + " |",
        "| --- " + "| ---: " * len(HEADLINE_SETS) + "|",
    ]
    for model in HEADLINE_MODELS:
        results = [rows[f"{model} {name}"] for name in HEADLINE_SETS]
        cells = [f"{row['bicubic']['psnr_y']:.2f} → **{row['ours']['psnr_y']:.2f}**" for row in results]
        lines.append(f"| `{model}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def compressed() -> str:
    """What is gained on compressed pictures of Kodak24, from ``jpeg.json`` and ``rd.json``."""
    scores = json.loads((DOCS / "jpeg.json").read_text())
    gains = {
        way: [
            scores[f"{key} | {quality} 4:2:0"]["rgb"] - scores[f"{beside} | {quality} 4:2:0"]["rgb"]
            for quality in JPEGS
        ]
        for way, key, beside in (
            ("enlarged to twice their size, above bicubic", "jpeg | x2 | Kodak24", "bicubic | x2 | Kodak24"),
            ("repaired, above the JPEG itself", "jpeg-x1 | x1 | Kodak24", "as it is | x1 | Kodak24"),
        )
    }
    fewer = {
        (row["metric"], row["below_bits_per_pixel"]): f"{-row['percent']:.0f} %"
        for row in summary(RateRecord(DOCS).rows())
        if (row["dataset"], row["codec"], row["way"]) == ("Kodak24", "JPEG", CHOSEN)
    }
    qualities = ", ".join(map(str, JPEGS[:-1])) + f" and {JPEGS[-1]}"
    lines = [f"JPEGs of quality {qualities} (Kodak24, PSNR over R, G and B; `python docs/jpeg.py` measures it):", ""]
    lines += [f"- {way}: {', '.join(f'**{gain:+.2f}**' for gain in found)} dB" for way, found in gains.items()]
    return "\n".join(
        [
            *lines,
            "",
            f"Packed as JPEG, a picture takes **{fewer['PSNR-RGB', LOW]}** fewer bits than JPEG alone for equal PSNR,",
            f"and {fewer['MS-SSIM', LOW]} fewer for equal MS-SSIM, below {LOW:g} bits per pixel; over all rates",
            f"{fewer['PSNR-RGB', None]} and {fewer['MS-SSIM', None]} (Kodak24; [rate and distortion](docs/rd.md), "
            "by `twinscale rd Kodak24 --codecs jpeg -o docs`).",
        ]
    )


def main() -> None:
    """Write the pictures and the tables."""
    Image.fromarray(skimage.data.chelsea()[60:188, 130:258]).save(IMAGES / "cat.png")
    comparison().save(IMAGES / "comparison.png")
    readme = DOCS.parent / "README.md"
    before, rest = readme.read_text().split("<!-- headline: written by docs/figures.py -->\n")
    after = rest.split("<!-- end of headline -->")[1]
    marked = f"<!-- headline: written by docs/figures.py -->\n{headline()}\n\n{compressed()}\n<!-- end of headline -->"
    readme.write_text(before + marked + after)


if __name__ == "__main__":
    main()
