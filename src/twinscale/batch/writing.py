"""How results are written: format, quality, and what is changed on the way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from twinscale.codecs.registry import codec_named
from twinscale.images.picture import Picture

if TYPE_CHECKING:
    from twinscale.codecs.codec import Codec

Existing = Literal["refuse", "replace", "skip"]


@dataclass(frozen=True, slots=True)
class Writing:
    """How results are written.

    Attributes:
        format: such as ``"PNG"``; by default what the output's extension says, or else the input's format.
        quality: 1 to 100, for lossy formats.
        existing: what to do if the output already exists: refuse the job; replace the file; or bring it up to date,
            which skips the job if its folder's journal says that the same was made of the same picture, replaces a
            result that is outdated, and refuses to touch any other file.
        depth: bits per sample, 8 or 16; by default those of the input.
        background: what to put transparent pictures on, ``"white"`` or ``"#rrggbb"``; by default they stay transparent.
        strip: whether to leave out EXIF and XMP. A shrunk picture keeps its tag.
    """

    format: str | None = None
    quality: int | None = None
    existing: Existing = "refuse"
    depth: Literal[8, 16] | None = None
    background: str | None = None
    strip: bool = False

    def check(self) -> None:
        """Find what is wrong whatever the picture.

        Raises:
            UsageError: there is no such format or colour, or the format takes no such quality.
        """
        if self.format is not None:
            self.check_quality(codec_named(self.format))
        if self.background is not None:
            Picture(np.zeros((1, 1, 1), np.uint8)).on_background(self.background)

    def check_quality(self, codec: "Codec") -> None:
        """Check that a format can be written with the quality.

        Raises:
            UsageError: it cannot.
        """
        from twinscale.codecs.encoding import check

        check(codec, size=(1, 1), channels=3, depth=min(codec.depths), transparent=False, quality=self.quality)

    def check_fits(self, codec: "Codec", picture: Picture, size: tuple[int, int]) -> None:
        """Check that a format can hold the result that a picture will have.

        Args:
            codec: the format.
            picture: what the work starts from.
            size: ``(height, width)`` of the result.

        Raises:
            UsageError: the quality is not one of the format's.
            PictureError: the format cannot hold the depth, the transparency or the size.
        """
        from twinscale.codecs.encoding import check

        transparent = self.background is None and not picture.is_opaque
        depth = self.depth or picture.depth
        check(codec, size=size, channels=picture.channels, depth=depth, transparent=transparent, quality=self.quality)

    def applied_to(self, picture: Picture) -> Picture:
        """Return the picture with the depth, the background and the metadata that are asked for."""
        if self.depth is not None:
            picture = picture.with_depth(self.depth)
        if self.background is not None:
            picture = picture.on_background(self.background)
        return picture.without_metadata() if self.strip else picture
