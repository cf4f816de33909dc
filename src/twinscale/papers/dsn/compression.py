"""Table 5 and Fig. 10: the small picture of DSN in a lossless file, and the full-size one in that of a lossy codec."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinscale.codecs.codec import Options
from twinscale.codecs.rate import Coded, coded
from twinscale.datasets import find_pictures
from twinscale.drawings import SideBySide
from twinscale.evaluation.protocol import Protocol, Scores
from twinscale.evaluation.published import published_table
from twinscale.evaluation.trial import Trial
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture
from twinscale.papers.dsn import networks
from twinscale.papers.dsn.archive import solid_archive
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction

_PROTOCOL = Protocol(3, "y")
_QUALITY, _RATIO = 44, 13
_SHOWN, _DETAIL = "butterfly", (slice(60, 188), slice(96, 224))

_Rows = Mapping[str, Mapping[str, Value]]
"""Bits per pixel and SSIM by picture and by the way that it is coded, both as the paper names them."""


@dataclass(frozen=True, slots=True, eq=False)
class _Coding:
    """A way to keep a picture in a file: its bits per pixel of the full size, and the planes that come out of it."""

    bits: float
    result: NDArray
    scores: Scores

    @classmethod
    def of_full_size(cls, trial: Trial, file: Coded) -> "_Coding":
        """Take a file that holds the picture in full size."""
        result = to_planes(file.pixels)
        return cls(file.bits_per_pixel(), result, _PROTOCOL.score(trial.truth, result))

    @classmethod
    def of_small(cls, trial: Trial, data: bytes) -> "_Coding":
        """Take a file that holds the small picture, which was restored already."""
        return cls(8 * len(data) / trial.truth.size, trial.result, trial.scores(_PROTOCOL))


def table_5(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 5."""
    theirs, printed = _published()
    trials = _trials(reproduction, list(theirs))
    codings = {name: _as_in_paper(trial) for name, trial in trials.items()}
    ours = {
        name: {how: Value(coding.bits, coding.scores.ssim_y) for how, coding in row.items()}
        for name, row in codings.items()
    }
    means, their_means = _means(ours), _means(theirs)
    rows = [ComparisonRow((name, how), theirs[name][how], ours[name][how]) for name in ours for how in ours[name]]
    rows += [ComparisonRow(("mean of these rows", how), their_means[how], means[how]) for how in means]
    yield Comparison("Set5 x3, luminance", ("picture", "coded by"), "bits per pixel / SSIM", rows, digits=(4, 4))
    for how, codec in (("DSN + 7-Zip", "JPEG"), ("DSN + J2K", "JPEG"), ("DSN + J2K", "J2K")):
        yield Claim(
            f"{how} needs fewer bits than {codec} at a similar SSIM",
            means[how].main < means[codec].main,
            f"{_beside(means[how], means[codec])}; by the paper's own rows "
            f"{_beside(their_means[how], their_means[codec])}",
        )
    yield from _at_equal_bytes(trials, codings)
    yield _misprints(theirs, printed)
    yield _files(trials, ours, theirs)
    yield networks.pair_budget(reproduction, _PROTOCOL.scale)


def _published() -> tuple[_Rows, Mapping[str, Value]]:
    """Return the printed rows, and the averages printed below them."""
    bits, ssim = (published_table("dsn", "table-5", quantity) for quantity in ("bpp", "SSIM"))
    rows = {name: {how: Value(bits[name][how], ssim[name][how]) for how in bits[name]} for name in bits}
    return rows, rows.pop("average")


def _trials(reproduction: Reproduction, names: list[str]) -> dict[str, Trial]:
    """Shrink and restore Set5, whose files have the order of the names."""
    rescaler = networks.pair_rescaler(reproduction, _PROTOCOL)
    paths = find_pictures("Set5")
    return {
        name: Trial.of(rescaler, _PROTOCOL, Picture.read(path).planes())
        for name, path in zip(names, paths, strict=True)
    }


def _as_in_paper(trial: Trial) -> dict[str, _Coding]:
    truth, small = (to_pixels(planes, np.uint8) for planes in (trial.truth, trial.low))
    return {
        "DSN + 7-Zip": _Coding.of_small(trial, solid_archive({"small.pgm": _pgm(small)})),
        "JPEG": _Coding.of_full_size(trial, coded(truth, "JPEG", _QUALITY, Options(optimised=False))),
        "DSN + J2K": _Coding.of_small(trial, coded(small, "JPEG2000").data),
        "J2K": _Coding.of_full_size(trial, coded(truth, "JPEG2000", options=Options(ratio=_RATIO))),
    }


def _of_bits(trial: Trial, bits: float) -> dict[str, _Coding]:
    """Code the full-size picture by JPEG in at most so many bits per pixel, and by JPEG 2000 in as many, 2 % aside."""
    truth = to_pixels(trial.truth, np.uint8)
    jpegs = (coded(truth, "JPEG", quality) for quality in range(1, 101))
    jpeg = max((file for file in jpegs if file.bits_per_pixel() <= bits), key=Coded.bits_per_pixel)
    jpeg2000 = coded(truth, "JPEG2000", options=Options(ratio=8 / bits))
    return {"JPEG": _Coding.of_full_size(trial, jpeg), "J2K": _Coding.of_full_size(trial, jpeg2000)}


def _pgm(pixels: NDArray[np.uint8]) -> bytes:
    """Return an uncompressed grey file: Netpbm's PGM."""
    height, width, _ = pixels.shape
    return b"P5\n%d %d\n255\n" % (width, height) + pixels.tobytes()


def _means(rows: _Rows) -> dict[str, Value]:
    hows = next(iter(rows.values()))
    return {how: Value(*np.mean([_pair(row[how]) for row in rows.values()], axis=0).tolist()) for how in hows}


def _pair(value: Value) -> tuple[float, float]:
    assert value.second is not None
    return value.main, value.second


def _beside(value: Value, other: Value) -> str:
    return f"{value.main:.3f} against {other.main:.3f} bits, SSIM {value.second:.4f} against {other.second:.4f}"


def _at_equal_bytes(trials: Mapping[str, Trial], codings: Mapping[str, Mapping[str, _Coding]]) -> Iterator[Block]:
    """Compare with codecs that get as many bytes as the smaller file of DSN."""
    rows: list[ComparisonRow] = []
    leads: dict[str, list[tuple[float, float]]] = {"JPEG": [], "J2K": []}
    for name, trial in trials.items():
        dsn = codings[name]["DSN + J2K"]
        others = _of_bits(trial, dsn.bits)
        for how, coding in {"DSN + J2K": dsn, **others}.items():
            rows.append(ComparisonRow((name, how, f"{coding.bits:.3f}"), None, Value.of(coding.scores)))
        for how, other in others.items():
            psnr, ssim = dsn.scores.psnr_y - other.scores.psnr_y, dsn.scores.ssim_y - other.scores.ssim_y
            leads[how].append((psnr, ssim))
    yield Comparison(
        "Beyond the paper: at equal bytes, JPEG with codes made for the picture",
        ("picture", "coded by", "bits per pixel"),
        "dB / SSIM",
        rows,
    )
    for how, lead in leads.items():
        psnr, ssim = np.mean(lead, axis=0)
        ahead = np.sum(np.array(lead) > 0, axis=0)
        yield Claim(
            f"Beyond the paper: at equal bytes DSN + J2K is closer to the original than {how}",
            bool(psnr > 0 and ssim > 0),
            f"{psnr:+.2f} dB and {ssim:+.4f} SSIM on average; ahead in PSNR for {ahead[0]} and in SSIM for {ahead[1]} "
            f"of {len(lead)} pictures",
        )


def _misprints(theirs: _Rows, printed: Mapping[str, Value]) -> str:
    """Say which of the printed averages are not those of the printed rows."""
    wrong = []
    for how, mean in _means(theirs).items():
        for what, ours, average in zip(("bits", "SSIM"), _pair(mean), _pair(printed[how]), strict=True):
            if abs(ours - average) > 2e-4:
                wrong.append(f"{what} of {how} {average:.4f}, of its rows {ours:.4f}")
    dsn = [_pair(row["DSN + 7-Zip"])[1] for row in theirs.values()]
    implied = len(dsn) * _pair(printed["DSN + 7-Zip"])[1] - sum(dsn[1:])
    return (
        f"The paper's printed averages are not all those of its rows: {'; '.join(wrong)}. Its SSIM of DSN would agree "
        f"if that of {next(iter(theirs))} were {implied:.4f} and not {dsn[0]:.4f}."
    )


def _files(trials: Mapping[str, Trial], ours: _Rows, theirs: _Rows) -> str:
    """Say how the files were made, what SSIM this is, and what a common archive would change."""
    small = {f"{name}.pgm": _pgm(to_pixels(trial.low, np.uint8)) for name, trial in trials.items()}
    alone = sum(len(solid_archive({name: data})) for name, data in small.items())
    ultra = sum(len(solid_archive({name: data}, "ultra")) for name, data in small.items())
    together = len(solid_archive(small))
    off = {name: _pair(ours[name]["JPEG"])[1] - _pair(theirs[name]["JPEG"])[1] for name in ours}
    equal = sum(f"{ours[name]['JPEG'].main:.4f}" == f"{theirs[name]['JPEG'].main:.4f}" for name in ours)
    return (
        f"Bits are those of whole files, per pixel of the full-size picture. JPEG is at quality {_QUALITY} with the "
        f"standard's tables and codes, JPEG 2000 at {_RATIO}:1, since {_RATIO} % would be twice the printed bits. Each "
        f"picture has an archive of its own, at 7-Zip's level *normal*; *ultra* changes the sum by {ultra - alone:+d} "
        f"of {alone} bytes, one archive for all five by {100 * (together / alone - 1):+.1f} %. SSIM is "
        "docs/protocol.md's: Gaussian window of 11x11, sigma 1.5, on whole levels, three pixels removed on every side. "
        f"The paper's is another: {equal} of {len(off)} JPEGs have its bits to the last digit, but their SSIM is "
        f"{min(off.values()):+.4f} to {max(off.values()):+.4f} off; nor does a uniform window of 7x7 give it."
    )


def figure_10(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 10."""
    trial = _trials(reproduction, list(_published()[0]))[_SHOWN]
    dsn = _as_in_paper(trial)["DSN + 7-Zip"]
    codings = {**_of_bits(trial, dsn.bits), "DSN + 7-Zip": dsn}
    yield Comparison(
        f"*{_SHOWN}*, luminance",
        ("coded by", "bits per pixel"),
        "dB / SSIM; only inside the figure",
        [ComparisonRow((how, f"{each.bits:.3f}"), None, Value.of(each.scores)) for how, each in codings.items()],
    )
    ssim = {how: coding.scores.ssim_y for how, coding in codings.items()}
    psnr = {how: coding.scores.psnr_y for how, coding in codings.items()}
    yield Claim(
        "DSN looks most like the original, judged by SSIM",
        max(ssim, key=ssim.__getitem__) == "DSN + 7-Zip",
        f"by PSNR it is {max(psnr, key=psnr.__getitem__)}",
    )
    tiles = {"original": to_pixels(trial.truth, np.uint8)[_DETAIL]}
    tiles |= {
        f"{how}: {coding.bits:.2f} bpp, SSIM {coding.scores.ssim_y:.4f}": to_pixels(coding.result, np.uint8)[_DETAIL]
        for how, coding in codings.items()
    }
    yield Figure(
        "dsn-fig-10.png",
        f"a detail of *{_SHOWN}*, luminance, each pixel as 3x3. Whether blocks, stairs and ringing disturb, and "
        "contours stay smooth and sharp, is for the eye.",
        SideBySide([tiles], zoom=3),
        is_private=True,
    )
    yield networks.pair_budget(reproduction, _PROTOCOL.scale)
