"""A small picture with the tag that is needed to bring it back, however the two are stored."""

from dataclasses import dataclass, replace

from twinscale.engine import Runtime
from twinscale.errors import ModelError, UsageError
from twinscale.images.picture import Picture, PictureLike
from twinscale.rescale.model import Model, ProgressCallback, as_model
from twinscale.rescale.tag import Tag, digest_of
from twinscale.rescale.upscale import resized
from twinscale.rescale.xmp import add_tag, read_tag, remove_tag
from twinscale.zoo import find_card, model_names
from twinscale.zoo.catalogue import OWN_MODELS


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """A small picture and its tag."""

    picture: Picture
    """Without the tag: as the reducing network left it, or as the file gives it that it was packed into."""
    tag: Tag

    @classmethod
    def find(cls, picture: Picture) -> "Shrunk | None":
        """Take the tag out of a picture's XMP packet; None if it carries none."""
        tag = read_tag(picture.xmp)
        return cls(replace(picture, xmp=remove_tag(picture.xmp)), tag) if tag else None

    @classmethod
    def open(cls, picture: PictureLike) -> "Shrunk":
        """Read a small picture.

        Raises:
            UsageError: the picture carries no tag, or this is no picture.
            PictureError: the file cannot be read as a picture.
        """
        shrunk = cls.find(Picture.of(picture))
        if shrunk is None:
            raise no_tag()
        return shrunk

    def tagged(self, *, compact: bool = False) -> Picture:
        """Return the picture with the tag in its XMP packet, as :func:`twinscale.shrink` does.

        Args:
            compact: see :func:`twinscale.rescale.xmp.add_tag`.
        """
        return replace(self.picture, xmp=add_tag(self.picture.xmp, self.tag, compact=compact))

    @property
    def is_saved_again(self) -> bool:
        """Whether the pixels are others than those that were packed; False if that is not known."""
        return self.tag.pixels is not None and self.tag.pixels != digest_of(self.picture)

    def restorer(self, runtime: Runtime | None = None) -> Model:
        """Load the model that the tag names, a shipped one or one's own from the folders in ``TWINSCALE_MODELS``.

        Raises:
            ModelError: it is not among them, or has other weights than the one for which the picture was made.
        """
        name = self.tag.model
        card = find_card(name, self.tag.digest)  # a tag is foreign data: it may name models, never folders
        if card is not None:
            return as_model(card, runtime=runtime)
        if name in model_names():
            raise ModelError(
                f"the picture was shrunk with other weights of {name} than the installed ones: restore it with the "
                f"version of twinscale that shrank it, name the folder of that model (-m, or in {OWN_MODELS}), or name "
                f"the model {name} to use the installed weights anyway"
            )
        raise ModelError(
            f"the picture was shrunk by {name!r}, which is not among the shipped models: name its folder (-m), or a "
            f"folder that holds it in {OWN_MODELS}"
        )

    def restore(self, model: Model, *, tile: int | None = None, progress: ProgressCallback | None = None) -> Picture:
        """Restore the picture at exactly its original size.

        Args:
            model: what :meth:`restorer` returns, or the same with other weights, which the result's notes then mention.
            tile: see :func:`twinscale.engine.run`.
            progress: see :func:`twinscale.engine.run`.

        Raises:
            UsageError: the picture was cropped or resized since it was made, its pixels are others and the model cannot
                stand that, or another model restores it.
        """
        self.check(model)
        restored = model.enlarge(self.picture, quality=self.tag.quality, tile=tile, progress=progress)
        if (restored.height, restored.width) != self.tag.covered_size:
            restored = resized(restored, self.tag.covered_size)
        rows, columns = slice(self.tag.height), slice(self.tag.width)
        alpha = None if restored.alpha is None else restored.alpha[rows, columns]
        notes = restored.notes
        if self.is_saved_again:
            notes = (*notes, "another program saved the file again since it was packed: restored as well as it allows")
        if not model.card.digest.startswith(self.tag.digest):
            notes = (*notes, f"restored with other weights of {model.card.name} than those that shrank it")
        return replace(restored, pixels=restored.pixels[rows, columns], alpha=alpha, notes=notes)

    def check(self, model: Model) -> None:
        """Check that a model can restore the picture; see :meth:`restore` for what is raised if not."""
        tag, card, (height, width) = self.tag, model.card, self.tag.small_size
        if tag.scale > card.scale or (card.kind == "pair" and tag.scale != card.scale):
            raise UsageError(
                f"the picture was shrunk {tag.scale} times, but {card.name} enlarges {card.scale} times: leave the "
                "model out, or name the one that restores it"
            )
        if tag.model != card.name:
            raise UsageError(
                f"the picture was shrunk by {tag.model!r}, which {card.name} does not understand: leave the model out, "
                "name the model that restores it, or enlarge the picture with upscale"
            )
        if (self.picture.height, self.picture.width) != (height, width):
            raise UsageError(
                f"the picture is {self.picture.width}x{self.picture.height} but was shrunk to {width}x{height} at "
                f"x{tag.scale}: it has been cropped or resized since, so enlarge it with upscale instead"
            )
        if card.kind == "pair" and card.channel == "8-bit" and self.is_saved_again:
            raise UsageError(
                f"another program changed the pixels since they were packed, and {card.name} restores only its own: "
                "enlarge the picture with upscale instead"
            )


def no_tag() -> UsageError:
    """Return the error about a picture that carries no tag."""
    return UsageError(
        "the picture carries no tag that says how it was shrunk (no pair shrank it, its format alone was best, or "
        "another program dropped its XMP): name the model that shrank it (-m), or choose the fallback (--fallback) "
        "upscale, bicubic or keep"
    )
