"""Marker segments, of which JPEG and JPEG-LS files are made (ITU-T T.81, annex B)."""

from collections.abc import Iterator

JPEG_LS_FRAME = 0xF7
_SCAN = 0xDA


def read_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the contents of each segment before the first scan; end where the file is damaged."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
        elif 0xD0 <= marker <= 0xD9 or marker == 0x01:  # these have no contents
            position += 2
        else:
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            yield marker, data[position + 4 : position + 2 + length]
            if marker == _SCAN:
                return
            position += 2 + length


def is_jpeg_ls(data: bytes) -> bool:
    """Return whether a file that begins as JPEG does holds a JPEG-LS frame."""
    return any(marker == JPEG_LS_FRAME for marker, _ in read_segments(data))
