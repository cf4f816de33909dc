"""Marker segments, of which JPEG and JPEG-LS files are made (ITU-T T.81, annex B)."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from twinscale.errors import PictureError

APP1, APP2 = 0xE1, 0xE2
SCAN = 0xDA
JPEG_LS_FRAME = 0xF7
END = b"\xff\xd9"
"""The marker that ends the picture."""

_MAX_SEGMENTS = 10_000  # real files have a few hundred: a profile or an XMP packet in many parts
# In the data of a scan, what begins a segment or ends the picture: no stuffed zero, restart or fill byte.
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")


class Segment(NamedTuple):
    """A segment's marker and contents, and where in the file it begins, with its marker, and ends."""

    marker: int
    body: bytes
    start: int
    end: int


def read_segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments up to the head of the first scan; what stands between them is skipped.

    Raises:
        PictureError: there are too many.
    """
    position, markers = 2, 0
    while (position := data.find(b"\xff", position)) >= 0 and position + 4 <= len(data):
        markers += 1
        if markers > _MAX_SEGMENTS:
            raise _too_many()
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
        elif 0xD0 <= marker <= 0xD9 or marker in (0x00, 0x01):  # these have no contents
            position += 2
        else:
            end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
            yield Segment(marker, data[position + 4 : end], position, end)
            if marker == SCAN:
                return
            position = end


def count_scans(data: bytes, first: int) -> int:
    """Return how many scans there are up to the end of the picture, given where the head of the first one begins.

    Raises:
        PictureError: there are too many segments between them.
    """
    position, scans = first, 0
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None or found[0] == END:
            return scans
        scans += found[0][1] == SCAN
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    raise _too_many()


def _too_many() -> PictureError:
    return PictureError(f"JPEG of more than {_MAX_SEGMENTS} segments is not supported; save it again")


def make_segment(marker: int, body: bytes) -> bytes:
    """Make one segment.

    Raises:
        struct.error: it would be longer than a segment can be, 65533 bytes.
    """
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def is_jpeg_ls(data: bytes) -> bool:
    """Return whether a file that begins as JPEG does holds a JPEG-LS frame."""
    return any(segment.marker == JPEG_LS_FRAME for segment in read_segments(data))
