"""What outputs are called: it depends on the input's name and the options only, not on what else there is."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from twinscale.batch.work import Formats, Work
from twinscale.codecs.codec import Codec
from twinscale.codecs.registry import codec_named, writable_codecs
from twinscale.errors import UsageError


@dataclass(frozen=True, slots=True)
class Naming:
    """How outputs that are not named are called.

    Attributes:
        suffix: see :attr:`Work.suffix`.
        placeholders: see :attr:`Work.placeholders`.
        formats: see :attr:`Work.formats`.
        format: format of the outputs; by default that of each input, if it suits the work.
        template: name with placeholders in braces, instead of the usual one.
    """

    suffix: str
    placeholders: Mapping[str, str]
    formats: Formats
    format: str | None = None
    template: str | None = None

    @classmethod
    def of(cls, work: Work, format: str | None, template: str | None) -> "Naming":
        """Return how results of a work are called.

        Raises:
            UsageError: the template has an unknown placeholder, or an unmatched brace.
            ModelError: see :attr:`Work.suffix`.
        """
        naming = cls(work.suffix, work.placeholders, work.formats, format, template)
        if template is not None:
            naming._check(template)
        return naming

    def name(self, source: Path) -> str:
        """Return the name of an input's output: ``photo_x2.jpg`` of ``photo.jpg``.

        If the extension changes, the input's own stays as the last word, so that no two inputs have the same output:
        ``photo_shrunk_jpg.png``.
        """
        extension = self._extension(source)
        if self.template is not None:
            return self.template.format_map(self._values(source, extension))
        last_word = "" if extension == source.suffix else f"_{source.suffix.removeprefix('.')}"
        return f"{source.stem}{self.suffix}{last_word}{extension}"

    def _extension(self, source: Path) -> str:
        """Return the extension of an output: the input's own, if it suits what is asked for and the work."""
        own = source.suffix.lower()
        if self.format is not None:
            extensions = codec_named(self.format).extensions
            return source.suffix if own in extensions else extensions[0]
        suitable = suitable_codecs(self.formats)
        is_suitable = any(own in codec.extensions for codec in suitable)
        return source.suffix if is_suitable else suitable[0].extensions[0]

    def _values(self, source: Path, extension: str) -> dict[str, str]:
        """Return what a template's placeholders stand for."""
        return {
            "stem": source.stem,
            "ext": extension.removeprefix("."),
            "suffix": self.suffix,
            "parent": source.absolute().parent.name,
            **self.placeholders,
        }

    def _check(self, template: str) -> None:
        known = self._values(Path("photo.png"), ".png")
        try:
            fields = [(name, form) for _, name, form, _ in string.Formatter().parse(template) if name is not None]
            unknown = next((name for name, _ in fields if name not in known), None)
            if any("{" in form for _, form in fields if form):
                raise ValueError("a placeholder cannot be inside another")
            if unknown is None:
                template.format_map(known)
        except ValueError as error:
            raise UsageError(f"output template {template!r}: {error}; write {{{{ for a brace itself") from None
        if unknown is not None:
            names = ", ".join(f"{{{name}}}" for name in known)
            raise UsageError(f"output template {template!r}: unknown placeholder {{{unknown}}}; known are {names}")


def suitable_codecs(formats: Formats) -> list[Codec]:
    """List the formats that a result may have unless another is asked for, the one to fall back on first.

    GIF has too few colours, BMP no metadata, and others no room for the tag of a small picture.

    Args:
        formats: see :attr:`Work.formats`.
    """
    fit = [codec for codec in writable_codecs() if codec.max_colours is None and codec.keeps]
    if formats == "lossless":
        return [codec for codec in fit if codec.is_lossless and codec.keeps_xmp]
    if formats == "lossy":
        return [codec for codec in fit if codec.quality is not None and codec.keeps_xmp]
    return fit
