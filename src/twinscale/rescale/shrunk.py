"""A shrunk picture with the tag that is needed to bring it back, however the two are stored."""

import os
from dataclasses import dataclass, replace
from typing import BinaryIO

from twinscale.engine import Runtime
from twinscale.errors import ModelError, UsageError
from twinscale.images.picture import Picture
from twinscale.rescale.model import Model, ProgressCallback, as_model, as_picture
from twinscale.rescale.tag import Tag
from twinscale.rescale.xmp import add_tag, read_tag, remove_tag
from twinscale.zoo import model_names


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """A shrunk picture and its tag."""

    picture: Picture
    """As the reducing network left it, without the tag."""
    tag: Tag

    @classmethod
    def find(cls, picture: Picture) -> "Shrunk | None":
        """Take the tag out of a picture's XMP packet; None if it carries none."""
        tag = read_tag(picture.xmp)
        return cls(replace(picture, xmp=remove_tag(picture.xmp)), tag) if tag else None

    @classmethod
    def open(cls, picture: Picture | str | os.PathLike[str] | bytes | BinaryIO) -> "Shrunk":
        """Read a shrunk picture.

        Raises:
            UsageError: the picture carries no tag.
            PictureError: the file cannot be read as a picture.
        """
        shrunk = cls.find(as_picture(picture))
        if shrunk is None:
            raise UsageError(
                "the picture carries no tag that says how it was shrunk (it was not shrunk by twinscale, or another "
                "program dropped its XMP): name the model that shrank it, or choose the fallback upscale or bicubic"
            )
        return shrunk

    def tagged(self) -> Picture:
        """Return the picture with the tag in its XMP packet, as :func:`twinscale.shrink` does."""
        return replace(self.picture, xmp=add_tag(self.picture.xmp, self.tag))

    def pair(self, runtime: Runtime | None = None) -> Model:
        """Load the pair that the tag names.

        Raises:
            ModelError: it is not among the shipped models, or has other weights than the one that shrank.
        """
        name = self.tag.model
        if name not in model_names():  # a tag is foreign data: it may name models, never folders
            raise ModelError(
                f"the picture was shrunk by {name!r}, which is not among the shipped models: name its folder"
            )
        pair = as_model(name, runtime=runtime)
        if pair.card.digest != self.tag.digest:
            raise ModelError(
                f"the picture was shrunk with other weights of {name} than the installed ones: restore it with the "
                "version of twinscale that shrank it, or name the model to use these weights anyway"
            )
        return pair

    def restore(self, pair: Model, *, tile: int | None = None, progress: ProgressCallback | None = None) -> Picture:
        """Restore the picture at exactly its original size.

        Args:
            pair: what :meth:`pair` returns, or another pair of the same scale.
            tile: see :func:`twinscale.engine.run`.
            progress: see :func:`twinscale.engine.run`.

        Raises:
            UsageError: the picture was cropped or resized since it was shrunk, or the pair has another scale.
        """
        self.check(pair)
        restored = pair.enlarge(self.picture, tile=tile, progress=progress)
        rows, columns = slice(self.tag.height), slice(self.tag.width)
        alpha = None if restored.alpha is None else restored.alpha[rows, columns]
        return replace(restored, pixels=restored.pixels[rows, columns], alpha=alpha)

    def check(self, pair: Model) -> None:
        """Check that a pair can restore the picture; see :meth:`restore` for what is raised if not."""
        tag, (height, width) = self.tag, self.tag.small_size
        if tag.scale != pair.card.scale:
            raise UsageError(
                f"the picture was shrunk {tag.scale} times, but {pair.card.name} enlarges {pair.card.scale} times: "
                f"name a pair of scale {tag.scale}, or leave the model out"
            )
        if self.picture.size != (height, width):
            raise UsageError(
                f"the picture is {self.picture.width}x{self.picture.height} but was shrunk to {width}x{height} at "
                f"x{tag.scale}: it has been cropped or resized since, so enlarge it with upscale instead"
            )
