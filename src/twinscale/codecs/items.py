"""Items, of which AVIF files are made: the picture, and each kind of metadata (ISO/IEC 14496-12, 8.11)."""

import struct
from typing import NamedTuple

from twinscale.codecs.boxes import read_boxes
from twinscale.errors import PictureError

_MAX_EXTENTS = 10_000  # that all items together are in; real files have a few for each part of a large picture


class Item(NamedTuple):
    """An item that lies in one piece in the file: its kind, its entry in the list of items, and where it lies."""

    kind: bytes
    entry: bytes
    start: int
    length: int


def read_items(data: bytes) -> list[Item]:
    """Return the items of a file, none if their boxes are damaged.

    Raises:
        PictureError: they are in too many pieces.
    """
    try:
        meta = next(box.body for box in read_boxes(data) if box.kind == b"meta")[4:]
        boxes = {box.kind: box.body for box in read_boxes(meta)}
        extents = _extents(boxes[b"iloc"])
        infos = boxes[b"iinf"]
        items = []
        for box in read_boxes(infos[6 if infos[0] == 0 else 8 :]):
            is_short = box.body[0] == 2
            (number,) = struct.unpack_from(">H" if is_short else ">I", box.body, 4)
            if box.kind == b"infe" and number in extents:
                kind = box.body[8:12] if is_short else box.body[10:14]
                items.append(Item(kind, box.body, *extents[number]))
    except (StopIteration, KeyError, IndexError, struct.error):
        return []
    return items


def take_exif(data: bytes) -> tuple[bytes, bytes | None]:
    """Return the file as if it had no EXIF, since libavif refuses one whose EXIF is damaged; and the EXIF block.

    Raises:
        PictureError: see :func:`read_items`.
    """
    item = next((item for item in read_items(data) if item.kind == b"Exif"), None)
    if item is None:
        return data, None
    body = data[item.start : item.start + item.length]
    begin = 4 + int.from_bytes(body[:4], "big")  # counted from the end of this number
    return data.replace(item.entry, item.entry.replace(b"Exif", b"skip"), 1), body[begin:]


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
