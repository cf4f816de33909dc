"""TIFF: the directory by hand, deep pixels by libtiff, since Pillow cuts RGB to 8 bits.

Not tifffile: it does not write EXIF and GPS directories, it leaves palettes, CMYK, LAB and YCbCr to its caller, and
importing it alone takes as long as importing ``twinscale.images.picture``.
"""

import io
import math
import struct
import zlib
from typing import NamedTuple

import imagecodecs
import numpy as np

from twinscale import spill
from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Description, Header, Metadata, Options
from twinscale.codecs.directories import TiffBlock, Tree, Value, pack_tree
from twinscale.codecs.metadata import EXIF, GPS, INTEROP
from twinscale.errors import PictureError

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INK = 0, 1, 2, 5
_INTERNAL_ALPHA, _PREMULTIPLIED, _ALPHA = 0, 1, 2
_WHOLE, _FLOAT = 1, 3
# By format and bits: samples that are what a picture's can be.
_STORED = {(_WHOLE, 8): np.uint8, (_WHOLE, 16): np.uint16, (_FLOAT, 32): np.float32}
_XMP, _ICC = 700, 34675

# The tags that describe the picture, not how this one file stores its pixels.
_DESCRIPTIVE = {270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 18249, 33432, EXIF, GPS}
_DESCRIPTIVE |= set(range(40091, 40096))
# The tags that describe how the pixels are stored.
_STRUCTURAL = {*range(254, 260), 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, *range(322, 326), 338, 339, 347}
_STRUCTURAL |= {*range(529, 533)}

_MAX_CHANNELS = 16
_MAX_PAGES = 10_000
_MAX_TILE = 2**24  # pixels of a tile beyond those of the whole picture; a usual one has 2**16
# Raw, LZW, JPEG, deflate by either of its numbers, PackBits: none makes its data smaller than this many times.
_JPEG = 7
_SIMPLE, _MAX_RATIO = (1, 5, _JPEG, 8, 32946, 32773), 4096
_STRIP_BYTES = 2**20
_MAX_BYTES = 2**32 - 2**26


class _Directory(NamedTuple):
    """What the first directory of a TIFF file says."""

    width: int
    height: int
    bits: tuple[int, ...]
    compression: int
    sample_format: int
    photometric: int
    samples: int
    volume: int  # how many pictures are stacked in one
    is_planar: bool  # one channel after the other, not interleaved
    extra: tuple[int, ...] | None
    orientation: int
    pages: int
    tile: tuple[int, int]  # width and height, or 0 and 0 if it is made of strips

    @property
    def is_plain(self) -> bool:
        """Whether samples are whole bytes of grey or RGB, so that they can be taken as stored."""
        whole = self.bits[0] in (8, 16, 32, 64) and len(set(self.bits)) == 1
        premultiplied_bytes = self.bits[0] == 8 and self.extra == (_PREMULTIPLIED,)
        return self.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) and whole and not premultiplied_bytes


def _header(data: spill.Data) -> Header:
    directory = _read_directory(data)
    channels = 1 if directory.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) else 3
    has_alpha = (directory.extra or ())[:1] in ((_ALPHA,), (_PREMULTIPLIED,))
    depth, area = max(directory.bits), max(directory.width * directory.height, math.prod(directory.tile))
    decoder_bytes = area * directory.samples * -(-depth // 8)
    is_float = directory.sample_format == _FLOAT
    return Header(
        directory.width, directory.height, depth, channels + has_alpha, directory.pages, decoder_bytes, is_float
    )


def _describe(data: bytes) -> Description:
    metadata, lost = _read_metadata(data)
    return Description(metadata, _read_directory(data).orientation, lost)


def _decode(data: spill.Data) -> Decoded:
    directory = _read_directory(data)
    width, height = directory.width, directory.height
    stored = width * height * directory.samples * max(directory.bits) // 8
    if directory.compression in _SIMPLE and stored > _MAX_RATIO * len(data):
        raise PictureError(
            f"{len(data)} bytes cannot hold a TIFF of {width} x {height} pixels, so nearly all of it is missing; "
            "get a complete copy"
        )
    metadata, lost = _read_metadata(data)
    if directory.is_plain:
        pixels, notes = _decode_plain(data, directory)
        return Decoded(pixels, metadata, directory.orientation, (*notes, *lost))
    if max(directory.bits) > 8:
        raise PictureError(
            f"{max(directory.bits)}-bit TIFF of this colour model would lose depth; convert it to 16-bit RGB"
        )
    # Damage is an error here, where the libtiff in Pillow prints it, too; but not if ink is turned into RGB on the way.
    imagecodecs.tiff_decode(_structure(data, _BLACK_IS_ZERO) if directory.photometric == _INK else data)
    from PIL import Image, TiffImagePlugin

    image = TiffImagePlugin.TiffImageFile(io.BytesIO(_structure(data)), "")
    image.im = Image.new(image.mode, image.size).im  # given memory, Pillow does not apply its own limit on pixels
    pixels, icc, notes = pillow.pixels_of(image, (width, height), metadata.icc)
    return Decoded(pixels, metadata._replace(icc=icc), directory.orientation, (*notes, *lost))


def _structure(data: spill.Data, photometric: int | None = None) -> bytes:
    """Return a file with only the tags that the pixels need, and maybe another colour model in its first directory."""
    block, copy = TiffBlock(data), bytearray(data)
    fields = {tag: field for tag, field in block.directory(block.first).items() if tag in _STRUCTURAL}
    if len(block.sound(fields)) < len(fields):
        raise PictureError("a field lies beyond the end of the file; get a complete copy")
    if photometric is not None:
        block.put_value(copy, fields[262], photometric)
    block.drop(copy, block.first, fields)
    return bytes(copy)


def _read_directory(data: spill.Data) -> _Directory:
    """Read the first directory; raise ``struct.error``, ``ValueError`` or ``KeyError`` if it is damaged."""
    block = TiffBlock(data)
    fields = block.directory(block.first)

    def number(tag: int, default: int) -> int:
        return block.values(fields[tag])[0] if tag in fields else default

    directory = _Directory(
        width=block.values(fields[256])[0],
        height=block.values(fields[257])[0],
        bits=block.values(fields[258]) if 258 in fields else (1,),
        compression=number(259, 1),
        sample_format=number(339, 1),
        photometric=number(262, _BLACK_IS_ZERO),
        samples=number(277, 1),
        volume=number(32997, 1),
        is_planar=number(284, 1) == 2,
        extra=block.values(fields[338]) if 338 in fields else None,
        orientation=block.whole_number(fields.get(274)) or 1,
        pages=_count_pages(block),
        tile=(number(322, 0), number(323, 0)),
    )
    if directory.samples > _MAX_CHANNELS or directory.volume > 1:
        raise PictureError(
            f"TIFF of {directory.samples} channels and {directory.volume} layers is not supported; "
            "save it as plain grey or RGB"
        )
    if math.prod(directory.tile) > directory.width * directory.height + _MAX_TILE:
        raise PictureError(
            f"TIFF of {directory.width} x {directory.height} pixels in tiles of {directory.tile[0]} x "
            f"{directory.tile[1]} is not supported; save it again"
        )
    return directory


def _count_pages(block: TiffBlock) -> int:
    seen, start = set(), block.first
    while start and start not in seen:
        seen.add(start)
        if len(seen) > _MAX_PAGES:
            raise PictureError(f"TIFF of more than {_MAX_PAGES} pages is not supported; save the first as one file")
        start = block.offset_at(block.link_after(start))
    return len(seen)


def _read_metadata(data: spill.Data) -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata that is not damaged, and a note if some is."""
    block = TiffBlock(data)
    fields = block.directory(block.first)
    sound = block.sound({tag: field for tag, field in fields.items() if tag in (_ICC, _XMP)})
    described = _describing(block)
    metadata = Metadata(
        icc=block.raw(sound[_ICC]) if _ICC in sound else None,
        exif=b"II*\0\x08\0\0\0" + pack_tree(described, 8) if described else None,
        xmp=block.raw(sound[_XMP]) if _XMP in sound else None,
    )
    lost = (fields.keys() & {_ICC, _XMP, *_DESCRIPTIVE}) - sound.keys() - described.keys()
    return metadata, ("damaged metadata left out",) if lost else ()


def _describing(block: TiffBlock) -> Tree:
    """Return what the first directory says of the picture, without what is damaged."""
    fields = {tag: field for tag, field in block.directory(block.first).items() if tag in _DESCRIPTIVE}
    return block.tree(fields, frozenset((EXIF, GPS, INTEROP)))


def _decode_plain(data: spill.Data, header: _Directory) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return pixels ``(H, W, 1 to 4)`` of a file that ``is_plain``, of the type they are stored in; and notes.

    Raises:
        PictureError: the extra channels are of a kind that is not supported.
    """
    dtype = _STORED.get((header.sample_format, header.bits[0]))
    # The decoder adds a channel to JPEG's, so it needs an array of its own.
    if dtype and header.compression in _SIMPLE and header.compression != _JPEG and not header.is_planar:
        shape = (header.height, header.width, header.samples)
        pixels = spill.decoded(imagecodecs.tiff_decode, data, shape, dtype)
    else:
        pixels = imagecodecs.tiff_decode(data)
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
        for rows in spill.bands(pixels):
            pixels[rows, :, 0] = top - pixels[rows, :, 0]
    left_out = header.samples - kept
    return pixels[..., :kept], (f"{left_out} extra channels left out",) if left_out else ()


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> spill.Data:
    """Encode with deflate."""
    height, width, count = pixels.shape
    is_float = pixels.dtype.kind == "f"
    rows = max(1, _STRIP_BYTES // (width * count * pixels.itemsize))
    lengths: list[int] = []

    def strip(band: slice) -> bytes:
        packed = _strip(pixels[band], is_float)
        lengths.append(len(packed))
        return packed

    strips = spill.join(map(strip, spill.bands(pixels, rows)))
    if len(strips) > _MAX_BYTES:
        raise PictureError("TIFF files cannot exceed 4 GiB; write PNG or JPEG 2000")

    tree = dict(_describing(TiffBlock(metadata.exif))) if metadata.exif else {}
    tree |= {
        256: _longs(width),
        257: _longs(height),
        258: _shorts(*[8 * pixels.itemsize] * count),
        259: _shorts(8),  # deflate
        262: _shorts(_RGB if count >= 3 else _BLACK_IS_ZERO),
        277: _shorts(count),
        278: _longs(rows),
        279: _longs(*lengths),
        284: _shorts(1),  # channels interleaved
        317: _shorts(1 if is_float else 2),
        339: _shorts(*[_FLOAT if is_float else 1] * count),
    }
    if count in (2, 4):
        tree[338] = _shorts(_ALPHA)
    if metadata.xmp:
        tree[_XMP] = Value(1, metadata.xmp)
    if metadata.icc:
        tree[_ICC] = Value(7, metadata.icc)
    # The header of 8 bytes: little-endian, with the directory right after it, and then the strips.
    head = b"II*\0\x08\0\0\0"
    offsets = np.cumsum([0, *lengths[:-1]])
    start = len(head) + len(pack_tree({**tree, 273: _longs(*offsets)}, len(head)))
    directory = pack_tree({**tree, 273: _longs(*(offsets + start))}, len(head))
    return spill.join([head, directory, strips])


def _shorts(*numbers: int) -> Value:
    return Value(3, struct.pack(f"<{len(numbers)}H", *numbers))


def _longs(*numbers: int) -> Value:
    return Value(4, struct.pack(f"<{len(numbers)}I", *numbers))


def _strip(rows: np.ndarray, is_float: bool) -> bytes:
    rows = rows.astype(rows.dtype.newbyteorder("<"))
    if not is_float:
        # Differences of neighbours, modulo the sample's range, deflate far better than samples.
        rows[:, 1:] -= rows[:, :-1].copy()
    return zlib.compress(rows.tobytes())


CODEC = Codec(
    name="TIFF",
    extensions=(".tif", ".tiff"),
    rank=4,
    sniff=lambda data: data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    header=_header,
    describe=_describe,
    decode=_decode,
    encode=_encode,
    for_large=True,
    frames="pages",
    depths=(8, 16, 32),
)
