"""Items, of which AVIF files are made: the picture, and each kind of metadata (ISO/IEC 14496-12, 8.11)."""

import struct
from typing import NamedTuple

from twinscale.codecs.boxes import read_boxes
from twinscale.errors import PictureError

_MAX_EXTENTS = 10_000  # that all items together are in; real files have a few for each part of a large picture


def take_exif(data: bytes) -> tuple[bytes, bytes | None]:
    """Return the file as if it had no EXIF, since libavif refuses one whose EXIF is damaged; and the EXIF block.

    Raises:
        PictureError: its items are in too many pieces.
    """
    try:
        meta = next(box.body for box in read_boxes(data) if box.kind == b"meta")[4:]
        boxes = {box.kind: box.body for box in read_boxes(meta)}
        extents = _extents(boxes[b"iloc"])
        infos = boxes[b"iinf"]
        entries = [box.body for box in read_boxes(infos[6 if infos[0] == 0 else 8 :]) if box.kind == b"infe"]
        entry = next(entry for entry in entries if b"Exif" in (entry[8:12], entry[10:14]))
        found = extents[struct.unpack_from(">H" if entry[0] == 2 else ">I", entry, 4)[0]]
    except (StopIteration, KeyError, IndexError, struct.error):
        return data, None
    item = data[found.start : found.start + found.length]
    begin = 4 + int.from_bytes(item[:4], "big")  # counted from the end of this number
    return data.replace(entry, entry.replace(b"Exif", b"skip"), 1), item[begin:]


class _Extent(NamedTuple):
    """Where in the file an item lies."""

    start: int
    length: int


def _extents(locations: bytes) -> dict[int, _Extent]:
    """Find items, by their numbers, in the contents of the box of locations (8.11.3), if in one piece in the file.

    Raises:
        struct.error: the box is damaged.
        PictureError: there are too many pieces.
    """
    version = locations[0]
    position, extents = 4, 0
    found: dict[int, _Extent] = {}

    def take(size: int) -> int:
        nonlocal position
        if position + size > len(locations):
            raise struct.error("the box ends too early")
        position += size
        return int.from_bytes(locations[position - size : position], "big")

    sizes = take(2)
    of_offset, of_length, of_base, of_index = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    for _ in range(take(2 if version < 2 else 4)):
        number = take(2 if version < 2 else 4)
        method = take(2) & 15 if version else 0
        source, base, pieces = take(2), take(of_base), take(2)
        extents += pieces
        if extents > _MAX_EXTENTS:
            raise PictureError(f"a file of items in more than {_MAX_EXTENTS} pieces is not supported; save it again")
        for _ in range(pieces):
            take(of_index if version else 0)
            extent = _Extent(base + take(of_offset), take(of_length))
        if pieces == 1 and not method and not source:
            found.setdefault(number, extent)
    return found
