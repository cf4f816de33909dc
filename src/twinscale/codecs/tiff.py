"""TIFF: the directory by hand, deep pixels by libtiff, since Pillow cuts RGB to 8 bits.

Not tifffile: it does not write EXIF and GPS directories, it leaves palettes, CMYK, LAB and YCbCr to its caller, and
importing it alone takes as long as importing ``twinscale.images.picture``.
"""

import io
import zlib
from typing import TYPE_CHECKING, NamedTuple

import imagecodecs
import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Header, Metadata
from twinscale.codecs.directories import TiffBlock
from twinscale.errors import PictureError

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_INTERNAL_ALPHA, _PREMULTIPLIED, _ALPHA = 0, 1, 2
_FLOAT = 3
_XMP, _ICC, _EXIF, _GPS, _INTEROP = 700, 34675, 34665, 34853, 40965

# The tags that describe the picture, not how this one file stores its pixels.
_DESCRIPTIVE = {270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 18249, 33432, _EXIF, _GPS}
_DESCRIPTIVE |= set(range(40091, 40096))

_STRIP_BYTES = 2**20
_MAX_BYTES = 2**32 - 2**26


class _Directory(NamedTuple):
    """What the first directory of a TIFF file says."""

    width: int
    height: int
    bits: tuple[int, ...]
    sample_format: int
    photometric: int
    samples: int
    is_planar: bool  # one channel after the other, not interleaved
    extra: tuple[int, ...] | None
    orientation: int
    pages: int

    @property
    def is_plain(self) -> bool:
        """Whether samples are whole bytes of grey or RGB, so that they can be taken as stored."""
        whole = self.bits[0] in (8, 16, 32, 64) and len(set(self.bits)) == 1
        premultiplied_bytes = self.bits[0] == 8 and self.extra == (_PREMULTIPLIED,)
        return self.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) and whole and not premultiplied_bytes


def _header(data: bytes) -> Header:
    directory = _read_directory(data)
    channels = 1 if directory.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) else 3
    has_alpha = (directory.extra or ())[:1] in ((_ALPHA,), (_PREMULTIPLIED,))
    return Header(directory.width, directory.height, max(directory.bits), channels + has_alpha, directory.pages)


def _decode(data: bytes) -> Decoded:
    directory, metadata = _read_directory(data), _read_metadata(data)
    if directory.is_plain:
        pixels, notes = _decode_plain(data, directory)
        return Decoded(pixels, metadata, directory.orientation, notes)
    if max(directory.bits) > 8:
        raise PictureError(
            f"{max(directory.bits)}-bit TIFF of this colour model would lose depth; convert it to 16-bit RGB"
        )
    from PIL import TiffImagePlugin

    image = TiffImagePlugin.TiffImageFile(io.BytesIO(data), "")
    pixels, icc, notes = pillow.pixels_of(image, (directory.width, directory.height), metadata.icc)
    orientation = 1  # applied by Pillow
    return Decoded(pixels, metadata._replace(icc=icc), orientation, notes)


def _read_directory(data: bytes) -> _Directory:
    """Read the first directory; raise ``struct.error``, ``ValueError`` or ``KeyError`` if it is damaged."""
    block = TiffBlock(data)
    fields, link = block.directory(block.first)

    def number(tag: int, default: int) -> int:
        return block.values(fields[tag])[0] if tag in fields else default

    pages = 1
    seen = {block.first}
    while (following := block.offset_at(link)) and following not in seen:
        seen.add(following)
        _, link = block.directory(following)
        pages += 1
    return _Directory(
        width=block.values(fields[256])[0],
        height=block.values(fields[257])[0],
        bits=block.values(fields[258]) if 258 in fields else (1,),
        sample_format=number(339, 1),
        photometric=number(262, _BLACK_IS_ZERO),
        samples=number(277, 1),
        is_planar=number(284, 1) == 2,
        extra=block.values(fields[338]) if 338 in fields else None,
        orientation=number(274, 1),
        pages=pages,
    )


def _read_metadata(data: bytes) -> Metadata:
    block = TiffBlock(data)
    fields, _ = block.directory(block.first)
    return Metadata(
        icc=block.raw(fields[_ICC]) if _ICC in fields else None,
        exif=None if block.is_big or not _DESCRIPTIVE & fields.keys() else _extract_exif(data),
        xmp=block.raw(fields[_XMP]) if _XMP in fields else None,
    )


def _extract_exif(data: bytes) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif.load(data)
    for tag in set(exif) - _DESCRIPTIVE:
        del exif[tag]
    return exif.tobytes().removeprefix(b"Exif\0\0")


def _decode_plain(data: bytes, header: _Directory) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return pixels ``(H, W, 1 to 4)`` of a file that ``is_plain``, of the type they are stored in; and notes.

    Raises:
        PictureError: the extra channels are of a kind that is not supported.
    """
    pixels: np.ndarray = imagecodecs.tiff_decode(data)
    if pixels.size != header.height * header.width * header.samples:
        raise PictureError(f"TIFF of shape {pixels.shape} is not supported; save it as plain grey or RGB")
    if header.samples > 1 and header.is_planar:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.reshape(header.height, header.width, header.samples)
    colours = 3 if header.photometric == _RGB else 1
    extra = (_ALPHA,) * (header.samples - colours) if header.extra is None else header.extra
    if header.samples < colours:
        raise PictureError(f"RGB TIFF with {header.samples} channels; the file is damaged")
    if extra[:1] == (_PREMULTIPLIED,):
        raise PictureError("premultiplied alpha of more than 8 bits is not supported; save it with plain alpha")
    kept = colours + (extra[:1] == (_ALPHA,))
    if header.photometric == _WHITE_IS_ZERO:
        top = 1 if header.sample_format == _FLOAT else 2 ** header.bits[0] - 1
        pixels[..., 0] = top - pixels[..., 0]
    left_out = header.samples - kept
    return pixels[..., :kept], (f"{left_out} extra channels left out",) if left_out else ()


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int) -> bytes:
    """Encode with deflate."""
    from PIL import TiffImagePlugin, TiffTags

    height, width, count = pixels.shape
    is_float = pixels.dtype.kind == "f"
    rows = max(1, _STRIP_BYTES // (width * count * pixels.itemsize))
    strips = [_strip(pixels[top : top + rows], is_float) for top in range(0, height, rows)]
    lengths = [len(strip) for strip in strips]

    directory = TiffImagePlugin.ImageFileDirectory_v2()
    if metadata.exif:
        _insert_exif(metadata.exif, directory)
    directory[256], directory[257] = width, height
    directory[258] = (8 * pixels.itemsize,) * count
    directory[259] = 8  # deflate
    directory[262] = _RGB if count >= 3 else _BLACK_IS_ZERO
    # Offsets count from the end of the directory: writing it shifts them.
    directory.tagtype[273] = TiffTags.LONG
    directory[273] = tuple(int(offset) for offset in np.cumsum([0, *lengths[:-1]]))
    directory[277] = count
    directory[278] = rows
    directory.tagtype[279] = TiffTags.LONG
    directory[279] = tuple(lengths)
    directory[284] = 1  # channels interleaved
    directory[317] = 1 if is_float else 2
    if count in (2, 4):
        directory[338] = (_ALPHA,)
    directory[339] = (_FLOAT if is_float else 1,) * count
    if metadata.xmp:
        directory.tagtype[_XMP] = TiffTags.BYTE
        directory[_XMP] = metadata.xmp
    if metadata.icc:
        directory.tagtype[_ICC] = TiffTags.UNDEFINED
        directory[_ICC] = metadata.icc
    # The header of 8 bytes: little-endian, with the directory right after it.
    head = b"II*\0\x08\0\0\0"
    data = b"".join([head, directory.tobytes(len(head)), *strips])
    if len(data) > _MAX_BYTES:
        raise PictureError("TIFF files cannot exceed 4 GiB; write PNG or JPEG 2000")
    return data


def _strip(rows: np.ndarray, is_float: bool) -> bytes:
    rows = rows.astype(rows.dtype.newbyteorder("<"))
    if not is_float:
        # Differences of neighbours, modulo the sample's range, deflate far better than samples.
        rows[:, 1:] -= rows[:, :-1].copy()
    return zlib.compress(rows.tobytes())


def _insert_exif(block: bytes, directory: "ImageFileDirectory_v2") -> None:
    from PIL import Image

    exif = Image.Exif()
    exif.load(block)
    for tag in _DESCRIPTIVE & set(exif):
        if tag == _EXIF:
            details = dict(exif.get_ifd(_EXIF))
            if _INTEROP in details:
                details[_INTEROP] = exif.get_ifd(_INTEROP)
            directory[tag] = details
        else:
            directory[tag] = exif.get_ifd(tag) if tag == _GPS else exif[tag]


CODEC = Codec(
    name="TIFF",
    extensions=(".tif", ".tiff"),
    rank=4,
    sniff=lambda data: data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    header=_header,
    decode=_decode,
    encode=_encode,
    frames="pages",
    depths=(8, 16, 32),
)
