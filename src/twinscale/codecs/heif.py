"""HEIF with HEVC inside, as phones write it (.heic): read through pillow-heif (the extra ``heif``), not written."""

from typing import TYPE_CHECKING

import numpy as np

from twinscale.codecs.boxes import brands
from twinscale.codecs.codec import Codec, Decoded, Description, Header, Metadata
from twinscale.codecs.depth import fill_scale
from twinscale.errors import PictureError, install

if TYPE_CHECKING:
    from pillow_heif import HeifFile

_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def _sniff(data: bytes) -> bool:
    claimed = brands(data)
    return bool(claimed & _BRANDS) and not claimed & {b"avif", b"avis"}


def _open(data: bytes) -> "HeifFile":
    """Open the file without decoding its primary picture."""
    try:
        import pillow_heif
    except ImportError:
        raise PictureError(f"HEIF files need pillow-heif; {install('heif')}") from None
    return pillow_heif.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)


def _header(data: bytes) -> Header:
    file = _open(data)
    mode = file.mode.split(";")[0]
    width, height = file.size
    return Header(width, height, file.info["bit_depth"], len(mode), len(file))


def _decode(data: bytes) -> Decoded:
    file = _open(data)
    if file.premultiplied_alpha:
        raise PictureError("HEIF with premultiplied alpha is not supported; save it as PNG")
    return Decoded(fill_scale(np.asarray(file), file.info["bit_depth"]), *_described(file))


def _described(file: "HeifFile") -> Description:
    metadata = Metadata(file.info.get("icc_profile"), file.info.get("exif"), file.info.get("xmp"))
    # HEIF rotates pictures by properties of its own, which libheif applies; EXIF only repeats them.
    return Description(metadata, orientation=1)


CODEC = Codec(
    name="HEIF",
    extensions=(".heic", ".heif"),
    rank=11,
    sniff=_sniff,
    header=_header,
    describe=lambda data: _described(_open(data)),
    decode=_decode,
    frames="pictures",
)
