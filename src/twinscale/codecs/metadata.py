"""ICC profiles, EXIF and XMP: what is kept of them, and how orientation is taken out of them."""

import re
import struct
from xml.parsers import expat

from twinscale.codecs.codec import Metadata
from twinscale.codecs.directories import TiffBlock

_EXIF_PREFIX = b"Exif\0\0"
_ORIENTATION = 274
_WHOLE = (3, 4)  # types of 16 and 32 bits without a sign
_THUMBNAIL_OFFSET = 513
_THUMBNAIL_LENGTH = 514
EXIF, GPS, INTEROP = 34665, 34853, 40965
"""The tags in EXIF that point to directories of their own."""

_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|\s*>)\s*)([1-8])(?=\s*[\"'<])")
# Real packets are far smaller; what parses XML takes a time that grows with the square of the longest attribute.
_MAX_XMP = 2 * 2**20
_MAX_XMP_DEPTH = 100
_MAX_ICC_TAGS = 100  # as many as Little CMS reads, with which most programs convert colours


def clean(metadata: Metadata, channels: int) -> tuple[Metadata, int | None, tuple[str, ...]]:
    """Leave out what is damaged or does not fit the pixels, and take the orientation out.

    What is left can be written in every format that has a place for it, and read again.

    Args:
        metadata: as found in a file.
        channels: colour channels of the pixels, 1 or 3.

    Returns:
        What is left, the orientation it stated (1 to 8, or ``None``), and notes on what was left out.
    """
    icc, exif, xmp = metadata
    notes = []
    exif_orientation, xmp_orientation = None, None
    if icc:
        icc = _whole_profile(icc)
        if icc is None:
            notes.append("damaged ICC profile left out")
        elif icc_space(icc) != ("GRAY" if channels == 1 else "RGB"):
            icc = None
            notes.append("ICC profile left out: it is not for these colour channels")
    if exif:
        try:
            exif, exif_orientation, is_whole = _clean_exif(exif)
        except (ValueError, struct.error):
            exif, is_whole = None, False
        if not is_whole:
            notes.append("damaged parts of EXIF left out" if exif else "damaged EXIF left out")
    if xmp:
        reason = _xmp_damage(xmp)
        if reason:
            xmp = None
            notes.append(f"XMP left out: {reason}")
        else:
            xmp, xmp_orientation = _clean_xmp(xmp)
    return Metadata(icc or None, exif or None, xmp or None), exif_orientation or xmp_orientation, tuple(notes)


def _clean_exif(exif: bytes) -> tuple[bytes, int | None, bool]:
    r"""Take the orientation, the thumbnail and what is damaged out of an EXIF block, and leave the rest as it is.

    The block is patched in place rather than rebuilt, because maker notes hold offsets that a
    rebuilt block would break.

    Returns:
        The block without any ``Exif\0\0`` prefix; the orientation it had (1 to 8, or ``None``); and
        whether nothing was damaged.

    Raises:
        ValueError, struct.error: if not even its first directory can be read.
    """
    while exif.startswith(_EXIF_PREFIX):
        exif = exif[len(_EXIF_PREFIX) :]
    block = TiffBlock(exif)
    if block.is_big:
        raise ValueError("EXIF has offsets of 4 bytes")
    patched = bytearray(exif)
    field = block.directory(block.first).get(_ORIENTATION)
    orientation = block.whole_number(field) if field and field.number == 1 and field.kind in _WHOLE else None
    if field and orientation is not None:
        block.put_value(patched, field, 1)
    _erase_thumbnail(block, patched)
    block = TiffBlock(bytes(patched))
    is_whole = _drop_damaged(block, patched, block.first, frozenset((EXIF, GPS, INTEROP)))
    block = TiffBlock(bytes(patched))
    fields = block.directory(block.first)
    if len(block.sound(fields)) < len(fields):
        raise ValueError("its directories lie one over the other")
    return bytes(patched), orientation if orientation in range(1, 9) else None, is_whole


def _erase_thumbnail(block: TiffBlock, patched: bytearray) -> None:
    """Erase the thumbnail's pixels too: they may show what has since been cropped away."""
    link = block.link_after(block.first)
    start = block.offset_at(link)
    block.put_offset(patched, link, 0)
    try:
        fields = block.directory(start) if start else {}
    except struct.error:
        return
    begin, length = (block.whole_number(fields.get(tag)) for tag in (_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH))
    if begin is None or length is None or begin < link + 4 or length < 0:
        return
    end = min(begin + length, len(patched))
    if end == len(patched):
        del patched[begin:]
    else:
        patched[begin:end] = bytes(max(end - begin, 0))


def _drop_damaged(block: TiffBlock, patched: bytearray, start: int, pointers: frozenset[int]) -> bool:
    """Drop the damaged fields of a directory and of those that it points to; return whether there were none."""
    fields = block.directory(start)
    kept = block.sound(fields)
    is_whole = True
    stated = kept.get(_ORIENTATION)
    if stated and (stated.kind not in _WHOLE or stated.number != 1 or block.whole_number(stated) != 1):
        del kept[_ORIENTATION]  # it has not become 1 before, so it was no number
    for tag in pointers & kept.keys():
        target = block.whole_number(kept[tag])
        try:
            if target is None:
                raise ValueError("not an offset")
            is_whole &= _drop_damaged(block, patched, target, pointers - {tag})
        except (ValueError, struct.error):
            del kept[tag]
    if len(kept) < block.entries(start):  # a tag may be there twice, and readers differ in which one they take
        block.drop(patched, start, kept)
        is_whole = False
    return is_whole


def without_orientation(exif: bytes) -> bytes:
    """Return an EXIF block that is clean without its orientation, which is 1 and so says nothing."""
    block, patched = TiffBlock(exif), bytearray(exif)
    fields = block.directory(block.first)
    if fields.pop(_ORIENTATION, None):
        block.drop(patched, block.first, fields)
    return bytes(patched)


def _clean_xmp(xmp: bytes) -> tuple[bytes, int | None]:
    """Set ``tiff:Orientation`` to 1; return the packet, and the orientation it had, if any."""
    found = _XMP_ORIENTATION.search(xmp)
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp), int(found[2]) if found else None


def _xmp_damage(xmp: bytes) -> str | None:
    """Return why a packet cannot be kept, or None."""
    if len(xmp) > _MAX_XMP:
        return f"it has more than {_MAX_XMP} bytes"
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_XMP_DEPTH:
            raise ValueError(f"its elements are nested more than {_MAX_XMP_DEPTH} deep")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise ValueError("it has a document type")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, refuse
    try:
        parser.Parse(xmp.strip(b"\0 \t\r\n"), True)
    except expat.ExpatError:
        return "it is damaged"
    except ValueError as error:
        return str(error)
    return None


def _whole_profile(icc: bytes) -> bytes | None:
    """Return a profile without what follows it, or None if it is damaged (ICC.1:2022, 7.2 and 7.3)."""
    size = int.from_bytes(icc[:4], "big")
    if icc_space(icc) is None or not 132 <= size <= len(icc):
        return None
    tags = int.from_bytes(icc[128:132], "big")
    if tags > _MAX_ICC_TAGS or 132 + 12 * tags > size:
        return None
    for entry in range(132, 132 + 12 * tags, 12):
        start, length = struct.unpack_from(">II", icc, entry + 4)
        if start + length > size:
            return None
    return icc[:size]


def icc_space(icc: bytes) -> str | None:
    """Return the colour space a profile is for: ``"GRAY"``, ``"RGB"``, ``"CMYK"``...; ``None`` if it is damaged."""
    if len(icc) < 128 or icc[36:40] != b"acsp":
        return None
    return icc[16:20].decode("latin-1").strip()
