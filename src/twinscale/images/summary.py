"""What a file says about its picture, known without decoding a pixel, and so of pictures of any size."""

import os
from dataclasses import dataclass

from twinscale.codecs.decoding import describe
from twinscale.codecs.metadata import clean
from twinscale.codecs.quantisation import Quantisation
from twinscale.codecs.registry import codec_of_bytes
from twinscale.errors import OutOfMemoryError, PictureError
from twinscale.images.files import read_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What :class:`twinscale.Picture` would be, without its pixels.

    Attributes:
        format: see :class:`twinscale.Picture`, as for what follows.
        width: columns of pixels, once it stands upright.
        height: rows of pixels, once it stands upright.
        depth: bits per sample: 8, 16, or 32 for floating point.
        channels: colour channels, without alpha: 1 or 3.
        has_alpha: whether there is transparency.
        icc: the ICC profile.
        exif: the EXIF block.
        xmp: the XMP packet.
        quantisation: how a JPEG was quantised.
        notes: what would be changed on reading, as far as headers tell.
    """

    format: str
    width: int
    height: int
    depth: int
    channels: int
    has_alpha: bool
    icc: bytes | None
    exif: bytes | None
    xmp: bytes | None
    quantisation: Quantisation | None
    notes: tuple[str, ...]

    @classmethod
    def read(cls, source: str | os.PathLike[str]) -> "Summary":
        """Read what a file says.

        Raises:
            PictureError: the file is missing, or its headers are damaged or of a kind that is not supported.
            OutOfMemoryError: there is not enough memory for the file.
        """
        name, data = read_source(source)
        try:
            codec = codec_of_bytes(data)
            header, description = describe(codec, data)
        except PictureError as error:
            raise PictureError(f"{' '.join(name.splitlines())}: {error}") from error
        except MemoryError as error:
            raise OutOfMemoryError(f"{' '.join(name.splitlines())}: too large for the available memory") from error
        has_alpha = header.channels in (2, 4)
        channels = header.channels - has_alpha
        metadata, stated, notes = clean(description.metadata, channels)
        sides = header.width, header.height
        width, height = sides[::-1] if (description.orientation or stated) in (5, 6, 7, 8) else sides
        return cls(
            format=codec.name,
            width=width,
            height=height,
            depth=32 if header.is_float else 16 if header.depth > 8 else 8,
            channels=channels,
            has_alpha=has_alpha,
            icc=metadata.icc,
            exif=metadata.exif,
            xmp=metadata.xmp,
            quantisation=description.quantisation,
            notes=(*description.notes, *notes),
        )
