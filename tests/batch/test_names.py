"""Output names: of the input's name and the options alone, and never the same for two inputs."""

import itertools
import json
from pathlib import Path

import pytest

from twinscale.batch import Downscale, Pack, Restore, Shrink, Upscale, Work
from twinscale.batch.names import Naming
from twinscale.codecs.registry import readable_extensions, writable_codecs
from twinscale.engine import Runtime
from twinscale.errors import ModelError, UsageError
from twinscale.zoo import load_card


def name(source: str, work: Work, format: str | None = None, template: str | None = None) -> str:
    return Naming.of(work, format, template).name(Path(source))


@pytest.mark.parametrize(
    ("source", "work", "format", "expected"),
    [
        ("photo.jpg", Upscale(), None, "photo_x2.jpg"),
        ("photo.JPG", Upscale(), None, "photo_x2.JPG"),
        ("photo.jpeg", Upscale(), "jpg", "photo_x2.jpeg"),
        ("photo.jpg", Upscale(scale=1.5), "WEBP", "photo_x1.5_jpg.webp"),
        ("photo.jpg", Upscale(), "jpeg2000", "photo_x2_jpg.jp2"),
        ("scan.gif", Upscale(), None, "scan_x2_gif.png"),
        ("photo.jpg", Shrink(), None, "photo_shrunk_jpg.png"),
        ("photo.JPG", Shrink(), None, "photo_shrunk_JPG.png"),
        ("photo.webp", Shrink(), None, "photo_shrunk.webp"),
        ("photo.jpg", Downscale("dpid"), None, "photo_shrunk_dpid-x2.jpg"),
        ("photo.bmp", Downscale("area", 16), None, "photo_shrunk_area-x16_bmp.png"),
        ("photo_shrunk.png", Restore(), None, "photo_shrunk_restored.png"),
        ("photo.png", Pack(), None, "photo_packed_png.jpg"),
        ("photo.JPG", Pack(), None, "photo_packed.JPG"),
        ("photo.webp", Pack(), None, "photo_packed.webp"),
        ("scan.tif", Pack(), None, "scan_packed_tif.jpg"),
        ("photo.jpg", Pack(), "avif", "photo_packed_jpg.avif"),
        ("archive.tar.png", Upscale(), None, "archive.tar_x2.png"),
        ("noextension", Upscale(), None, "noextension_x2_.png"),
        (".png", Upscale(), None, ".png_x2_.png"),
    ],
)
def test_the_usual_names(source: str, work: Work, format: str | None, expected: str) -> None:
    assert name(source, work, format) == expected


def test_a_model_that_is_named_is_part_of_the_name() -> None:
    """So what the default model made and what another made never meet."""
    assert name("a.png", Upscale("best")) == name("a.png", Upscale("best-x2")) == "a_best-x2.png"
    assert name("a.png", Upscale("best", 3)) == "a_best-x3.png"
    assert name("a.png", Upscale("best", 1.5)) == "a_best-x2_x1.5.png"
    assert name("a.png", Upscale("best", 2)) == "a_best-x2.png"
    assert name("a.png", Upscale("best", 8)) == "a_best_x8.png"  # two models, one after the other
    assert name("a.png", Upscale("best", width=640)) == "a_best_640w.png"  # each picture chooses among them
    assert name("a.png", Upscale("best-x2", 8)) == "a_best-x2_x8.png"
    assert name("a.jpg", Shrink("dsn")) == "a_shrunk_dsn-x2_jpg.png"
    assert name("a.png", Shrink("dsn", 3)) == "a_shrunk_dsn-x3.png"
    assert name("a.png", Restore("dsn-x3")) == "a_restored_dsn-x3.png"
    assert name("a.png", Restore("dsn")) == "a_restored_dsn.png"  # each picture's tag chooses the scale
    with pytest.raises(ModelError, match="no-such-model"):
        name("a.png", Upscale("no-such-model"))


def test_a_card_from_elsewhere_names_no_folder(tmp_path: Path) -> None:
    card = (load_card("srcnn-x2").folder / "card.toml").read_text()
    (tmp_path / "card.toml").write_text(card.replace('name = "srcnn-x2"', 'name = "R&D (own)"'))
    assert name("a.png", Upscale(str(tmp_path))) == "a_R-D--own-.png"
    (tmp_path / "card.toml").write_text(card.replace('name = "srcnn-x2"', 'name = "../../up x"'))
    with pytest.raises(ModelError, match="must be a bare name"):
        name("a.png", Upscale(str(tmp_path)))


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (Upscale(scale=6), "a_x6.png"),
        (Upscale("best", 6), "a_best_x6.png"),  # by two models of the family
        (Upscale("best", 16), "a_best-x4_x16.png"),
        (Upscale("fast-x2", 4), "a_fast-x2_x4.png"),
        (Upscale(width=1920), "a_1920w.png"),
        (Upscale("best", width=1920), "a_best_1920w.png"),  # each picture chooses the model
        (Upscale("fast-x2", height=1080), "a_fast-x2_1080h.png"),
        (Upscale(width=1920, height=1080), "a_1920x1080.png"),
        (Upscale(fit=(1920, 1080)), "a_1920x1080.png"),
    ],
)
def test_names_of_sizes(work: Work, expected: str) -> None:
    assert name("a.png", work) == expected


def test_sizes_that_contradict_each_other_have_no_name() -> None:
    with pytest.raises(UsageError, match="contradict each other"):
        name("a.png", Upscale(scale=2, width=100))
    with pytest.raises(UsageError, match=r"unknown placeholder \{scale\}"):
        name("a.png", Upscale(width=100), template="{stem}_{scale}.png")


def test_no_two_inputs_have_the_same_output() -> None:
    """Of one folder, with names made from each other's outputs."""
    formats = (None, *(codec.name for codec in writable_codecs()))
    for work in (Upscale(), Upscale("best", 1.5), Shrink(), Shrink("dsn"), Downscale("l0"), Restore()):
        stems = ["a", "a_png", "A", f"a{work.suffix}", f"a{work.suffix}_png", f"a{work.suffix}{work.suffix}", "a.png"]
        extensions = {f(e) for e in readable_extensions() for f in (str.lower, str.upper)} | {"", ".dat"}
        sources = {stem + extension for stem, extension in itertools.product(stems, extensions)}
        for format in formats:
            naming = Naming.of(work, format, None)
            assert len({naming.name(Path(source)) for source in sources}) == len(sources)


def test_templates() -> None:
    assert name("in/photo.jpg", Shrink(), template="{parent}/{stem}-small.{ext}") == "in/photo-small.png"
    assert name("photo.jpg", Upscale("best", 1.5), template="{stem}_{model}@{scale}x.webp") == "photo_best-x2@1.5x.webp"
    assert name("photo.jpg", Downscale("dpid", 3), template="{stem}-{model}-{scale}.{ext}") == "photo-dpid-3.jpg"
    assert name("photo.jpg", Upscale(), template="{{{stem:>8}}}{suffix}.{ext}") == "{   photo}_x2.jpg"
    assert name("{ext}.jpg", Upscale(), template="{stem}.{ext}") == "{ext}.jpg"


@pytest.mark.parametrize(
    ("template", "work", "message"),
    [
        (
            "{size}.png",
            Upscale("best"),
            r"placeholder \{size\}; known are \{stem\}, .*\{parent\}, \{model\}, \{scale\}",
        ),
        ("{model}.png", Restore(), r"unknown placeholder \{model\}; known are .*\{parent\}$"),
        ("{stem.__class__}.png", Upscale(), "unknown placeholder"),
        ("{}.png", Upscale(), "unknown placeholder"),
        ("{stem.png", Upscale(), "expected '}'.*write {{ for a brace"),
        ("{stem:d}.png", Upscale(), "Unknown format code"),
        ("{stem:{parent}}.png", Upscale(), "a placeholder cannot be inside another"),
    ],
)
def test_templates_that_cannot_be_filled(template: str, work: Work, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        name("a.png", work, template=template)


def test_what_decides_a_result_is_told_apart() -> None:
    """Identities are plain data, the same for the same weights and options however these were asked for."""
    one, other = (str(load_card(pair).folder) for pair in ("twin-y-x2", "dsn-y-x2"))
    works: list[Work] = [
        *(Upscale(), Upscale(scale=3), Upscale(scale=1.5), Upscale("best"), Upscale("best", ensemble=True)),
        *(Upscale(scale=6), Upscale(scale=16), Upscale("fast-x2", 4), Upscale("fast-x2", width=100)),
        *(Upscale(width=100), Upscale(height=100), Upscale(fit=(100, 100)), Upscale(width=100, height=100)),
        *(Downscale("dpid"), Downscale("dpid", 3), Downscale("area")),
        *(Shrink(), Shrink(one), Shrink(other), Restore(), Restore(one), Restore(other), Restore("dsn")),
        *(
            Restore("dsn-x2"),
            Restore(fallback="bicubic"),
            Restore(fallback="upscale"),
            Restore(fallback="upscale", scale=3),
        ),
    ]
    identities = [work.identity for work in works]
    assert all(identities.count(identity) == 1 for identity in identities)
    assert json.loads(json.dumps(identities)) == identities
    assert Upscale().identity == Upscale(scale=2.0, tile=8).identity
    assert Upscale("fast").identity == Upscale("fast-x2", runtime=Runtime(1)).identity
    assert Shrink("twin").identity == Shrink("twin-x2").identity == Shrink("twin", 2).identity
    assert Shrink().identity == Shrink(scale=2, tile=8).identity != Shrink(scale=3).identity
    assert Downscale("dpid").identity == Downscale("dpid", 2, tile=8, runtime=Runtime(1)).identity
