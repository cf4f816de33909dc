"""Boxes, of which JPEG 2000, JPEG XL, AVIF and HEIF files are made (ISO/IEC 14496-12, 4.2)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from twinscale.errors import PictureError

_MAX_BOXES = 10_000  # side by side; real files have a few hundred, one for each part of a large picture


class Box(NamedTuple):
    """A box's type and contents, and where in the data it begins."""

    kind: bytes
    body: bytes
    start: int


def read_boxes(data: bytes) -> Iterator[Box]:
    """Yield the boxes that stand side by side in a file or in the contents of another box.

    Raises:
        PictureError: a box ends beyond the data, or there are too many.
    """
    position, boxes = 0, 0
    while position + 8 <= len(data):
        boxes += 1
        if boxes > _MAX_BOXES:
            raise PictureError(f"a file of more than {_MAX_BOXES} boxes is not supported; save it again")
        length, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = position + length if length else len(data)
        if end < start or end > len(data):
            raise PictureError("the file is cut short; get a complete copy")
        yield Box(kind, data[start:end], position)
        position = end


def make_box(kind: bytes, body: bytes) -> bytes:
    """Make one box.

    Raises:
        PictureError: it would not fit into 4 GiB.
    """
    if len(body) + 8 >= 2**32:
        raise PictureError("the file would not fit into 4 GiB; write PNG")
    return struct.pack(">I4s", len(body) + 8, kind) + body


def brands(data: bytes) -> set[bytes]:
    """Return the brands that the leading file type box claims, such as ``b"avif"``; none without such a box."""
    if data[4:8] != b"ftyp":
        return set()
    end = int.from_bytes(data[:4], "big")
    return {data[8:12]} | {data[at : at + 4] for at in range(16, min(end, len(data)), 4)}
