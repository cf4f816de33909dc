"""Fig. 2 to 4: pictures for the eye, in colour, from JPEGs of RGB with 4:2:0."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from twinscale.datasets import find_pictures
from twinscale.drawings import SideBySide
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.published import published_table
from twinscale.evaluation.trial import Rescaler, Trial
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture
from twinscale.papers.compressed_sr import networks
from twinscale.papers.compressed_sr.accuracy import proposed
from twinscale.papers.compressed_sr.methods import JPEG_OF, Method, bicubic, psnrs, trained
from twinscale.papers.compressed_sr.networks import QUALITIES, SCALE
from twinscale.papers.report import Block, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, demo_picture

Tiles = dict[str, NDArray[np.uint8]]
"""Pictures by their captions."""
_FACE = (slice(20, 212), slice(128, 320))  # of scikit-image's astronaut


def figure_2(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 2."""
    yield from _by_quality(reproduction, "butterfly", "compressed-sr-fig-2.png")


def figure_3(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 3."""
    yield from _by_quality(reproduction, "baby", "compressed-sr-fig-3.png")


def _by_quality(reproduction: Reproduction, name: str, file: str) -> Iterator[Block]:
    planes, tiles = _of_set5(name), Tiles()
    for quality in QUALITIES:
        protocol = Protocol(SCALE, "rgb", jpeg=quality)
        tiles |= _enlarged({f"QF {quality}": proposed(reproduction, protocol)}, protocol, planes)
    yield Figure(
        file,
        f"{name}, original and enlarged from JPEGs of {JPEG_OF['rgb']}.",
        SideBySide([_whole(planes) | tiles], zoom=1),
        is_private=True,
    )
    yield reproduction.budget([networks.whole(reproduction, "rgb", quality) for quality in QUALITIES])


def figure_4(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 4."""
    vdsr, printed = networks.vdsr(reproduction), published_table("compressed_sr", "figure-4")["baby"]

    def methods(protocol: Protocol) -> dict[str, Method]:
        return {
            "bicubic": bicubic(protocol),
            "VDSR": trained(reproduction, vdsr, protocol),
            "proposed": proposed(reproduction, protocol),
        }

    rows = []
    for colour, how in JPEG_OF.items():
        protocol = Protocol(SCALE, colour, jpeg=QUALITIES[0])
        ours = {
            name: psnrs(reproduction, each, protocol, "Set5")[_place("baby")]
            for name, each in methods(protocol).items()
        }
        rows += [
            ComparisonRow((name, how), Value.or_none(printed.get(name)), Value.or_none(ours.get(name)))
            for name in dict.fromkeys([*ours, *printed])
        ]
    yield Comparison(f"baby at QF {QUALITIES[0]}", ("method", "JPEG of"), "dB", rows)
    first, planes = Protocol(SCALE, "rgb", jpeg=QUALITIES[0]), _of_set5("baby")
    yield Figure(
        "compressed-sr-fig-4.png",
        f"baby, original and enlarged from a JPEG of {JPEG_OF['rgb']}, at QF {first.jpeg}. Whether details are kept "
        "is for the eye.",
        SideBySide([_whole(planes) | _enlarged(methods(first), first, planes)], zoom=1),
        is_private=True,
    )
    face, strips = to_planes(demo_picture("astronaut")[_FACE]), []
    for quality in QUALITIES:
        protocol = Protocol(SCALE, "rgb", jpeg=quality)
        strips.append(
            {f"original, QF {quality}": _whole(face)["original"]} | _enlarged(methods(protocol), protocol, face)
        )
    yield Figure(
        "compressed-sr-astronaut.png",
        f"A detail of scikit-image's astronaut, by the same methods, from JPEGs of {JPEG_OF['rgb']}.",
        SideBySide(strips, zoom=1),
    )
    yield reproduction.budget([vdsr, *(networks.whole(reproduction, "rgb", quality) for quality in QUALITIES)])


def _enlarged(methods: dict[str, Method], protocol: Protocol, planes: NDArray) -> Tiles:
    """Return what methods make of a picture, by their name and PSNR."""
    tiles = {}
    for name, method in methods.items():
        trial = Trial.of(Rescaler(protocol.reduce, method.enlarge()), protocol, planes)
        tiles[f"{name}: {trial.scores(protocol).psnr_y:.2f} dB"] = to_pixels(trial.result, np.uint8)
    return tiles


def _whole(planes: NDArray) -> Tiles:
    return {"original": to_pixels(planes, np.uint8)}


def _place(name: str) -> int:
    """Return the place of a picture in Set5."""
    return [path.stem.removesuffix("_GT") for path in find_pictures("Set5")].index(name)


def _of_set5(name: str) -> NDArray:
    """Return the planes of a picture."""
    return Picture.read(find_pictures("Set5")[_place(name)]).planes()
