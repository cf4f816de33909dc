"""ICC profiles, EXIF and XMP: what is kept of them, and how orientation is taken out of them."""

import re

from twinscale.codecs.directories import TiffBlock

_EXIF_PREFIX = b"Exif\0\0"
_ORIENTATION = 274
_THUMBNAIL_OFFSET = 513
_THUMBNAIL_LENGTH = 514

_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|\s*>)\s*)([1-8])(?=\s*[\"'<])")


def clean_exif(exif: bytes) -> tuple[bytes, int]:
    r"""Take the orientation and the thumbnail out of an EXIF block, and leave the rest as it is.

    The block is patched in place rather than rebuilt, because maker notes hold offsets that a
    rebuilt block would break.

    Returns:
        The block without any ``Exif\0\0`` prefix, and the orientation it had (1 to 8).

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
        block.put_value(patched, field, 1)
    if thumbnail := block.offset_at(link):
        block.put_offset(patched, link, 0)
        _erase_thumbnail(block, thumbnail, patched)
    return bytes(patched), orientation if 1 <= orientation <= 8 else 1


def _erase_thumbnail(block: TiffBlock, start: int, patched: bytearray) -> None:
    """Erase the thumbnail's pixels too: they may show what has since been cropped away."""
    fields, _ = block.directory(start)
    if _THUMBNAIL_OFFSET in fields and _THUMBNAIL_LENGTH in fields:
        (begin,), (length,) = (block.values(fields[tag]) for tag in (_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH))
        end = min(begin + length, len(patched))
        if end == len(patched):
            del patched[begin:]
        else:
            patched[begin:end] = bytes(max(end - begin, 0))


def clean_xmp(xmp: bytes) -> tuple[bytes, int | None]:
    """Set ``tiff:Orientation`` to 1; return the packet, and the orientation it had, if any."""
    found = _XMP_ORIENTATION.search(xmp)
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp), int(found[2]) if found else None


def icc_space(icc: bytes) -> str | None:
    """Return the colour space a profile is for: ``"GRAY"``, ``"RGB"``, ``"CMYK"``...; ``None`` if it is damaged."""
    if len(icc) < 128 or icc[36:40] != b"acsp":
        return None
    return icc[16:20].decode("latin-1").strip()


def icc_fits(icc: bytes, channels: int) -> bool:
    """Return whether a profile describes pixels of this many colour channels (1 grey, 3 RGB)."""
    return icc_space(icc) == ("GRAY" if channels == 1 else "RGB")
