"""XMP as a carrier of the tag: most formats and programs keep it, so the small file stays an ordinary picture."""

import codecs
import re
from dataclasses import asdict
from fractions import Fraction
from xml.etree import ElementTree
from xml.parsers import expat

from twinscale.rescale.tag import DIGITS, Tag
from twinscale.zoo.card import BARE_NAME

NAMESPACE = "urn:twinscale:shrunk:1:"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_HEAD, _TAIL = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'
# How a packet in UTF-16 begins: with a byte order mark, or with a wide "<".
_WIDE = {
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
_ALL_DIGITS = 64  # of a SHA-256
_DEEPEST = 100  # elements in one another; packets have about ten, and what writes them again has a limit
_END = re.compile(rb"</[\w.-]+:RDF\s*>")
_SCALE = re.compile(r"\d{1,4}(/\d{1,4})?")


def add_tag(xmp: bytes | None, tag: Tag, *, compact: bool = False) -> bytes:
    """Put a tag into an XMP packet, replacing one that is already there.

    Without a packet, or if it cannot be read, a new one is made.

    Args:
        xmp: the packet, or None.
        tag: what to put in.
        compact: whether a new packet has only what must be there. What ISO 16684-1 calls optional, the wrapper and the
            element around ``rdf:RDF``, is then left out, which saves 120 bytes.
    """
    values = {name: value for name, value in asdict(tag).items() if value is not None}
    # Of what a model's name may hold, only "&" means something in XML. Not by xml.sax.saxutils, which imports all that
    # Python has for the internet: a tenth of the time of a small picture.
    attributes = "".join(f' t:{name}="{str(value).replace("&", "&amp;")}"' for name, value in values.items())
    xmp = remove_tag(xmp)
    body = _body(xmp) if xmp is not None and _parse(xmp) is not None else b""
    end = _END.search(body)
    if end is None and compact:
        return _rdf(f'<rdf:Description rdf:about="" xmlns:t="{NAMESPACE}"{attributes}/>').encode()
    element = f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about="" xmlns:t="{NAMESPACE}"{attributes}/>'
    if end is None:
        return f'{_HEAD}<x:xmpmeta xmlns:x="adobe:ns:meta/">{_rdf(element)}</x:xmpmeta>{_TAIL}'.encode()
    return body[: end.start()] + element.encode() + body[end.start() :]


def _rdf(element: str) -> str:
    return f'<rdf:RDF xmlns:rdf="{_RDF}">{element}</rdf:RDF>'


def read_tag(xmp: bytes | None) -> Tag | None:
    """Return the tag of an XMP packet, or None if it is missing, incomplete or damaged.

    Attributes and elements are both understood, since programs that rewrite XMP choose freely.
    """
    root = _parse(xmp)
    if root is None:
        return None
    values: dict[str, str] = {}
    for element in root.iter():
        values |= {key: value for key, value in element.attrib.items() if key.startswith(f"{{{NAMESPACE}}}")}
        if element.tag.startswith(f"{{{NAMESPACE}}}") and element.text:
            values[element.tag] = element.text
    texts = {name.removeprefix(f"{{{NAMESPACE}}}"): value for name, value in values.items()}
    try:
        sides = int(texts["width"]), int(texts["height"])
        quality = int(texts["quality"]) if "quality" in texts else None
        tag = Tag(texts["model"], texts["digest"], _scale(texts["scale"]), *sides, quality, texts.get("pixels"))
    except (KeyError, ValueError, ZeroDivisionError):
        return None
    is_sound = BARE_NAME.allows(tag.model) and DIGITS <= len(tag.digest) <= _ALL_DIGITS
    is_sound &= tag.scale >= 1 and min(tag.width, tag.height) >= 1
    is_sound &= tag.quality is None or 1 <= tag.quality <= 100
    return tag if is_sound else None


def _scale(text: str) -> Fraction:
    """Read a whole number, or one of two as in ``3/2``; other texts that Fraction takes may be numbers without end."""
    if not _SCALE.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no scale")
    return Fraction(text.strip())


def remove_tag(xmp: bytes | None) -> bytes | None:
    """Return the XMP packet without a tag, or None if it held nothing else."""
    root = _parse(xmp)
    if xmp is None or root is None or NAMESPACE.encode() not in _body(xmp):
        return xmp
    written = _as_written(_body(xmp))
    pairs = list(zip(root.iter(), written.iter(), strict=True))  # the same elements, with their namespaces and without
    for element, own in pairs:
        declared = [name for name in own.attrib if name == "xmlns" or name.startswith("xmlns:")]
        others = [name for name in own.attrib if name not in declared]
        for name in declared:
            if own.attrib[name] == NAMESPACE:
                del own.attrib[name]
        for name, full in zip(others, list(element.attrib), strict=True):
            if full.startswith(f"{{{NAMESPACE}}}"):
                del own.attrib[name], element.attrib[full]
        for child, own_child in list(zip(element, own, strict=True)):
            if child.tag.startswith(f"{{{NAMESPACE}}}"):
                element.remove(child)
                own.remove(own_child)
    for element, own in pairs:
        if element.tag != f"{{{_RDF}}}RDF":
            continue
        for child, own_child in list(zip(element, own, strict=True)):
            if len(child) == 0 and set(child.attrib) <= {f"{{{_RDF}}}about"} and not (child.text or "").strip():
                element.remove(child)
                own.remove(own_child)
        if len(element) == 0:
            return None
    kept: bytes = ElementTree.tostring(written, encoding="utf-8")
    return _HEAD.encode() + kept + _TAIL.encode()


def _as_written(body: bytes) -> ElementTree.Element:
    """Parse a packet without resolving namespaces: prefixes and their declarations stay as they are.

    ElementTree writes resolved names with prefixes of its own choice, unless they are set for the whole process.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.data
    parser.Parse(body, True)
    return builder.close()


def _parse(xmp: bytes | None) -> ElementTree.Element | None:
    """Parse a packet; None if there is none, or it cannot be read."""
    if xmp is None:
        return None
    from defusedxml.ElementTree import fromstring  # not needed for most pictures

    try:
        # XMP has no document type, whose entities can make XML expand without limit.
        root: ElementTree.Element = fromstring(_body(xmp), forbid_dtd=True)
    except (ElementTree.ParseError, ValueError, LookupError):  # the last two: also encodings that Python refuses
        return None
    level = [root]
    for _ in range(_DEEPEST):
        level = [child for element in level for child in element]
    return None if level else root


def _body(xmp: bytes) -> bytes:
    """Return the packet in UTF-8, without padding."""
    for start, encoding in _WIDE.items():
        if xmp.startswith(start):
            try:
                xmp = xmp.decode(encoding).encode()
            except UnicodeDecodeError:
                return b""
            break
    return xmp.strip(b"\0 \t\r\n")
