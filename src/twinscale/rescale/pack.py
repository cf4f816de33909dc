"""Packing: the fewest bytes for a picture, or the best picture for so many bytes, by whatever way measures best."""

import functools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twinscale.codecs.registry import codec_named
from twinscale.engine import Runtime
from twinscale.errors import UsageError
from twinscale.images.files import write_atomically
from twinscale.images.levels import to_planes
from twinscale.images.picture import Picture, PictureLike
from twinscale.rescale.distortion import SMALLEST, psnr, ssim
from twinscale.rescale.model import ProgressCallback
from twinscale.rescale.search import first
from twinscale.rescale.ways import Way, ways

if TYPE_CHECKING:
    from twinscale.codecs.encoding import Encoded

DEFAULT_QUALITY = 75
"""Of the codec alone, as which a picture is to be as good unless something else is asked for."""

_WHOLE = 2**20  # pixels up to which a way is chosen by the whole picture
_PIECE = 288  # rows and columns of a piece of a larger one: whole blocks of 8 at all scales
_PIECES = 9


class Measured(NamedTuple):
    """A file of a picture, and how good the picture is that comes back."""

    format: str
    scale: Fraction
    """How many times longer the sides of the original are than those of the picture in the file."""
    model: str | None
    """Name of the model that restores, or None for the codec alone."""
    quality: int | None
    """None for a format that is always lossless."""
    bytes: int
    bits_per_pixel: float
    """Of the original."""
    psnr: float
    """dB over R, G and B, infinite if nothing was lost."""
    ssim: float | None
    """On luminance; None of a picture that is too small for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A packed picture: an ordinary file, which :func:`twinscale.restore` brings back.

    Attributes:
        data: the file.
        measured: how it was made, and how good it is.
        alone: the codec alone, by the same aim: as many bytes at most, or as good at least; None if it cannot.
        compared: other codecs alone with at most as many bytes as this file, by their formats; None for one whose
            smallest file is larger.
        width: of the picture in the file, in pixels.
        height: see ``width``.
        notes: what was left out of the file, and what else the user should know, one line each.
    """

    data: bytes
    measured: Measured
    alone: Measured | None
    compared: dict[str, Measured | None]
    width: int
    height: int
    notes: tuple[str, ...] = ()

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the file, complete or not at all.

        Args:
            path: where to.
            overwrite: whether a file that is already there may be replaced.

        Raises:
            OutputExistsError: the file exists and ``overwrite`` is false.
            PictureError: the folder cannot be written to.
        """
        write_atomically(path, self.data, overwrite=overwrite)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a packed picture is to reach; one of the three, or nothing for the default quality.

    Attributes:
        quality: to be as good as the codec alone at this quality of 1 to 100, by PSNR, in as few bytes as possible.
        target_size: to be as good as possible by PSNR, in no more than so many bytes.
        min_psnr: to have at least so many dB in as few bytes as possible.
        min_ssim: the same by SSIM on luminance.

    Raises:
        UsageError: several are given, or one is out of range.
    """

    quality: int | None = None
    target_size: int | None = None
    min_psnr: float | None = None
    min_ssim: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} contradict each other: give one of them")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageError(f"quality {self.quality} is out of range; give 1 to 100")
        if self.target_size is not None and self.target_size < 1:
            raise UsageError(f"a file of {self.target_size} bytes is not possible: give at least 1")
        if self.min_psnr is not None and not 0 < self.min_psnr < math.inf:
            raise UsageError(f"a PSNR of {self.min_psnr} dB is out of range: give more than 0, such as 38")
        if self.min_ssim is not None and not 0 < self.min_ssim <= 1:
            raise UsageError(f"an SSIM of {self.min_ssim} is out of range: give more than 0 and at most 1")

    @property
    def index(self) -> int | None:
        """The quality among the codec's own, from 0 on, that the codec alone is to match; None for other aims."""
        if (self.target_size, self.min_psnr, self.min_ssim) != (None, None, None):
            return None
        return (self.quality or DEFAULT_QUALITY) - 1


def pack(
    picture: PictureLike,
    format: str = "JPEG",
    *,
    quality: int | None = None,
    target_size: int | None = None,
    min_psnr: float | None = None,
    min_ssim: float | None = None,
    compare: Sequence[str] = (),
    tile: int | None = None,
    runtime: Runtime | None = None,
    progress: ProgressCallback | None = None,
) -> Packed:
    """Make a small file of a picture, in the way that measures best.

    The file is an ordinary one: the picture at full size or reduced, with a tag that names the network by which
    :func:`restore` brings it back. All scales and networks are tried, and so is the codec alone, which is never better
    than the result. Which way is best is seen on the whole picture, or of one above a megapixel on nine pieces; the
    quality is always settled on the whole.

    Args:
        picture: a path, bytes, an open file, a PIL image, an array, or a picture, see :meth:`Picture.of`.
        format: of the file: a format's name or one of its extensions.
        quality: as good as the codec alone at this quality, by PSNR, in fewer bytes. By default 75, unless one of the
            next three is given.
        target_size: bytes that the file may have at most.
        min_psnr: dB that the restored picture must have at least, over R, G and B.
        min_ssim: the same for its SSIM, on luminance.
        compare: formats of which to measure the codec alone with at most as many bytes.
        tile: see :func:`twinscale.engine.run`.
        runtime: what runs the networks.
        progress: called with the finished and the estimated number of steps.

    Raises:
        UsageError: several aims are given, or one is out of range or cannot be reached; a format is unknown, cannot
            hold the tag, or is lossless and no other aim than a quality is given; or this is no picture.
        PictureError: the file cannot be read as a picture, or the format cannot hold it.
        ModelError: a model is damaged.
        OutOfMemoryError: memory runs out.
    """
    aim = Aim(quality, target_size, min_psnr, min_ssim)
    picture = Picture.of(picture)
    _check(picture, aim, format, compare)
    steps = _Steps(progress)
    metric = psnr if min_ssim is None else ssim

    def trial(of: Picture, way: Way) -> _Trial:
        return _Trial(way, of, metric, tile, steps.tick)

    def compared(way: Way, bytes: int) -> Measured | None:
        on_part = None if part is picture else _Within(bytes * share).settle(trial(part, way))
        on_whole = trial(picture, way)
        return on_whole.measured(_Within(bytes).settle(on_whole, on_part))

    part, share = _part(picture)
    alone, *others = (trial(part, way) for way in ways(format, runtime))
    steps.total = 1 + len(others) + 3 + len(compare)
    goal = _goal(aim, alone, share, _metadata_bytes(picture))
    settled = _settle(goal, dict.fromkeys([alone, *others]), steps)
    best = _best(goal, settled)
    if part is not picture:
        guesses = {trial(picture, one.way): settled[one] for one in dict.fromkeys([alone, best])}
        alone = next(iter(guesses))
        goal = _goal(aim, alone)
        settled = _settle(goal, guesses, steps)
        best = _best(goal, settled)
    at = settled[best]
    if at is None:
        raise goal.out_of_reach(best)
    file, measured = best.sealed(at), best.measured(at)
    assert measured is not None
    steps.advance()
    beside: dict[str, Measured | None] = {}
    for other in compare:
        way = Way(codec_named(other).name)
        beside[way.format] = compared(way, len(file.data))
        steps.advance()
    notes = file.notes
    if measured.model is None:
        notes = (*notes, f"{measured.format} alone is best here: the file is as it is to be, with nothing to restore")
    small = best.small
    return Packed(bytes(file.data), measured, alone.measured(settled[alone]), beside, small.width, small.height, notes)


class _Steps:
    """Tells how far the work is."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self.total = 1
        self._done = 0
        self._progress = progress

    def tick(self) -> None:
        """Report what is done, so that the work can be interrupted."""
        if self._progress:
            self._progress(self._done, self.total)

    def advance(self) -> None:
        """Count a step."""
        self._done = min(self._done + 1, self.total)
        self.tick()


class _Trial:
    """What a way makes of a picture at every quality; made when it is asked for, and only once."""

    def __init__(
        self,
        way: Way,
        picture: Picture,
        metric: Callable[[Picture, Picture], float],
        tile: int | None,
        tick: Callable[[], None],
    ) -> None:
        self.way = way
        self.qualities: Sequence[int | None] = [None] if codec_named(way.format).quality is None else range(1, 101)
        self._picture = picture
        self._metric = metric
        self._tile = tile
        self._tick = tick
        self._files: dict[int, bytes] = {}
        self._scores: dict[int, float] = {}
        self._restored: tuple[int, Picture] | None = None

    @functools.cached_property
    def small(self) -> Picture:
        """What the codec gets."""
        return self.way.shrink(self._picture, tile=self._tile, progress=self._on_tile)

    def size(self, at: int) -> int:
        """Return the size of the file at the quality of this index."""
        return len(self._file(at))

    def score(self, at: int) -> float:
        """Return how good what comes back is; more is better."""
        if at not in self._scores:
            self._scores[at] = self._metric(self._picture, self._back(at))
        return self._scores[at]

    def measured(self, at: int | None) -> Measured | None:
        """Return all that is known of a file; None if there is none."""
        if at is None:
            return None
        picture, back, count = self._picture, self._back(at), self.size(at)
        return Measured(
            self.way.format,
            self.way.scale,
            None if self.way.model is None else self.way.model.card.name,
            self.qualities[at],
            count,
            8 * count / (picture.height * picture.width),
            psnr(picture, back),
            ssim(picture, back) if min(picture.height, picture.width) >= SMALLEST else None,
        )

    def sealed(self, at: int) -> "Encoded":
        """Return the file as it will be written."""
        return self.way.sealed(self.small, self.qualities[at], self._file(at))

    def _file(self, at: int) -> bytes:
        if at not in self._files:
            self._files[at] = self.way.code(self.small, self.qualities[at])
            self._tick()
        return self._files[at]

    def _back(self, at: int) -> Picture:
        if self._restored is None or self._restored[0] != at:
            back = self.way.restore(self._file(at), tile=self._tile, progress=self._on_tile)
            self._restored = at, back
        return self._restored[1]

    def _on_tile(self, done: int, total: int) -> None:
        self._tick()


@dataclass(frozen=True, slots=True)
class _Within:
    """The best picture that takes no more than so many bytes."""

    bytes: float

    def settle(self, trial: _Trial, guess: int | None = None, most: float = math.inf) -> int | None:
        """Return the index of the quality at which a way reaches the goal best, or None if it does not."""
        above = first(lambda at: trial.size(at) > self.bytes, len(trial.qualities), guess)
        return above - 1 if above else None

    def rank(self, trial: _Trial, at: int | None) -> tuple[bool, float]:
        """Return what rises from the best to the worst."""
        return (True, trial.size(0)) if at is None else (False, -trial.score(at))

    def out_of_reach(self, trial: _Trial) -> UsageError:
        """Return the error about a goal that the best way misses."""
        return UsageError(
            f"the picture does not fit into {self.bytes:.0f} bytes as {trial.way.format}: it takes {trial.size(0)} at "
            "least, so allow as many, or try another format"
        )


@dataclass(frozen=True, slots=True)
class _AtLeast:
    """The fewest bytes for a picture that is as good."""

    score: float
    alone_at: int | None = None
    """The index of the quality at which the codec alone sets this score, if it does."""

    def settle(self, trial: _Trial, guess: int | None = None, most: float = math.inf) -> int | None:
        """See :meth:`_Within.settle`; a way is given up that takes more than ``most`` bytes.

        Restoring takes the time, so the first to be restored is the best file that is no larger: most ways end there.
        """
        if trial.way.model is None and self.alone_at is not None:
            return self.alone_at
        count = len(trial.qualities)
        if most < math.inf:
            count = first(lambda at: trial.size(at) > most, count, guess)
            if count == 0 or (guess is None and trial.score(count - 1) < self.score):
                return None
            guess = count - 1 if guess is None else guess
        at = first(lambda at: trial.score(at) >= self.score, count, guess)
        return at if at < count else None

    def rank(self, trial: _Trial, at: int | None) -> tuple[bool, float]:
        """See :meth:`_Within.rank`."""
        return (True, 0.0) if at is None else (False, trial.size(at))

    def out_of_reach(self, trial: _Trial) -> UsageError:
        """See :meth:`_Within.out_of_reach`."""
        best = trial.score(len(trial.qualities) - 1)
        return UsageError(
            f"no {trial.way.format} of the picture reaches {self.score:g}: {best:.4g} at most, so ask for less, or try "
            "another format"
        )


def _goal(aim: Aim, alone: _Trial, share: float = 1, metadata: int = 0) -> "_Within | _AtLeast":
    """Return an aim's goal for a picture, or for the part that is a ``share`` of one."""
    if aim.target_size is not None:
        return _Within(max(aim.target_size - metadata, 0) * share if share < 1 else aim.target_size)
    score = aim.min_psnr if aim.min_ssim is None else aim.min_ssim
    if score is None:
        assert aim.index is not None
        return _AtLeast(alone.score(aim.index), aim.index)
    return _AtLeast(score)


def _settle(
    goal: "_Within | _AtLeast", guesses: "Mapping[_Trial, int | None]", steps: _Steps
) -> "dict[_Trial, int | None]":
    """Return the index of the quality at which each way reaches a goal best, or None if it does not."""
    settled: dict[_Trial, int | None] = {}
    fewest = math.inf
    for trial, guess in guesses.items():
        settled[trial] = at = goal.settle(trial, guess, fewest)
        if at is not None:
            fewest = min(fewest, trial.size(at))
        steps.advance()
    return settled


def _best(goal: "_Within | _AtLeast", settled: "Mapping[_Trial, int | None]") -> _Trial:
    """Return the way that reaches a goal best; of equals the first."""
    return min(settled, key=lambda trial: goal.rank(trial, settled[trial]))


def _check(picture: Picture, aim: Aim, format: str, compare: Sequence[str]) -> None:
    """Find out before the work begins what cannot be done."""
    from twinscale.codecs.encoding import check

    transparent = picture.alpha is not None and bool(to_planes(picture.alpha).min() < 1)
    for name in (format, *compare):
        check(
            codec_named(name),
            size=(picture.height, picture.width),
            channels=picture.channels,
            depth=picture.depth,
            transparent=transparent,
            quality=None,
        )
    codec = codec_named(format)
    if not codec.keeps_xmp or codec.max_colours:
        raise UsageError(f"{codec.name} cannot hold the tag that restore needs: write JPEG, PNG or WebP")
    if codec.quality is None and aim.index is not None:
        raise UsageError(
            f"{codec.name} is lossless, so no quality says how good a picture is to be: give the size of the file "
            "(--target-size), or how good at least (--min-psnr, --min-ssim)"
        )
    if aim.min_ssim is not None and min(picture.height, picture.width) < SMALLEST:
        raise UsageError(
            f"SSIM needs sides of at least {SMALLEST} pixels, and the picture is {picture.width}x{picture.height}: "
            "give a PSNR instead"
        )


def _metadata_bytes(picture: Picture) -> int:
    return sum(len(block) for block in (picture.icc, picture.exif, picture.xmp) if block)


def _part(picture: Picture) -> tuple[Picture, float]:
    """Return what a way is chosen by, and its share of the pixels: the picture, or pieces from all over a large one.

    Side by side, pieces compress like one picture. They begin at whole blocks of 16, where a JPEG's blocks begin, too.
    """
    height, width = picture.height, picture.width
    if height * width <= _WHOLE:
        return picture, 1.0
    rows = min(max(height // _PIECE, 1), 3)
    tops, lefts = _starts(height, rows), _starts(width, min(width // _PIECE, _PIECES // rows))

    def pieces(samples: np.ndarray) -> np.ndarray:
        return np.vstack(
            [np.hstack([samples[top : top + _PIECE, left : left + _PIECE] for left in lefts]) for top in tops]
        )

    alpha = None if picture.alpha is None else pieces(picture.alpha)
    part = Picture(np.ascontiguousarray(pieces(picture.pixels)), alpha)
    return part, part.height * part.width / (height * width)


def _starts(side: int, count: int) -> list[int]:
    """Return where pieces begin that lie in the middle of ``count`` equal parts of a side."""
    return [max(side * (2 * part + 1) // (2 * count) - _PIECE // 2, 0) // 16 * 16 for part in range(count)]
