"""JPEG 2000: the JP2 boxes by hand, since neither Pillow nor imagecodecs reads and writes all metadata."""

import io
import struct
from dataclasses import dataclass

import imagecodecs
import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.boxes import make_box, read_boxes
from twinscale.codecs.codec import LOSSLESS, NO_METADATA, Codec, Decoded, Description, Header, Metadata, Options
from twinscale.codecs.depth import fill_scale
from twinscale.errors import PictureError

_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
_XMP_UUID = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
_EXIF_UUID = b"JpgTiffExif->JP2"
_SRGB, _GREY = 16, 17
# OpenJPEG decodes to 32-bit integers, beside which the samples themselves are held.
_BYTES_A_SAMPLE = 6


@dataclass(slots=True)
class _Boxes:
    """What the boxes of a JP2 file say; ``depth`` is bits per sample, ``space`` the colour space.

    ``stream_size`` is the width and height according to the codestream, and ``stream_channels`` its channels.
    ``columns`` is how many channels a palette makes of one.
    """

    width: int = 0
    height: int = 0
    depth: int = 0
    channels: int = 0
    stream_size: tuple[int, int] = (0, 0)
    stream_channels: int = 0
    columns: int = 0
    signed: bool = False
    space: int | None = None
    metadata: Metadata = NO_METADATA


def _header(data: bytes) -> Header:
    boxes = _read(data)
    channels = boxes.columns or boxes.channels
    decoder_bytes = boxes.width * boxes.height * channels * _BYTES_A_SAMPLE
    return Header(boxes.width, boxes.height, boxes.depth, channels, decoder_bytes=decoder_bytes)


def _describe(data: bytes) -> Description:
    return Description(_read(data).metadata)


def _decode(data: bytes) -> Decoded:
    boxes = _read(data)
    size = boxes.width, boxes.height
    if size != boxes.stream_size or boxes.channels != boxes.stream_channels:
        raise PictureError("the file states two different sizes for its picture, so it is damaged; get an intact copy")
    if boxes.depth > 8:
        return Decoded(_decode_deep(data, boxes), boxes.metadata)
    from PIL import Jpeg2KImagePlugin

    image = Jpeg2KImagePlugin.Jpeg2KImageFile(io.BytesIO(data), "")
    pixels, icc, notes = pillow.pixels_of(image, size, boxes.metadata.icc)
    return Decoded(pixels, boxes.metadata._replace(icc=icc), notes=notes)


def _read(data: bytes) -> _Boxes:
    """Read size and metadata, of several headers or codestreams the first; the codestream is left alone."""
    found = _Boxes()
    for kind, body, _ in read_boxes(data):
        if kind == b"jp2h":
            for inner, content, _ in read_boxes(body):
                _read_header_box(found, inner, content)
        elif kind == b"uuid" and body.startswith(_XMP_UUID):
            found.metadata = found.metadata._replace(xmp=body[16:])
        elif kind == b"uuid" and body.startswith(_EXIF_UUID):
            found.metadata = found.metadata._replace(exif=body[16:])
        elif kind == b"jp2c" and not found.stream_channels:
            right, bottom, left, top = struct.unpack_from(">4I", body, 8)
            found.stream_size = right - left, bottom - top
            (found.stream_channels,) = struct.unpack_from(">H", body, 40)
    if not found.width:
        raise PictureError("JPEG 2000 header is missing; the file is damaged")
    return found


def _read_header_box(found: _Boxes, kind: bytes, body: bytes) -> None:
    if kind == b"ihdr" and not found.width:
        found.height, found.width, found.channels, depth = struct.unpack_from(">IIHB", body)
        if depth != 255:  # 255 means that depths differ and are listed in a box of their own
            found.depth, found.signed = (depth & 0x7F) + 1, depth >= 0x80
    elif kind == b"pclr":
        found.columns = max(found.columns, body[2])
    elif kind == b"bpcc":
        found.depth = max((depth & 0x7F) + 1 for depth in body)
        found.signed = any(depth >= 0x80 for depth in body)
    elif kind == b"colr":
        method = body[0]
        if method == 1:
            (found.space,) = struct.unpack_from(">I", body, 3)
        elif method == 2:
            found.metadata = found.metadata._replace(icc=body[3:])


def _decode_deep(data: bytes, boxes: _Boxes) -> np.ndarray:
    """Decode a file of 9 to 16 bits to ``uint16`` on the full scale of 0 to 65535."""
    if boxes.signed or boxes.depth > 16 or boxes.space not in (None, _SRGB, _GREY):
        raise PictureError(
            f"{boxes.depth}-bit JPEG 2000 of colour space {boxes.space} is not supported; "
            "convert it to unsigned RGB of 8 or 16 bits"
        )
    return fill_scale(imagecodecs.jpeg2k_decode(data), boxes.depth)


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    height, width, count = pixels.shape
    stream = _by_quality(pixels, quality) if options.ratio is None else _by_ratio(pixels, options.ratio)
    ihdr = make_box(b"ihdr", struct.pack(">IIHBBBB", height, width, count, 8 * pixels.itemsize - 1, 7, 0, 0))
    if metadata.icc:
        colr = make_box(b"colr", b"\2\0\0" + metadata.icc)
    else:
        colr = make_box(b"colr", struct.pack(">BBBI", 1, 0, 0, _GREY if count < 3 else _SRGB))
    alpha = b"" if count in (1, 3) else _alpha_last(count)
    boxes = [
        _SIGNATURE,
        make_box(b"ftyp", b"jp2 \0\0\0\0jp2 "),
        make_box(b"jp2h", ihdr + colr + alpha),
        make_box(b"uuid", _XMP_UUID + metadata.xmp) if metadata.xmp else b"",
        make_box(b"uuid", _EXIF_UUID + metadata.exif) if metadata.exif else b"",
        make_box(b"jp2c", stream),
    ]
    return b"".join(boxes)


def _by_quality(pixels: np.ndarray, quality: int) -> bytes:
    """Encode; a quality of 1 to 100 aims at a PSNR of 20 + quality / 4 dB, about what JPEG reaches with that number."""
    return bytes(
        imagecodecs.jpeg2k_encode(
            pixels if pixels.shape[2] > 1 else pixels[..., 0],
            level=0 if quality == LOSSLESS else 20 + quality // 4,
            codecformat="j2k",
            reversible=quality == LOSSLESS,
        )
    )


def _by_ratio(pixels: np.ndarray, ratio: float) -> bytes:
    """Encode to so many times fewer bytes than those of the pixels, with the boxes of a file, by the lossy wavelet."""
    if pixels.dtype != np.uint8:
        raise PictureError("JPEG 2000 by ratio holds 8 bits only; give a quality, or convert them with --depth 8")
    from PIL import Jpeg2KImagePlugin  # noqa: F401 (else saving loads every plugin that Pillow has)

    file = pillow.save(
        pillow.to_image(pixels),
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        irreversible=True,
        mct=int(pixels.shape[2] >= 3),
    )
    return next(box.body for box in read_boxes(file) if box.kind == b"jp2c")


def _alpha_last(count: int) -> bytes:
    """Make the box which says that all channels are colours in order, except the last, which is opacity."""
    colours = [(channel, 0, channel + 1) for channel in range(count - 1)]
    entries = [*colours, (count - 1, 1, 0)]
    return make_box(b"cdef", struct.pack(">H", count) + b"".join(struct.pack(">HHH", *entry) for entry in entries))


CODEC = Codec(
    name="JPEG2000",
    extensions=(".jp2",),
    rank=7,
    sniff=lambda data: data.startswith(_SIGNATURE),
    header=_header,
    describe=_describe,
    decode=_decode,
    encode=_encode,
    depths=(8, 16),
    quality=LOSSLESS,
    options=("ratio",),
)
