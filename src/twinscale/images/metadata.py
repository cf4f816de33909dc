"""ICC profiles, EXIF and XMP: what is kept of them, and how orientation is taken out of them."""

import re
import struct
from typing import NamedTuple

_EXIF_PREFIX = b"Exif\0\0"
_ORIENTATION = 274
_THUMBNAIL_OFFSET = 513
_THUMBNAIL_LENGTH = 514

# TIFF field types: bytes per value and struct letter; rationals and the like are only ever copied.
_TYPES = {
    1: (1, "B"),
    2: (1, "B"),
    3: (2, "H"),
    4: (4, "I"),
    5: (8, None),
    6: (1, "b"),
    7: (1, "B"),
    8: (2, "h"),
    9: (4, "i"),
    10: (8, None),
    11: (4, "f"),
    12: (8, "d"),
    13: (4, "I"),
    16: (8, "Q"),
    17: (8, "q"),
    18: (8, "Q"),
}

_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|\s*>)\s*)([1-8])(?=\s*[\"'<])")


class Field(NamedTuple):
    """Where one tag's values lie in the block."""

    kind: int
    number: int
    position: int


class TiffBlock:
    """The directories of a TIFF file or an EXIF block, which has the same layout.

    Raises:
        ValueError, struct.error: if the block is damaged.
    """

    def __init__(self, data: bytes) -> None:
        if data[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raise ValueError("no TIFF header")
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.big = b"+" in data[2:4]
        self._word = "Q" if self.big else "I"
        self.first = self.offset_at(8 if self.big else 4)

    def offset_at(self, position: int) -> int:
        """The offset stored at this position."""
        return self._unpack(self._word, position)

    def directory(self, start: int) -> tuple[dict[int, Field], int]:
        """The fields of the directory at ``start``, and the position of the link to the next one."""
        count = self._unpack("Q" if self.big else "H", start)
        position = start + (8 if self.big else 2)
        word = struct.calcsize("<" + self._word)
        fields = {}
        for _ in range(count):
            tag, kind = self._unpack("H", position), self._unpack("H", position + 2)
            number = self._unpack(self._word, position + 4)
            at = position + 4 + word
            if number * _TYPES.get(kind, (1, None))[0] > word:
                at = self.offset_at(at)
            fields[tag] = Field(kind, number, at)
            position += 4 + 2 * word
        return fields, position

    def values(self, field: Field) -> tuple[int, ...]:
        """The numbers in a field."""
        letter = _TYPES[field.kind][1]
        if letter is None:
            raise ValueError(f"field of type {field.kind} where whole numbers belong")
        return struct.unpack_from(f"{self.order}{field.number}{letter}", self.data, field.position)

    def raw(self, field: Field) -> bytes:
        """The bytes of a field."""
        return self.data[field.position : field.position + field.number * _TYPES[field.kind][0]]

    def _unpack(self, letter: str, position: int) -> int:
        value: int = struct.unpack_from(self.order + letter, self.data, position)[0]
        return value


def clean_exif(exif: bytes) -> tuple[bytes, int]:
    """Takes the orientation and the thumbnail out of an EXIF block, and leaves the rest as it is.

    The block is patched in place rather than rebuilt, because maker notes hold offsets that a
    rebuilt block would break.

    Returns:
        The block without any ``Exif\\0\\0`` prefix, and the orientation it had (1 to 8).

    Raises:
        ValueError, struct.error: if the block is damaged.
    """
    while exif.startswith(_EXIF_PREFIX):
        exif = exif[len(_EXIF_PREFIX) :]
    block = TiffBlock(exif)
    fields, link = block.directory(block.first)
    patched = bytearray(exif)
    orientation = 1
    if field := fields.get(_ORIENTATION):
        orientation = block.values(field)[0]
        struct.pack_into(f"{block.order}{_TYPES[field.kind][1]}", patched, field.position, 1)
    if thumbnail := block.offset_at(link):
        struct.pack_into(f"{block.order}{block._word}", patched, link, 0)
        _erase_thumbnail(block, thumbnail, patched)
    return bytes(patched), orientation if 1 <= orientation <= 8 else 1


def _erase_thumbnail(block: TiffBlock, start: int, patched: bytearray) -> None:
    """Erases the thumbnail's pixels too: they may show what was since cropped away."""
    fields, _ = block.directory(start)
    if _THUMBNAIL_OFFSET in fields and _THUMBNAIL_LENGTH in fields:
        (begin,), (length,) = (block.values(fields[tag]) for tag in (_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH))
        end = min(begin + length, len(patched))
        if end == len(patched):
            del patched[begin:]
        else:
            patched[begin:end] = bytes(max(end - begin, 0))


def clean_xmp(xmp: bytes) -> tuple[bytes, int | None]:
    """The packet with ``tiff:Orientation`` set to 1, and the orientation it had, if any."""
    found = _XMP_ORIENTATION.search(xmp)
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp), int(found[2]) if found else None


def icc_space(icc: bytes) -> str | None:
    """Colour space a profile is for: ``"GRAY"``, ``"RGB"``, ``"CMYK"``...; ``None`` if damaged."""
    if len(icc) < 128 or icc[36:40] != b"acsp":
        return None
    return icc[16:20].decode("latin-1").strip()


def icc_fits(icc: bytes, channels: int) -> bool:
    """Whether a profile describes pixels of this many colour channels (1 grey, 3 RGB)."""
    return icc_space(icc) == ("GRAY" if channels == 1 else "RGB")
