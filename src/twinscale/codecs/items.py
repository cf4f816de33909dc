"""Items, of which AVIF files are made: the picture, and each kind of metadata (ISO/IEC 14496-12, 8.11)."""

import struct
from typing import NamedTuple

from twinscale.codecs.boxes import read_boxes
from twinscale.errors import PictureError


def take_exif(data: bytes) -> tuple[bytes, bytes | None]:
    """Return the file as if it had no EXIF, since libavif refuses one whose EXIF is damaged; and the EXIF block."""
    try:
        meta = next(box.body for box in read_boxes(data) if box.kind == b"meta")[4:]
        boxes = {box.kind: box.body for box in read_boxes(meta)}
        infos = boxes[b"iinf"]
        entries = [box.body for box in read_boxes(infos[6 if infos[0] == 0 else 8 :]) if box.kind == b"infe"]
        entry = next(entry for entry in entries if b"Exif" in (entry[8:12], entry[10:14]))
        found = _extent(boxes[b"iloc"], struct.unpack_from(">H" if entry[0] == 2 else ">I", entry, 4)[0])
    except (StopIteration, KeyError, IndexError, struct.error, PictureError):
        return data, None
    item = data[found.start : found.start + found.length]
    begin = 4 + int.from_bytes(item[:4], "big")  # counted from the end of this number
    return data.replace(entry, entry.replace(b"Exif", b"skip"), 1), item[begin:]


class _Extent(NamedTuple):
    """Where in the file an item lies."""

    start: int
    length: int


def _extent(locations: bytes, wanted: int) -> _Extent:
    """Find an item by its number in the contents of the box of locations (8.11.3).

    Raises:
        KeyError: it is not there, or not in one piece in the file itself.
        struct.error: the box is damaged.
    """
    version = locations[0]
    position = 4

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
        source, base = take(2), take(of_base)
        extents = []
        for _ in range(take(2)):
            take(of_index if version else 0)
            extents.append(_Extent(base + take(of_offset), take(of_length)))
        if number == wanted and not method and not source and len(extents) == 1:
            return extents[0]
    raise KeyError(wanted)
