"""JPEG: segments of metadata by hand, so that damaged ones do no harm; decoded by Pillow, encoded by libjpeg-turbo."""

import contextlib
import io
import math
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

import imagecodecs
import numpy as np

from twinscale import spill
from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Description, Header, Metadata, Options, Subsampling
from twinscale.codecs.directories import TiffBlock
from twinscale.codecs.quantisation import Quantisation
from twinscale.codecs.segments import (
    APP1,
    APP2,
    END,
    FRAME,
    RESTART,
    RESTART_INTERVAL,
    SCAN,
    count_scans,
    is_jpeg_ls,
    make_segment,
    read_segments,
)
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
# Height and width in pixels of the unit in which the blocks of all colours alternate.
_UNITS: dict[Subsampling, tuple[int, int]] = {"4:4:4": (8, 8), "4:2:2": (8, 16), "4:2:0": (16, 16)}
_STRIP = 2**14  # units between two restart markers, of which a file can count 65535
# Each scan passes over the whole picture again; programs write about ten of them.
_MAX_SCANS, _MAX_SCANNED = 100, 2**32
_MAX_PIXELS_A_BYTE = 512  # every block of 8 x 8 takes at least a bit of some scan
_MISSING = 128  # what libjpeg gives for samples that are not there
_MADE_UP = 48  # the longest side of what it makes up where the data ends: a block, smoothed into its neighbours


class _File(NamedTuple):
    """A file without the segments of metadata, what was in these, and whether the end of the picture is there.

    ``scans`` is how often the data pass over the picture, or over a part of its channels or details.
    """

    data: spill.Data
    metadata: Metadata
    pictures: int
    scans: int
    is_complete: bool


def _open(file: _File) -> "JpegImageFile":
    from PIL.JpegImagePlugin import JpegImageFile

    # A mapping reads like a file, too.
    return JpegImageFile(io.BytesIO(file.data) if isinstance(file.data, bytes) else cast(BinaryIO, file.data), "")


def _header(data: spill.Data) -> Header:
    file = _split(_head(data))
    return pillow.header_of(_open(file))._replace(frames=file.pictures)


def _describe(data: spill.Data) -> Description:
    file = _split(_head(data))
    return Description(file.metadata, quantisation=Quantisation.of_file(_open(file)))


def _head(data: spill.Data) -> bytes:
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


def _decode(data: spill.Data) -> Decoded:
    file = _split(data)
    image = _open(file)
    _refuse_endless(file, image.size)
    pixels = _large_pixels(file, image)
    if pixels is not None:
        return Decoded(pixels, file.metadata, quantisation=Quantisation.of_file(image))
    try:
        pixels, icc, notes = pillow.pixels_of(image, image.size, file.metadata.icc)
    except OSError:  # what Pillow says of files that end too early
        if file.is_complete:
            raise
        image = _open(file._replace(data=bytes(file.data) + END))
        pixels, icc, notes = pillow.pixels_of(image, image.size, file.metadata.icc)
        notes = (*notes, _missing_rows(pixels))
    return Decoded(pixels, file.metadata._replace(icc=icc), notes=notes, quantisation=Quantisation.of_file(image))


def _large_pixels(file: _File, image: "JpegImageFile") -> np.ndarray | None:
    """Return the pixels of a picture too large for Pillow's memory; None if it is not, or must be left to Pillow."""
    shape = (image.height, image.width, len(image.getbands()))
    if image.mode in ("L", "RGB") and file.is_complete and math.prod(shape) >= spill.LIMIT:
        with contextlib.suppress(imagecodecs.Jpeg8Error):
            return spill.decoded(imagecodecs.jpeg8_decode, file.data, shape, np.uint8)
    return None


def _split(data: spill.Data) -> _File:
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
    return _File(spill.join([*kept, memoryview(data)[position:]]), metadata, pictures, scans, is_complete)


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


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> spill.Data:
    segments = _segments(metadata)
    sampling = options.subsampling or cast(Subsampling, pillow.colour_sampling(quality))
    if spill.is_spilled(pixels) and not options.progressive:
        return spill.join(_in_strips(pixels, quality, sampling, segments))
    # Codes made for the picture save 2 to 7 percent of a photograph, and take 2 to 8 milliseconds a megapixel.
    data = _by_rows(pixels, quality, sampling, optimised=options.progressive or options.optimised is not False)
    if options.progressive:
        data = _progressive(pixels, quality, sampling, len(data))
    return b"".join([data[:_HEAD], *segments, data[_HEAD:]])


def _in_strips(pixels: np.ndarray, quality: int, sampling: Subsampling, segments: list[bytes]) -> Iterator[bytes]:
    """Yield a file without holding all of it: strips that are encoded one by one and joined by restart markers.

    Nothing but entropy codes reaches across blocks, and these begin anew after a marker, so the pixels are those of a
    file made at once. Its codes are the standard's: the best ones are known only at the end.
    """
    height, width, channels = pixels.shape
    down, across = _UNITS[sampling] if channels > 1 else (8, 8)
    units = -(-width // across)
    rows_of_units = max(1, _STRIP // units)
    for number, rows in enumerate(spill.bands(pixels, rows_of_units * down)):
        strip = _by_rows(pixels[rows], quality, sampling, optimised=False)
        segment = {segment.marker: segment for segment in read_segments(strip)}
        scan = segment[SCAN]
        if number == 0:
            head = bytearray(strip[: scan.start])
            size = segment[FRAME].start + 5  # after marker, length and precision
            head[size : size + 2] = height.to_bytes(2, "big")
            interval = make_segment(RESTART_INTERVAL, (rows_of_units * units).to_bytes(2, "big"))
            yield b"".join([head[:_HEAD], *segments, head[_HEAD:], interval, strip[scan.start : scan.end]])
        else:
            yield bytes([0xFF, RESTART + (number - 1) % 8])
        yield strip[scan.end : -len(END)]
    yield END


def _by_rows(pixels: np.ndarray, quality: int, sampling: Subsampling, *, optimised: bool) -> bytes:
    """Encode without metadata, in a single scan."""
    return bytes(
        imagecodecs.jpeg8_encode(
            pixels if pixels.shape[2] > 1 else pixels[..., 0],
            level=quality,
            subsampling=sampling.replace(":", ""),
            optimize=optimised,
        )
    )


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
    for_large=True,
    alpha=False,
    max_side=65_500,
    max_exif=_MAX_EXIF,
    quality=95,
    options=("subsampling", "progressive", "optimised"),
)
