"""Directories of tagged fields, of which TIFF files and EXIF blocks are made (TIFF 6.0, section 2)."""

import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

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
_LONG, _RATIONALS, _FLOATS = 4, (5, 10), (11, 12)
_MAX_FIELDS = 4096  # real directories have a few dozen


class Field(NamedTuple):
    """Where one tag's values lie in the block, and where the directory's entry for it does."""

    kind: int
    number: int
    position: int
    entry: int


class Value(NamedTuple):
    """The values of one tag, in little-endian order, wherever they were."""

    kind: int
    data: bytes


Tree = Mapping[int, "Value | Tree"]
"""A directory by tags; those that point to a directory of their own hold it."""


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
        self._sizes = (8, 20) if self.is_big else (2, 12)  # of the number of entries, and of an entry
        self.first = self.offset_at(8 if self.is_big else 4)

    def offset_at(self, position: int) -> int:
        """Return the offset stored at this position."""
        return self._unpack(self._word, position)

    def link_after(self, start: int) -> int:
        """Return the position of the link from the directory at ``start`` to the next one."""
        count, entry = self._sizes
        return start + count + entry * self.entries(start)

    def entries(self, start: int) -> int:
        """Return how many fields the directory at ``start`` has, those of the same tag too."""
        return self._unpack("Q" if self.is_big else "H", start)

    def directory(self, start: int) -> dict[int, Field]:
        """Return the fields of the directory at ``start``; of several with the same tag the first, as libtiff does.

        Raises:
            ValueError, struct.error: it is damaged, or has far more fields than real ones.
        """
        fields: dict[int, Field] = {}
        word = struct.calcsize("<" + self._word)
        count, size = self._sizes
        end = self.link_after(start)
        if end - start - count > _MAX_FIELDS * size:
            raise ValueError(f"a directory has more than {_MAX_FIELDS} fields")
        for entry in range(start + count, end, size):
            tag, kind = self._unpack("H", entry), self._unpack("H", entry + 2)
            number = self._unpack(self._word, entry + 4)
            at = entry + 4 + word
            if number * _TYPES.get(kind, (1, None))[0] > word:
                at = self.offset_at(at)
            fields.setdefault(tag, Field(kind, number, at, entry))
        return fields

    def sound(self, fields: dict[int, Field]) -> dict[int, Field]:
        """Return those fields whose type is known and whose values lie in the block, as long as they fit into it."""
        kept, left = {}, len(self.data)
        for tag, field in fields.items():
            size = field.number * _TYPES.get(field.kind, (0, None))[0]
            if 0 < size <= left and field.position + size <= len(self.data):
                kept[tag] = field
                left -= size
        return kept

    def values(self, field: Field) -> tuple[int, ...]:
        """Return the numbers in a field."""
        letter = _TYPES[field.kind][1]
        if letter is None:
            raise ValueError(f"field of type {field.kind} where integers belong")
        return struct.unpack_from(f"{self.order}{field.number}{letter}", self.data, field.position)

    def whole_number(self, field: Field | None) -> int | None:
        """Return the first number in a field, or None if there is none or it is not a whole one."""
        if field is None or field.kind in (*_RATIONALS, *_FLOATS) or not self.sound({0: field}):
            return None
        return self.values(field)[0]

    def raw(self, field: Field) -> bytes:
        """Return the bytes of a field."""
        return self.data[field.position : field.position + field.number * _TYPES[field.kind][0]]

    def tree(self, fields: dict[int, Field], pointers: frozenset[int]) -> Tree:
        """Return what is in fields without what is damaged, and the directories that ``pointers`` point to."""
        found: dict[int, Value | Tree] = {}
        for tag, field in self.sound(fields).items():
            if tag in pointers:
                try:
                    found[tag] = self.tree(self.directory(self.values(field)[0]), pointers - {tag})
                except (ValueError, TypeError, struct.error):
                    continue
            elif field.kind < 16:  # the others are only for files of more than 4 GiB
                found[tag] = Value(field.kind, self._little_endian(field))
        return found

    def put_value(self, copy: bytearray, field: Field, value: int) -> None:
        """Replace the number in a field of a copy of this block."""
        struct.pack_into(f"{self.order}{_TYPES[field.kind][1]}", copy, field.position, value)

    def put_offset(self, copy: bytearray, position: int, offset: int) -> None:
        """Replace the offset at this position of a copy of this block."""
        struct.pack_into(self.order + self._word, copy, position, offset)

    def drop(self, copy: bytearray, start: int, kept: Mapping[int, Field]) -> None:
        """Leave only some fields in the directory at ``start`` of a copy of this block; nothing else moves."""
        count, size = self._sizes
        link = self.link_after(start)
        end = link + struct.calcsize("<" + self._word)
        copy[start : start + count] = struct.pack(self.order + ("Q" if self.is_big else "H"), len(kept))
        entries = b"".join(copy[field.entry : field.entry + size] for field in kept.values())
        copy[start + count : end] = (entries + copy[link:end]).ljust(end - start - count, b"\0")

    def _little_endian(self, field: Field) -> bytes:
        data = self.raw(field)
        unit = 4 if field.kind in _RATIONALS else _TYPES[field.kind][0]
        if self.order == ">" and unit > 1:
            return np.frombuffer(data, f">u{unit}").astype(f"<u{unit}").tobytes()
        return data

    def _unpack(self, letter: str, position: int) -> int:
        value: int = struct.unpack_from(self.order + letter, self.data, position)[0]
        return value


def pack_tree(tree: Tree, start: int) -> bytes:
    """Return a directory, little-endian and with all that it points to, for the position ``start`` of a block."""
    entries, beyond = b"", b""
    after_entries = start + 2 + 12 * len(tree) + 4
    for tag in sorted(tree):
        value, end = tree[tag], after_entries + len(beyond)
        if isinstance(value, Value):
            kind, data = value
            number = len(data) // _TYPES[kind][0]
            packed = b"" if len(data) <= 4 else data + bytes(len(data) % 2)
        else:
            kind, number, data, packed = _LONG, 1, struct.pack("<I", end), pack_tree(value, end)
        beyond += packed
        field = data if len(data) <= 4 else struct.pack("<I", end)
        entries += struct.pack("<HHI", tag, kind, number) + field.ljust(4, b"\0")
    return struct.pack("<H", len(tree)) + entries + bytes(4) + beyond
