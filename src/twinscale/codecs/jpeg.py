"""JPEG: segments of metadata by hand, so that damaged ones do no harm; decoded by Pillow, encoded by libjpeg-turbo."""

import io
import struct
from typing import TYPE_CHECKING, NamedTuple

import imagecodecs
import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Description, Header, Metadata, Options
from twinscale.codecs.directories import TiffBlock
from twinscale.codecs.quantisation import Quantisation
from twinscale.codecs.segments import APP1, APP2, END, SCAN, count_scans, is_jpeg_ls, make_segment, read_segments
from twinscale.errors import PictureError

if TYPE_CHECKING:
    from PIL.JpegImagePlugin import JpegImageFile

_EXIF, _XMP, _ICC, _PICTURES = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0", b"MPF\0"
_NUMBER_OF_PICTURES = 0xB001
# A segment holds 65533 bytes, including its label.
_MAX_EXIF, _MAX_XMP = 65533 - len(_EXIF), 65533 - len(_XMP)
_MAX_ICC_PART = 65533 - len(_ICC) - 2
_HEAD = 20  # the marker of the beginning and the segment of JFIF, before all others
_PILLOW_ROOM = 65536  # bytes for a progressive file, or the number of its pixels if that is more
_PROGRESSIVE_GROWTH = 1.3  # by which noise, which takes most bytes, can grow
# Each scan passes over the whole picture again; programs write about ten of them.
_MAX_SCANS, _MAX_SCANNED = 100, 2**32
_MAX_PIXELS_A_BYTE = 512  # every block of 8 x 8 takes at least a bit of some scan
_MISSING = 128  # what libjpeg gives for samples that are not there
_MADE_UP = 48  # the longest side of what it makes up where the data ends: a block, smoothed into its neighbours


class _File(NamedTuple):
    """A file without the segments of metadata, what was in these, and whether the end of the picture is there.

    ``scans`` is how often the data pass over the picture, or over a part of its channels or details.
    """

    data: bytes
    metadata: Metadata
    pictures: int
    scans: int
    is_complete: bool


def _open(file: _File) -> "JpegImageFile":
    from PIL.JpegImagePlugin import JpegImageFile

    return JpegImageFile(io.BytesIO(file.data), "")


def _header(data: bytes) -> Header:
    file = _split(_head(data))
    return pillow.header_of(_open(file))._replace(frames=file.pictures)


def _describe(data: bytes) -> Description:
    file = _split(_head(data))
    return Description(file.metadata, quantisation=Quantisation.of_file(_open(file)))


def _head(data: bytes) -> bytes:
    """Return what comes before the data of the first scan."""
    return data[: next((segment.end for segment in read_segments(data) if segment.marker == SCAN), len(data))]


def _refuse_endless(file: _File, size: tuple[int, int]) -> None:
    """Raise if decoding would take far longer than the file's length suggests."""
    width, height = size
    if width * height > _MAX_PIXELS_A_BYTE * len(file.data):
        raise PictureError(
            f"{len(file.data)} bytes cannot hold a JPEG of {width} x {height} pixels, so nearly all of it is missing; "
            "get a complete copy"
        )
    if file.scans > _MAX_SCANS or file.scans * width * height > _MAX_SCANNED:
        raise PictureError(
            f"JPEG of {file.scans} scans of {width} x {height} pixels is not supported, only up to "
            f"{min(_MAX_SCANS, _MAX_SCANNED // (width * height))}; save it again"
        )


def _decode(data: bytes) -> Decoded:
    file = _split(data)
    image = _open(file)
    _refuse_endless(file, image.size)
    try:
        pixels, icc, notes = pillow.pixels_of(image, image.size, file.metadata.icc)
    except OSError:  # what Pillow says of files that end too early
        if file.is_complete:
            raise
        image = _open(file._replace(data=file.data + END))
        pixels, icc, notes = pillow.pixels_of(image, image.size, file.metadata.icc)
        notes = (*notes, _missing_rows(pixels))
    return Decoded(pixels, file.metadata._replace(icc=icc), notes=notes, quantisation=Quantisation.of_file(image))


def _split(data: bytes) -> _File:
    """Take metadata out of a file."""
    position, start_of_scans, pictures = 0, len(data), 1
    kept: list[bytes] = []
    exif: list[bytes] = []
    xmp = None
    profile: dict[int, bytes] = {}
    for marker, body, start, end in read_segments(data):
        if marker == SCAN:
            start_of_scans = start
        if marker not in (APP1, APP2):
            continue
        kept.append(data[position:start])
        position = end
        if body.startswith(_EXIF):
            exif.append(body.removeprefix(_EXIF))  # long blocks go on in the next segment
        elif body.startswith(_XMP):
            xmp = body.removeprefix(_XMP)
        elif body.startswith(_ICC) and len(body) > 14:
            profile[body[12]] = body[14:]  # after its own number and the number of all
        elif body.startswith(_PICTURES):
            pictures = _pictures(body.removeprefix(_PICTURES))
    is_complete = data.find(END, start_of_scans) >= 0
    scans = count_scans(data, start_of_scans)
    icc = b"".join(profile[number] for number in sorted(profile))
    metadata = Metadata(icc or None, b"".join(exif) or None, xmp)
    return _File(b"".join([*kept, data[position:]]), metadata, pictures, scans, is_complete)


def _pictures(index: bytes) -> int:
    """Return the number of pictures in a file of several (CIPA DC-007), or 1 if that is damaged."""
    try:
        block = TiffBlock(index)
        return block.whole_number(block.directory(block.first).get(_NUMBER_OF_PICTURES)) or 1
    except (ValueError, struct.error):
        return 1


def _missing_rows(pixels: np.ndarray) -> str:
    """Return a note on how much of a picture is missing whose file ends too early.

    Raises:
        PictureError: nothing of it is there.
    """
    is_there = (pixels != _MISSING).any(axis=2)
    real = is_there.copy()
    if max(real.shape) > _MADE_UP:  # a smaller picture may be all there
        real[:_MADE_UP, :_MADE_UP] = False
    if not real.any():
        raise PictureError("the file is cut short before its picture begins; get a complete copy")
    missing = int(is_there[::-1].any(axis=1).argmax())
    if missing:
        return f"the file is cut short: the last {missing} of {len(pixels)} rows are missing"
    return "the file is cut short: the end of the picture may be wrong or less sharp"


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    segments = _segments(metadata)
    sampling = options.subsampling or pillow.colour_sampling(quality)
    # Codes made for the picture save 2 to 7 percent of a photograph, and take 2 to 8 milliseconds a megapixel.
    data = bytes(
        imagecodecs.jpeg8_encode(
            pixels if pixels.shape[2] > 1 else pixels[..., 0],
            level=quality,
            subsampling=sampling.replace(":", ""),
            optimize=options.progressive or options.optimised is not False,
        )
    )
    if options.progressive:
        data = _progressive(pixels, quality, sampling, len(data))
    return b"".join([data[:_HEAD], *segments, data[_HEAD:]])


def _segments(metadata: Metadata) -> list[bytes]:
    """Make the segments of metadata.

    Raises:
        PictureError: the XMP packet does not fit into one.
    """
    icc, exif, xmp = metadata
    segments = []
    if exif:
        segments.append(make_segment(APP1, _EXIF + exif))
    if xmp:
        if len(xmp) > _MAX_XMP:  # it may hold the tag of a shrunk picture, so it is not left out
            raise PictureError(f"JPEG holds at most {_MAX_XMP} bytes of XMP, not {len(xmp)}; write PNG or TIFF")
        segments.append(make_segment(APP1, _XMP + xmp))
    if icc:
        parts = [icc[start : start + _MAX_ICC_PART] for start in range(0, len(icc), _MAX_ICC_PART)]
        for number, part in enumerate(parts, 1):
            segments.append(make_segment(APP2, _ICC + bytes([number, len(parts)]) + part))
    return segments


def _progressive(pixels: np.ndarray, quality: int, sampling: str, sequential: int) -> bytes:
    """Encode by Pillow, since imagecodecs cannot; ``sequential`` is how many bytes the picture takes row by row.

    Raises:
        PictureError: the file would not fit into the room that Pillow gives it, of which libjpeg would talk.
    """
    from PIL import JpegImagePlugin  # noqa: F401 (else saving loads every plugin that Pillow has)

    height, width, _ = pixels.shape
    if sequential > max(_PILLOW_ROOM, height * width * (2 if quality >= 95 else 1)) / _PROGRESSIVE_GROWTH:
        raise PictureError("the picture is too noisy for a progressive JPEG of this quality; write a plain one")
    return pillow.save(pillow.to_image(pixels), "JPEG", quality=quality, subsampling=sampling, progressive=True)


CODEC = Codec(
    name="JPEG",
    extensions=(".jpg", ".jpeg", ".jfif"),
    rank=2,
    sniff=lambda data: data.startswith(b"\xff\xd8\xff") and not is_jpeg_ls(data),
    header=_header,
    describe=_describe,
    decode=_decode,
    encode=_encode,
    alpha=False,
    max_side=65_500,
    max_exif=_MAX_EXIF,
    quality=95,
    options=("subsampling", "progressive", "optimised"),
)
