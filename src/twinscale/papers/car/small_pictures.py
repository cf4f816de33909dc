"""Table 5, Fig. 3 and 6: what small pictures look like, and what they hold."""

import statistics
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from twinscale.codecs.rate import coded
from twinscale.datasets import find_pictures
from twinscale.drawings import SideBySide
from twinscale.evaluation.looks import radial_spectrum
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.published import published_table
from twinscale.evaluation.trial import Transform, Trial
from twinscale.images.colour import luminance
from twinscale.images.levels import to_pixels
from twinscale.images.picture import Picture
from twinscale.papers.car import networks
from twinscale.papers.car.networks import DOWNSCALERS, SCALES
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, planes_of

_METHODS = (*DOWNSCALERS, "CAR")
_BANDS = 32  # of Fig. 6
_RANGE = 6.0  # decades of power that Fig. 6 shows


def _reduction(reproduction: Reproduction, scale: int, name: str) -> Transform:
    """Return what makes pictures small, by the paper's name: a classical method, or CAR with EDSR."""
    if name in DOWNSCALERS:
        return lambda truth: Protocol(scale, "rgb").reduce(truth, DOWNSCALERS[name])
    return reproduction.rescaler(networks.pair(reproduction, scale)).reduce


def table_5(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 5."""
    printed = published_table("car", "table-5")
    reached: dict[str, dict[str, Value]] = {}
    for scale in SCALES:
        for dataset in reproduction.sets:
            bits = {name: _bits(reproduction, scale, name, dataset) for name in _METHODS}
            reached[f"{dataset} x{scale}"] = {name: Value(*each) for name, each in bits.items()}
        rows = [
            ComparisonRow((row.split()[0], name), Value(theirs), reached.get(row, {}).get(name))
            for row, figures in printed.items()
            if row.endswith(f"x{scale}")
            for name, theirs in figures.items()
        ]
        unit = "bits per small pixel; ours also without the colour transform"
        yield Comparison(f"x{scale}", ("set", "reduced by"), unit, rows, digits=(2, 2))
    here = [{name: bits.main for name, bits in figures.items()} for figures in reached.values()]
    theirs = [figures for row, figures in printed.items() if not row.startswith("Average")]
    three = list(DOWNSCALERS)[1:]
    yield Claim(
        "CAR's small pictures need fewer bits than those of the methods made for the eye",
        min(_savings(here, three)) > 0,
        f"{_described(_savings(here, three))}; in the paper {_described(_savings(theirs, three))}",
    )
    yield Claim(
        "On average they need slightly fewer bits than bicubic ones",
        statistics.mean(_savings(here, ["Bicubic"])) > 0,
        f"{_described(_savings(here, ['Bicubic']))}; in the paper {_described(_savings(theirs, ['Bicubic']))}",
    )
    yield (
        "The paper counts bits per pixel of the small picture, not of the full-size one. It does not name its encoder, "
        "but without a transform of colours JPEG-LS needs more bits than it prints. Ours takes green from red and blue "
        "first, as HP's encoder, by the authors of JPEG-LS, can. The paper's averages include DIV2K."
    )
    yield reproduction.budget(networks.pair(reproduction, scale) for scale in SCALES)


def _savings(rows: list[dict[str, float]], others: list[str]) -> list[float]:
    """Return by how many bits CAR's small pictures are smaller than others', by row."""
    return [figures[other] - figures["CAR"] for figures in rows for other in others]


def _described(savings: list[float]) -> str:
    fewer = sum(saving > 0 for saving in savings)
    return f"{statistics.mean(savings):.2f} bits fewer on average, fewer in {fewer} of {len(savings)} cases"


def _bits(reproduction: Reproduction, scale: int, name: str, dataset: str) -> list[float]:
    """Return the bits per small pixel, mean over a set: with the transform of colours, and without."""
    is_car = name not in DOWNSCALERS
    made_by = f"CAR {reproduction.trained(networks.pair(reproduction, scale)).weights[:16]}" if is_car else name

    def measure() -> list[float]:
        protocol, reduce = Protocol(scale, "rgb"), _reduction(reproduction, scale, name)
        smalls = [to_pixels(reduce(protocol.truth(planes)), np.uint8) for planes in planes_of(dataset)]
        return [
            statistics.mean(coded(each, "JPEGLS").bits_per_pixel() for each in pictures)
            for pictures in (map(without_green, smalls), smalls)
        ]

    return reproduction.figures(f"JPEG-LS bits of {dataset} x{scale} by {made_by}", measure)


def without_green(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take green from red and from blue, modulo 256, and add 128; grey pictures stay as they are."""
    if pixels.shape[2] == 1:
        return pixels
    red, green, blue = np.moveaxis(pixels, 2, 0)
    return np.stack((red - green + np.uint8(128), green, blue - green + np.uint8(128)), axis=2)


# What is drawn of pictures of Set14, rows and columns: multiples of the scale, so that small pixels are whole.
_DETAILS = {
    "barbara": (slice(4, 100), slice(172, 268)),
    "comic": (slice(48, 144), slice(56, 152)),
    "monarch": (slice(180, 276), slice(300, 396)),
    "ppt3": (slice(244, 340), slice(28, 124)),
}


def figure_3(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 3."""
    protocol = Protocol(4, "rgb")
    recipes = {how: networks.upscaler(reproduction, 4, "edsr", method) for how, method in DOWNSCALERS.items()}
    recipes["CAR"] = networks.pair(reproduction, 4)
    networks.keep_pace(reproduction, 4, recipes.values())
    rescalers = {how: reproduction.rescaler(recipe) for how, recipe in recipes.items()}
    rows, tiles, margins = [], [], {}
    for shown, detail in _DETAILS.items():
        planes = _of_set14(shown)
        trials = {how: Trial.of(rescaler, protocol, planes) for how, rescaler in rescalers.items()}
        psnr = {how: trial.scores(protocol).psnr_y for how, trial in trials.items()}
        rows += [ComparisonRow((shown, how), None, Value.of(trial.scores(protocol))) for how, trial in trials.items()]
        margins[shown] = psnr["CAR"] - max(reached for how, reached in psnr.items() if how != "CAR")
        original = {f"{shown}, original": to_pixels(trials["CAR"].truth, np.uint8)[detail]}
        tiles.append(original | {how: enlarged(trial.low, 4)[detail] for how, trial in trials.items()})
        tiles.append(
            original
            | {f"{how}: {psnr[how]:.2f} dB": to_pixels(trial.result, np.uint8)[detail] for how, trial in trials.items()}
        )
    yield Comparison("Set14 x4, restored by EDSR", ("picture", "reduced by"), "dB / SSIM; only drawn there", rows)
    yield Claim(
        "EDSR restores these pictures best from CAR's small ones",
        min(margins.values()) > 0,
        "its lead in PSNR: " + ", ".join(f"{shown} {margin:+.2f} dB" for shown, margin in margins.items()),
    )
    yield Figure(
        "car-fig-3.png",
        "details of the four pictures, first reduced to a quarter, each small pixel as 4x4, then restored; each pixel "
        "as 2x2. Whether CAR keeps the direction of barbara's books, more of comic's detail and the edges of monarch "
        "and ppt3 is for the eye.",
        SideBySide(tiles, zoom=2),
        is_private=True,
    )
    yield reproduction.budget(recipes.values())


def _of_set14(name: str) -> NDArray:
    """Return the planes of a picture."""
    (path,) = (path for path in find_pictures("Set14") if path.stem == name)
    return Picture.read(path).planes()


def enlarged(low: NDArray, scale: int) -> NDArray[np.uint8]:
    """Draw each small pixel as a square."""
    return to_pixels(low, np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)


def figure_6(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 6."""
    truth = Protocol(4, "rgb").truth(_of_set14("barbara"))
    levels = {name: _levels(_reduction(reproduction, 4, name)(truth)) for name in _METHODS}
    original = _levels(truth)
    height, width = levels["CAR"].shape
    whole = np.fft.fftshift(_power(original))
    inner = tuple(slice((4 - 1) * side // 2, (4 + 1) * side // 2) for side in (height, width))
    spectra = {"original, inner part": whole[inner] / 4**2} | {
        name: np.fft.fftshift(_power(plane)) for name, plane in levels.items()
    }
    yield Figure(
        "car-fig-6.png",
        "Power spectra of barbara's luminance and of its small pictures x4, logarithmic, the mean in the middle. The "
        "original's is what an ideal low-pass filter would leave.",
        SideBySide([{name: _as_grey(power) for name, power in spectra.items()}], zoom=1),
    )
    relative = {name: kept_power(original, plane, 4) for name, plane in levels.items()}
    high = {name: float(np.exp(np.log(density[_BANDS // 2 :]).mean())) for name, density in relative.items()}
    yield Comparison(
        "Power of barbara's small pictures x4 above a quarter of a cycle per pixel, over what an ideal low-pass filter "
        "leaves; geometric mean over bands of radial frequency",
        ("reduced by",),
        "only drawn in the paper",
        [ComparisonRow((name,), None, Value(ratio)) for name, ratio in high.items()],
    )
    yield Claim(
        "CAR keeps more of the high frequencies than bicubic reduction",
        high["CAR"] > high["Bicubic"],
        f"{high['CAR']:.2f} against {high['Bicubic']:.2f}; 1 would be all that a small picture can hold",
    )
    others = np.min([relative[name] for name in list(DOWNSCALERS)[1:]], axis=0)
    less = int((relative["CAR"] < others).sum())
    yield Claim(
        "In some bands it has less aliasing than the methods made for the eye",
        less > 0,
        f"least power of the four in {less} of {_BANDS} bands",
    )
    yield reproduction.budget([networks.pair(reproduction, 4)])


def kept_power(original: NDArray, small: NDArray, scale: int) -> NDArray:
    """Compare the power of a small picture with what an ideal low-pass filter would leave of the original.

    Args:
        original: ``(H, W)``.
        small: ``(H / scale, W / scale)``, a reduction of it.
        scale: by how much it was reduced.

    Returns:
        The ratio in 32 bands of radial frequency, up to half a cycle per small pixel: below 1 is blur, above 1 is
        sharpening or aliasing.
    """
    reference = radial_spectrum(original, bins=scale * _BANDS)[:_BANDS] / scale**2
    ratio: NDArray = radial_spectrum(small, bins=_BANDS) / reference
    return ratio


def _levels(planes: NDArray) -> NDArray:
    """Return luminance, ``(H, W)``, in levels of 0 to 255."""
    return luminance(planes.astype(np.float64))[:, :, 0] * 255


def _power(plane: NDArray) -> NDArray:
    """Return the power of every frequency, per pixel."""
    power: NDArray = np.abs(np.fft.fft2(plane)) ** 2 / plane.size
    return power


def _as_grey(power: NDArray) -> NDArray[np.uint8]:
    """Show power on a logarithmic scale: white where it is ten to the sixth and more, black at one and below."""
    return to_pixels(np.clip(np.log10(np.maximum(power, 1)) / _RANGE, 0, 1), np.uint8)[:, :, None]
