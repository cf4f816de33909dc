"""Marker segments, of which JPEG and JPEG-LS files are made (ITU-T T.81, annex B)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from twinscale import spill

APP1, APP2 = 0xE1, 0xE2
SCAN = 0xDA
FRAME = 0xC0
RESTART_INTERVAL, RESTART = 0xDD, 0xD0
JPEG_LS_FRAME = 0xF7
END = b"\xff\xd9"
"""The marker that ends the picture."""


class Segment(NamedTuple):
    """A segment's marker and contents, and where in the file it begins, with its marker, and ends."""

    marker: int
    body: bytes
    start: int
    end: int


def read_segments(data: spill.Data) -> Iterator[Segment]:
    """Yield the segments up to the head of the first scan; what stands between them is skipped."""
    position = 2
    while (position := data.find(b"\xff", position)) >= 0 and position + 4 <= len(data):
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


def make_segment(marker: int, body: bytes) -> bytes:
    """Make one segment.

    Raises:
        struct.error: it would be longer than a segment can be, 65533 bytes.
    """
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def is_jpeg_ls(data: bytes) -> bool:
    """Return whether a file that begins as JPEG does holds a JPEG-LS frame."""
    return any(segment.marker == JPEG_LS_FRAME for segment in read_segments(data))
