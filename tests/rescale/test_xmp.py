"""The tag in XMP packets of every make."""

import re
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from twinscale.rescale.tag import Tag
from twinscale.rescale.xmp import NAMESPACE, add_tag, read_tag, remove_tag

TAG = Tag(model="dsn-x2", digest="ab" * 32, scale=Fraction(2), width=641, height=479)
OTHER = Tag(model="dsn-x3", digest="cd" * 32, scale=Fraction(3), width=100, height=99)

ADOBE = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.1-c000">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:Rating="4"
   crs:Exposure2012="+0.35">
   <dc:creator><rdf:Seq><rdf:li>Zoë &amp; Søn</rdf:li></rdf:Seq></dc:creator>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Le phare</rdf:li></rdf:Alt></dc:title>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
                                        \n<?xpacket end="w"?>""".encode()


def canonical(xmp: bytes) -> str:
    """What a packet says, whatever its prefixes and spaces."""
    text = xmp.strip(b"\0 \r\n\t").decode()
    body = re.sub(r"<\?xpacket.*?\?>", "", text).strip()
    return ElementTree.canonicalize(body, rewrite_prefixes=True, strip_text=True)


def test_round_trip_without_a_packet() -> None:
    xmp = add_tag(None, TAG)
    assert read_tag(xmp) == TAG
    assert remove_tag(xmp) is None
    assert xmp.startswith(b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    assert xmp.endswith(b'<?xpacket end="w"?>')


def test_into_a_packet_of_adobe_keeps_everything_else() -> None:
    xmp = add_tag(ADOBE, TAG)
    assert read_tag(xmp) == TAG
    for line in ADOBE.splitlines():
        assert line.strip() in xmp
    assert canonical(remove_tag(xmp)) == canonical(ADOBE)
    removed = remove_tag(xmp)
    assert removed is not None
    assert b"twinscale" not in removed
    assert b"<rdf:RDF" in removed  # programs look for these very letters
    for prefix in (b"dc:", b"xmp:", b"crs:", b"rdf:", b"x:xmpmeta"):
        assert prefix in removed
    assert removed.startswith(b"<?xpacket begin=")
    assert removed.endswith(b'<?xpacket end="w"?>')


def test_prefixes_stay_without_settings_for_the_whole_process() -> None:
    """ElementTree knows prefixes only globally, where threads with other packets would overwrite each other's."""
    known = dict(ElementTree._namespace_map)
    packets = {
        prefix: ADOBE.replace(b"xmlns:dc=", f"xmlns:{prefix}=".encode()).replace(b"dc:", f"{prefix}:".encode())
        for prefix in ("one", "two", "ns0", "ns1")
    }

    def untagged(prefix: str) -> bytes:
        removed = remove_tag(add_tag(packets[prefix], TAG))
        assert removed is not None
        return removed

    with ThreadPoolExecutor(8) as pool:
        prefixes = [*packets] * 20
        for prefix, removed in zip(prefixes, pool.map(untagged, prefixes), strict=True):
            assert f"<{prefix}:creator>".encode() in removed
            assert canonical(removed) == canonical(ADOBE)
    assert known == ElementTree._namespace_map


def test_attributes_keep_their_line_breaks() -> None:
    xmp = rewritten(
        f'<R:Description xmlns:t="{NAMESPACE}" t:scale="2" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'dc:source="first&#10;second&#9;&quot;third&quot;"/>'
    )
    assert canonical(remove_tag(xmp)) == canonical(
        rewritten(
            '<R:Description xmlns:dc="http://purl.org/dc/elements/1.1/" '
            'dc:source="first&#10;second&#9;&quot;third&quot;"/>'
        )
    )


def test_present_tag_is_replaced() -> None:
    for start in (None, ADOBE):
        xmp = add_tag(add_tag(start, OTHER), TAG)
        assert read_tag(xmp) == TAG
        assert xmp.count(NAMESPACE.encode()) == 1
        assert xmp.count(b"dsn-x") == 1


def test_packets_without_a_tag() -> None:
    assert read_tag(None) is None
    assert read_tag(ADOBE) is None
    assert remove_tag(None) is None
    assert remove_tag(ADOBE) is ADOBE
    assert remove_tag(b"nonsense") == b"nonsense"


def rewritten(description: str) -> bytes:
    """A packet as a program writes it that chooses its own prefixes and shapes."""
    return f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:R="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><R:RDF>
{description}</R:RDF></x:xmpmeta><?xpacket end="r"?>""".encode()


ELEMENTS = "".join(
    f"<ns1:{name}>{value}</ns1:{name}>\n"
    for name, value in [
        ("model", "dsn-x2"),
        ("digest", "ab" * 32),
        ("scale", 2),
        ("width", 641),
        ("height", 479),
    ]
)


def test_tag_as_elements() -> None:
    xmp = rewritten(f'<R:Description R:about="" xmlns:ns1="{NAMESPACE}">{ELEMENTS}</R:Description>')
    assert read_tag(xmp) == TAG
    assert remove_tag(xmp) is None
    assert read_tag(add_tag(xmp, OTHER)) == OTHER


def test_tag_merged_into_another_description() -> None:
    merged = f"""<R:Description R:about="" xmlns:ns1="{NAMESPACE}" xmlns:dc="http://purl.org/dc/elements/1.1/"
 dc:format="image/png" ns1:model="dsn-x2" ns1:scale="2"><ns1:digest>{"ab" * 32}</ns1:digest>
<dc:source>camera</dc:source><ns1:width>641</ns1:width><ns1:height>479</ns1:height></R:Description>"""
    xmp = rewritten(merged)
    assert read_tag(xmp) == TAG
    removed = remove_tag(xmp)
    assert removed is not None
    assert read_tag(removed) is None
    assert b"ab" * 32 not in removed
    assert b'dc:format="image/png"' in removed
    assert b"<dc:source>camera</dc:source>" in removed
    again = add_tag(xmp, OTHER)
    assert read_tag(again) == OTHER
    assert b"dsn-x2" not in again
    assert b"<dc:source>camera</dc:source>" in again


def test_other_prefixes_and_surroundings() -> None:
    for before, after in [(b"", b"\0"), (b"", b"\0" * 2000), (b" \n", b"\r\n\t "), (b"\xef\xbb\xbf", b"")]:
        xmp = add_tag(before + ADOBE + after, TAG)
        assert read_tag(xmp) == TAG
        assert b"Le phare" in xmp
    empty = rewritten("")
    assert read_tag(add_tag(empty, TAG)) == TAG
    assert read_tag(add_tag(empty.replace(b"<R:RDF>\n</R:RDF>", b"<R:RDF/>"), TAG)) == TAG


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16(encoding: str) -> None:
    wide = ADOBE.decode().encode(encoding)
    assert read_tag(wide) is None
    assert remove_tag(wide) == wide
    xmp = add_tag(wide, TAG)
    assert read_tag(xmp) == TAG
    assert "Zoë".encode() in xmp  # nothing is lost
    assert read_tag(add_tag(ADOBE, TAG).decode().encode(encoding)) == TAG
    assert canonical(remove_tag(xmp)) == canonical(ADOBE)


@pytest.mark.parametrize(
    "xmp",
    [
        b"",
        b"\0\0\0",
        b"not xml",
        ADOBE[:-150],
        ADOBE.replace(b"</dc:title>", b""),
        ADOBE.replace(b"xmlns:crs", b"xmlns:other"),
        b"<!DOCTYPE x>" + ADOBE,
        ADOBE.decode().encode("utf-16")[:-3],
        '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="shift_jis"?><x/>',
        b'<?xml version="1.0" encoding="no-such"?><x/>',
        b"<html><body/></html>",
        b"<a>" * 1100 + b"</a>" * 1100,
        ADOBE.replace(b"Le phare", b"<a>" * 1100 + b"</a>" * 1100),
    ],
)
def test_unreadable_packet_gives_way_to_a_new_one(xmp: bytes) -> None:
    # Whatever the picture carried, a shrunk one must be restorable.
    assert read_tag(xmp) is None
    assert remove_tag(xmp) == xmp
    assert read_tag(add_tag(xmp, TAG)) == TAG


def test_entities_are_never_expanded() -> None:
    lines = ['<!ENTITY a0 "dsn-x2">'] + [f'<!ENTITY a{k} "{f"&a{k - 1};" * 10}">' for k in range(1, 9)]
    bomb = f"<!DOCTYPE x [{''.join(lines)}]>".encode() + rewritten(
        f'<R:Description xmlns:ns1="{NAMESPACE}">{ELEMENTS.replace("dsn-x2", "&a8;")}</R:Description>'
    )
    for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be"):
        for start in ("", " ", "\n\n", "\ufeff"):
            assert read_tag((start + bomb.decode()).encode(encoding)) is None


def test_a_document_type_that_is_only_mentioned() -> None:
    xmp = ADOBE.replace(b"<rdf:RDF", b"<!-- no <!DOCTYPE> is allowed here --><rdf:RDF")
    assert read_tag(add_tag(xmp, TAG)) == TAG
    assert b"Le phare" in add_tag(xmp, TAG)


@pytest.mark.parametrize("levels", [1100, 20_000])
def test_a_tag_in_a_packet_that_is_nested_too_deep_to_be_written_again(levels: int) -> None:
    deep = add_tag(ADOBE, OTHER).replace(b"Le phare", b"<a>" * levels + b"</a>" * levels)
    assert read_tag(deep) is None
    assert remove_tag(deep) == deep
    xmp = add_tag(deep, TAG)
    assert read_tag(xmp) == TAG
    assert OTHER.model.encode() not in xmp


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale", "two"),
        ("scale", "2.0"),
        ("scale", "0"),
        ("width", "-641"),
        ("height", ""),
        ("width", "1e3"),
        ("height", "9" * 5000),
    ],
)
def test_tag_that_is_not_whole(name: str, value: str) -> None:
    elements = re.sub(f"<ns1:{name}>.*?</ns1:{name}>", f"<ns1:{name}>{value}</ns1:{name}>", ELEMENTS)
    assert elements != ELEMENTS
    xmp = rewritten(f'<R:Description xmlns:ns1="{NAMESPACE}">{elements}</R:Description>')
    assert read_tag(xmp) is None
    missing = re.sub(f"<ns1:{name}>.*?</ns1:{name}>", "", ELEMENTS)
    assert read_tag(rewritten(f'<R:Description xmlns:ns1="{NAMESPACE}">{missing}</R:Description>')) is None


@pytest.mark.parametrize("model", ["R&D", "Zoë's", "x {braces}", "n" * 100])
def test_any_model_name(model: str) -> None:
    tag = Tag(model, "ab" * 32, 2, 10, 20)
    for start in (None, ADOBE):
        assert read_tag(add_tag(start, tag)) == tag


PACKED = Tag("jpeg-x2", "ab" * 8, Fraction(3, 2), 641, 479, quality=60, pixels="cd" * 8)


def test_a_compact_packet_has_only_what_must_be_there() -> None:
    xmp = add_tag(None, PACKED, compact=True)
    assert read_tag(xmp) == PACKED
    assert remove_tag(xmp) is None
    assert len(xmp) < len(add_tag(None, PACKED)) - 110
    assert add_tag(ADOBE, PACKED, compact=True) == add_tag(ADOBE, PACKED)
    ElementTree.fromstring(xmp)


def test_what_is_not_known_is_not_in_the_packet() -> None:
    """So files of shrink stay as they were."""
    xmp = add_tag(None, TAG)
    assert b"quality" not in xmp
    assert b"pixels" not in xmp


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("scale", ["1e999999999", "3/0", "1/2", "nan", "9" * 9999]),
        ("quality", ["0", "101", "x"]),
        ("digest", ["ab", "", "ab" * 33]),
        ("model", ["", "a/b", "&lt;new&gt;", "a&#10;b", "獮" * 101]),
        ("width", ["-1", "1.5"]),
    ],
)
def test_damaged_values(name: str, values: list[str]) -> None:
    packet = add_tag(None, PACKED).decode()
    for value in values:
        assert read_tag(re.sub(rf't:{name}="[^"]*"', f't:{name}="{value}"', packet).encode()) is None
