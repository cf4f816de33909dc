"""Directories of tagged fields, of which TIFF files and EXIF blocks are made (TIFF 6.0, section 2)."""

import struct
from typing import NamedTuple

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
        self.is_big = b"+" in data[2:4]
        self._word = "Q" if self.is_big else "I"
        self.first = self.offset_at(8 if self.is_big else 4)

    def offset_at(self, position: int) -> int:
        """Return the offset stored at this position."""
        return self._unpack(self._word, position)

    def directory(self, start: int) -> tuple[dict[int, Field], int]:
        """Return the fields of the directory at ``start``, and the position of the link to the next one."""
        count = self._unpack("Q" if self.is_big else "H", start)
        position = start + (8 if self.is_big else 2)
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
        """Return the numbers in a field."""
        letter = _TYPES[field.kind][1]
        if letter is None:
            raise ValueError(f"field of type {field.kind} where integers belong")
        return struct.unpack_from(f"{self.order}{field.number}{letter}", self.data, field.position)

    def raw(self, field: Field) -> bytes:
        """Return the bytes of a field."""
        return self.data[field.position : field.position + field.number * _TYPES[field.kind][0]]

    def put_value(self, copy: bytearray, field: Field, value: int) -> None:
        """Replace the number in a field of a copy of this block."""
        struct.pack_into(f"{self.order}{_TYPES[field.kind][1]}", copy, field.position, value)

    def put_offset(self, copy: bytearray, position: int, offset: int) -> None:
        """Replace the offset at this position of a copy of this block."""
        struct.pack_into(self.order + self._word, copy, position, offset)

    def _unpack(self, letter: str, position: int) -> int:
        value: int = struct.unpack_from(self.order + letter, self.data, position)[0]
        return value
