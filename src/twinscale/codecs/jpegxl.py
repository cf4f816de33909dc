"""JPEG XL: pixels by libjxl, EXIF and XMP in boxes by hand, the image header by hand for its size.

ICC profiles are compressed inside the codestream, where imagecodecs neither writes nor reads them.
"""

from typing import NamedTuple

import imagecodecs
import numpy as np

from twinscale.codecs.boxes import make_box, read_boxes
from twinscale.codecs.codec import LOSSLESS, NO_METADATA, Codec, Decoded, Description, Header, Metadata, Options
from twinscale.codecs.depth import fill_scale
from twinscale.errors import PictureError

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
# A box of a few bytes can unpack to gigabytes; no real EXIF block or XMP packet is larger than this.
_MAX_UNPACKED = 16 * 2**20
# Lossless effort: 7, libjxl's default, is 3 percent smaller but takes ten times as long.
_EFFORT = 3

_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_ALPHA = 0
_GREY, _XYB = 1, 2
_D65, _SRGB_PRIMARIES, _LINEAR_CURVE, _SRGB_CURVE = 1, 1, 8, 13


class _ImageHeader(NamedTuple):
    """What the codestream says before its first frame (ISO/IEC 18181-1, annex D)."""

    width: int
    height: int
    depth: int = 8
    is_float: bool = False
    is_animated: bool = False
    is_grey: bool = False
    is_srgb: bool = True
    extra: tuple[int, ...] = ()  # kinds of extra channels
    is_premultiplied: bool = False
    curve_at: int | None = None  # the bit at which the transfer curve is named


def _header(data: bytes) -> Header:
    header = _read_image_header(_codestream(data))
    channels = (1 if header.is_grey else 3) + (_ALPHA in header.extra)
    return Header(header.width, header.height, header.depth, channels, is_float=header.is_float)


def _decode(data: bytes) -> Decoded:
    header = _read_image_header(_codestream(data))
    if header.is_premultiplied:
        raise PictureError("JPEG XL with premultiplied alpha is not supported; save it with plain alpha")
    if any(kind != _ALPHA for kind in header.extra) or len(header.extra) > 1:
        raise PictureError("JPEG XL with channels beyond colour and alpha is not supported; save it as grey or RGB")
    if header.depth > 16 and not header.is_float:
        raise PictureError(f"JPEG XL of {header.depth} bits is not supported; convert it to 16 bits")
    pixels: np.ndarray = imagecodecs.jpegxl_decode(data, index=0)
    if not header.is_float:
        pixels = fill_scale(pixels, header.depth)
    return Decoded(pixels, *_describe(data))


def _describe(data: bytes) -> Description:
    header = _read_image_header(_codestream(data))
    notes = []
    if header.is_animated:
        notes.append("first frame of an animation")
    if not header.is_srgb:
        notes.append("colour profile of the JPEG XL codestream left out")
    # The codestream has its own orientation, which libjxl applies; EXIF only repeats it.
    return Description(_metadata(data), orientation=1, notes=tuple(notes))


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    """Encode; a quality of 1 to 99 is libjxl's (90 is a Butteraugli distance of 1), 100 is lossless, as in cjxl."""
    lossless = quality in (LOSSLESS, 100)
    is_deep = pixels.dtype == np.uint16
    if is_deep and not lossless:
        pixels = _to_linear(pixels)
    boxes = b""
    if metadata.exif:
        boxes += make_box(b"Exif", bytes(4) + metadata.exif)  # it begins 0 bytes after this number
    if metadata.xmp:
        boxes += make_box(b"xml ", metadata.xmp)
    data = bytes(
        imagecodecs.jpegxl_encode(
            pixels if pixels.shape[2] > 1 else pixels[..., 0],
            level=None if lossless else quality,
            lossless=lossless,
            effort=_EFFORT if lossless else None,
            usecontainer=bool(boxes),
        )
    )
    start = 0 if data.startswith(_CODESTREAM) else data.index(b"jxlc") + 4
    stream = _name_srgb(data[start:]) if is_deep else data[start:]
    return data[:start] + stream + boxes


def _name_srgb(stream: bytes) -> bytes:
    """Name sRGB as a codestream's transfer curve, because imagecodecs takes all deep pixels for linear light.

    The name of the curve does not affect lossless values. Lossy ones are stored as XYB and decode to the curve that is
    named, so they must have been linear when they were encoded.
    """
    curve_at = _read_image_header(stream).curve_at
    assert curve_at is not None  # imagecodecs names one whenever samples are deep
    # Both curves are named by the same 2 bits, followed by 4 bits: the curve's number minus 2.
    change = ((_LINEAR_CURVE - 2) ^ (_SRGB_CURVE - 2)) << (curve_at + 2)
    head = stream[:64]
    return (int.from_bytes(head, "little") ^ change).to_bytes(len(head), "little") + stream[64:]


def _to_linear(pixels: np.ndarray) -> np.ndarray:
    """Convert ``uint16`` colours from sRGB to linear light (IEC 61966-2-1); alpha stays."""
    levels = np.arange(65536) / 65535
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    converted: np.ndarray = np.rint(linear * 65535).astype(np.uint16)[pixels]
    if pixels.shape[2] in (2, 4):
        converted[..., -1] = pixels[..., -1]
    return converted


def _codestream(data: bytes) -> bytes:
    if data.startswith(_CODESTREAM):
        return data
    boxes = read_boxes(data)
    parts = [body[4 * (kind == b"jxlp") :] for kind, body, _ in boxes if kind in (b"jxlc", b"jxlp")]
    return b"".join(parts)  # each of several parts begins with its number


def _metadata(data: bytes) -> Metadata:
    """Return what the first box of each kind holds."""
    found = NO_METADATA
    for kind, body, _ in () if data.startswith(_CODESTREAM) else read_boxes(data):
        is_packed = kind == b"brob"  # after its own kind
        if is_packed:
            kind, body = body[:4], body[4:]
        if kind == b"Exif" and found.exif is None:
            body = _unpack(body) if is_packed else body
            start = 4 + int.from_bytes(body[:4], "big")
            found = found._replace(exif=body[start:])
        elif kind == b"xml " and found.xmp is None:
            found = found._replace(xmp=_unpack(body) if is_packed else body)
    return found


def _unpack(packed: bytes) -> bytes:
    """Return what was packed, up to a limit; what is damaged or larger is found to be so later."""
    try:
        return bytes(imagecodecs.brotli_decode(packed, out=_MAX_UNPACKED))
    except imagecodecs.BrotliError:
        return packed


class _Bits:
    """Reads the fields of a codestream, whose bits run from the lowest of each byte (ISO/IEC 18181-1, annex B)."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data[:4096], "little")
        self._left = 8 * min(len(data), 4096)
        self.position = 0

    def take(self, count: int) -> int:
        """Read the next bits as a number."""
        if count > self._left:
            raise PictureError("the file is cut short; get a complete copy")
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._left -= count
        self.position += count
        return value

    def flag(self) -> bool:
        """Read the next bit."""
        return bool(self.take(1))

    def number(self, *choices: tuple[int, int]) -> int:
        """Read a U32, written in one of four ways, each given as its smallest value and a count of bits to add."""
        smallest, count = choices[self.take(2)]
        return smallest + self.take(count)

    def enum(self) -> int:
        """Read an Enum: a number of at most 6 bits."""
        return self.number((0, 0), (1, 0), (2, 4), (18, 6))


def _read_image_header(stream: bytes) -> _ImageHeader:
    bits = _Bits(stream)
    if bits.take(16) != int.from_bytes(_CODESTREAM, "little"):
        raise PictureError("JPEG XL codestream is missing; the file is damaged")
    width, height = _read_size(bits)
    if bits.flag():  # everything else has its default
        return _ImageHeader(width, height)
    is_animated = _read_extra_fields(bits) if bits.flag() else False
    depth, is_float = _read_depth(bits)
    bits.flag()  # whether 16-bit buffers suffice
    extra, is_premultiplied = [], False
    for _ in range(bits.number((0, 0), (1, 0), (2, 4), (1, 12))):
        kind, premultiplied = _read_extra_channel(bits)
        extra.append(kind)
        is_premultiplied |= premultiplied
    bits.flag()  # whether colours are stored as XYB
    is_grey, is_srgb, curve_at = _read_colours(bits)
    return _ImageHeader(
        width, height, depth, is_float, is_animated, is_grey, is_srgb, tuple(extra), is_premultiplied, curve_at
    )


def _read_size(bits: _Bits) -> tuple[int, int]:
    """Read width and height."""
    in_eights = bits.flag()

    def side() -> int:
        return 8 * (1 + bits.take(5)) if in_eights else bits.number((1, 9), (1, 13), (1, 18), (1, 30))

    height = side()
    ratio = bits.take(3)
    if ratio == 0:
        return side(), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height


def _read_extra_fields(bits: _Bits) -> bool:
    """Skip orientation, intrinsic size and preview; return whether this is an animation."""
    bits.take(3)
    if bits.flag():
        _read_size(bits)
    if bits.flag():
        _read_preview_size(bits)
    is_animated = bits.flag()
    if is_animated:
        bits.number((100, 0), (1000, 0), (1, 10), (1, 30))
        bits.number((1, 0), (1001, 0), (1, 8), (1, 10))
        bits.number((0, 0), (0, 3), (0, 16), (0, 32))
        bits.flag()
    return is_animated


def _read_preview_size(bits: _Bits) -> None:
    in_eights = bits.flag()
    choices = ((16, 0), (32, 0), (1, 5), (33, 9)) if in_eights else ((1, 6), (65, 8), (321, 10), (1345, 12))
    bits.number(*choices)
    if bits.take(3) == 0:
        bits.number(*choices)


def _read_depth(bits: _Bits) -> tuple[int, bool]:
    """Return the bits per sample, and whether they are floating point."""
    if bits.flag():
        depth = bits.number((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
        return depth, True
    return bits.number((8, 0), (10, 0), (12, 0), (1, 6)), False


def _read_extra_channel(bits: _Bits) -> tuple[int, bool]:
    """Return what a channel beyond the colours is, and whether it is alpha that the colours are multiplied by."""
    if bits.flag():
        return _ALPHA, False
    kind = bits.enum()
    _read_depth(bits)
    bits.number((0, 0), (3, 0), (4, 0), (1, 3))
    for _ in range(bits.number((0, 0), (0, 4), (16, 5), (48, 10))):  # its name
        bits.take(8)
    if kind == _ALPHA:
        return kind, bits.flag()
    if kind == 2:  # spot colour
        bits.take(64)
    elif kind == 5:  # colour filter array
        bits.number((1, 0), (0, 2), (3, 4), (19, 8))
    return kind, False


def _read_colours(bits: _Bits) -> tuple[bool, bool, int | None]:
    """Return whether the picture is grey, whether its values are sRGB, and where the transfer curve is named."""
    if bits.flag():
        return False, True, None
    has_profile = bits.flag()
    space = bits.enum()
    is_grey = space == _GREY
    if has_profile or space == _XYB or bits.enum() != _D65:
        return is_grey, False, None
    if not is_grey and bits.enum() != _SRGB_PRIMARIES:
        return is_grey, False, None
    if bits.flag():  # a power, not a named curve
        return is_grey, False, None
    curve_at = bits.position
    return is_grey, bits.enum() == _SRGB_CURVE, curve_at


CODEC = Codec(
    name="JPEGXL",
    extensions=(".jxl",),
    rank=9,
    sniff=lambda data: data.startswith((_CODESTREAM, _CONTAINER)),
    header=_header,
    describe=_describe,
    decode=_decode,
    encode=_encode,
    depths=(8, 16),  # lossy floating point overshoots 0 to 1
    keeps=("exif", "xmp"),
    quality=LOSSLESS,
)
