"""What a codec is: the record that every format's module defines as ``CODEC``, and the plain data it deals in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from twinscale.codecs.quantisation import Quantisation

LOSSLESS = 0
"""The quality that stands for exact pixels, in formats that can be lossy or lossless."""


class Header(NamedTuple):
    """What a file says about its picture, known without decoding a pixel.

    ``depth`` is bits per sample as stored, 32 for single precision. ``channels`` counts those of the
    decoded pixels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. ``decoder_bytes`` is what the decoder holds
    where that is more than these samples: channels that are left out, integers wider than they are.
    """

    width: int
    height: int
    depth: int
    channels: int
    frames: int = 1
    decoder_bytes: int = 0
    is_float: bool = False

    @property
    def cost(self) -> int:
        """How many bytes decoding takes at least."""
        return max(self.width * self.height * self.channels * -(-self.depth // 8), self.decoder_bytes)


class Metadata(NamedTuple):
    r"""ICC profile, EXIF block (with or without the ``Exif\0\0`` prefix) and XMP packet of a file."""

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


NO_METADATA = Metadata()

Subsampling = Literal["4:2:0", "4:2:2", "4:4:4"]


class Options(NamedTuple):
    """How pixels are encoded, beyond a quality; a format takes those that its codec names, and none of the others.

    Attributes:
        subsampling: how finely colour is kept: at half the resolution both ways, across only, or all of it; None leaves
            it to the quality.
        progressive: whether the whole picture comes first and its details later, not row by row.
        optimised: whether entropy codes are made for this picture, which changes no pixel, or are the standard's; None
            leaves it to the format. Progressive JPEGs always have their own.
        ratio: how many times smaller than its samples the picture becomes, above 1; takes the place of a quality.
    """

    subsampling: Subsampling | None = None
    progressive: bool = False
    optimised: bool | None = None
    ratio: float | None = None


NO_OPTIONS = Options()


class Description(NamedTuple):
    """What a file says beside its pixels, as found, known without decoding one.

    ``orientation`` is EXIF's number, 1 to 8, or ``None`` for whatever EXIF or XMP says. ``notes`` tell
    the user what is changed or left out, one line each. ``quantisation`` is that of a JPEG.
    """

    metadata: Metadata = NO_METADATA
    orientation: int | None = None
    notes: tuple[str, ...] = ()
    quantisation: Quantisation | None = None


class Decoded(NamedTuple):
    """Pixels as stored, before orientation, and what :class:`Description` has.

    ``pixels`` are ``(H, W)`` or ``(H, W, C)``, C as in :class:`Header`, alpha last; of any numeric type.
    """

    pixels: np.ndarray
    metadata: Metadata = NO_METADATA
    orientation: int | None = None
    notes: tuple[str, ...] = ()
    quantisation: Quantisation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One file format: how it is recognised, read and written, and what it can hold.

    ``header``, ``describe`` and ``decode`` take a whole file and may raise anything on a damaged one;
    ``twinscale.codecs.decoding`` turns that into one clear error. ``encode`` takes contiguous pixels that fit
    the limits below, metadata that the format keeps, a quality, and options that the format has.

    Attributes:
        name: canonical name, such as ``"PNG"``.
        extensions: in lower case with the dot, the usual one first; without the dot they are names too.
        rank: position in lists and remedies, the most widely readable format first.
        sniff: whether the bytes of a file begin as this format does.
        header: size, depth and channels, without decoding.
        describe: metadata, and what else it says without decoding.
        decode: pixels and metadata of the first frame.
        encode: a whole file; ``None`` if the format is only read.
        frames: what the format calls the several pictures in a file.
        depths: bits per sample that can be written; 32 is floating point.
        alpha: whether transparency can be written.
        grey: whether one channel can be written, or RGB only.
        max_side: longest side in pixels that can be written, and read again.
        max_pixels: how many pixels can be written, and read again.
        max_bytes: how many bytes of samples can be written.
        max_colours: how many different colours can be written, if a palette limits them.
        keeps: the metadata that can be written.
        max_exif: how many bytes of EXIF can be written.
        quality: what is written unless another is asked for, or ``None`` for a format that is always lossless.
        options: names of the :class:`Options` that it has.
    """

    name: str
    extensions: tuple[str, ...]
    rank: int
    sniff: Callable[[bytes], bool]
    header: Callable[[bytes], Header]
    decode: Callable[[bytes], Decoded]
    describe: Callable[[bytes], Description] = lambda data: Description()
    encode: Callable[[np.ndarray, Metadata, int, Options], bytes] | None = None
    frames: str = "frames"
    depths: tuple[int, ...] = (8,)
    alpha: bool = True
    grey: bool = True
    max_side: int = 2**31 - 1
    max_pixels: int = 2**62
    max_bytes: int = 2**62
    max_colours: int | None = None
    keeps: tuple[Literal["icc", "exif", "xmp"], ...] = ("icc", "exif", "xmp")
    max_exif: int = 2**31 - 1
    quality: int | None = None
    options: tuple[Literal["subsampling", "progressive", "optimised", "ratio"], ...] = ()

    @property
    def is_lossless(self) -> bool:
        """Whether the format is written losslessly unless a quality is asked for."""
        return self.quality in (None, LOSSLESS)

    @property
    def keeps_xmp(self) -> bool:
        """Whether an XMP packet, and so the tag of a shrunk picture, can be written."""
        return "xmp" in self.keeps
