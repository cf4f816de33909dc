import hashlib

import numpy as np
import pytest
from PIL import Image

from tests.awkward import pillow_file, png_bomb
from twinscale import __version__
from twinscale.datasets import download, fetch, find_pictures, get
from twinscale.datasets.download import ATTEMPTS
from twinscale.errors import DatasetError, UsageError

BMP = "owner/repo/c0ffee/Set A/blau_ä.bmp"
PNG = "owner/repo/c0ffee/Set A/grey.png"
JPG = "owner/repo/c0ffee/Set A/photo.jpg"


def test_stores_the_original_bytes(server):
    folder = get("Tiny", base_url=server.url)
    assert find_pictures("Tiny") == [folder / "blau_ä.bmp", folder / "grey.png", folder / "photo.jpg"]
    assert (folder / "blau_ä.bmp").read_bytes() == server.files[BMP]
    assert (folder / "photo.jpg").read_bytes() == server.files[JPG]
    assert not list(folder.glob("*.part"))
    assert server.user_agents == {f"twinscale/{__version__}"}


def test_second_run_downloads_nothing(server):
    get("Tiny", base_url=server.url)
    sent = server.bytes_sent
    get("Tiny", base_url=server.url)
    assert server.bytes_sent == sent


def test_replaces_only_a_damaged_file(server):
    folder = get("Tiny", base_url=server.url)
    server.requests.clear()
    (folder / "grey.png").write_bytes(b"damaged")
    get("Tiny", base_url=server.url)
    assert server.requests == [PNG]
    assert (folder / "grey.png").read_bytes() == server.files[PNG]


def test_reports_progress(server):
    calls = []
    get("Tiny", base_url=server.url, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_mirror_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("TWINSCALE_DATA_MIRROR", server.url + "/")
    assert len(list(get("Tiny").glob("*.*g"))) == 2


def test_sources_lie_beside_the_pictures(server):
    table = (get("Photos", base_url=server.url) / "SOURCES.tsv").read_text(encoding="utf-8")
    assert "CC-BY (A. B.)" in table


def test_unknown_name(server):
    with pytest.raises(DatasetError, match="'tiny': no such set; did you mean Tiny"):
        get("tiny", base_url=server.url)


@pytest.mark.parametrize(
    "mirror",
    [
        *(
            "file:///etc",
            "ftp://example.org",
            "example.org",
            "http://",
            "http:///path",
            "http://:80",
            "https:example.org",
        ),
        *("http://[", "http://[::1", "http://example.org:port", "http://example.org:99999", "http://example.org:0"),
        *("http://a b", "http://exa\nmple.org", "http://example.org/\x1b[2J", f"http://{'a' * 70}.org", "http://a..b"),
    ],
)
def test_mirror_must_be_an_address(server, mirror):
    with pytest.raises(
        UsageError, match="is not the address of a mirror: it must be http:// or https:// and"
    ) as caught:
        get("Tiny", base_url=mirror)
    assert "\n" not in str(caught.value)


def test_cache_that_cannot_be_written(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TWINSCALE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match="TWINSCALE_CACHE"):
        get("Tiny", base_url=server.url)


def test_public_hosts_without_a_mirror(server, monkeypatch):
    urls = []

    def record(url, part, is_right):
        urls.append(url)
        part.write_bytes(server.files["owner/photos/c0ffee/lying.JPG"])

    monkeypatch.setattr(fetch, "download", record)
    get("Photos")
    assert urls[0] == "https://raw.githubusercontent.com/owner/photos/c0ffee/lying.JPG"
    assert urls[1].startswith("https://api.github.com/repos/owner/photos/git/blobs/")
    monkeypatch.setattr(fetch, "download", lambda url, part, is_right: urls.append(url) or part.touch())
    get("Tiny")
    assert urls[2].endswith("/owner/repo/c0ffee/Set%20A/blau_%C3%A4.bmp")


class TestFaults:
    """What a server or a connection may do wrong to one picture."""

    @pytest.mark.parametrize("fault", ["status 500", "status 503", "status 429", "hang up", "truncate"])
    def test_passing_fault(self, server, fault):
        server.faults[BMP] = [fault] * (ATTEMPTS - 1)
        folder = get("Tiny", base_url=server.url)
        assert (folder / "blau_ä.bmp").read_bytes() == server.files[BMP]
        assert server.requests.count(BMP) == ATTEMPTS

    def test_lasting_fault(self, server):
        server.faults[BMP] = ["status 500"] * ATTEMPTS
        with pytest.raises(DatasetError, match="HTTP status 500") as caught:
            get("Tiny", base_url=server.url)
        assert "\n" not in str(caught.value)

    def test_missing_file_is_not_asked_for_again(self, server):
        del server.files[BMP]
        with pytest.raises(DatasetError, match="404"):
            get("Tiny", base_url=server.url)
        assert server.requests == [BMP]

    def test_truncated_body_is_continued_not_repeated(self, server):
        server.faults[BMP] = ["truncate"]
        get("Tiny", base_url=server.url)
        assert server.bytes_sent == sum(len(server.files[path]) for path in (BMP, PNG, JPG))

    def test_next_run_continues(self, server):
        # Each request brings half of the rest; the last one nothing at all.
        server.faults[BMP] = ["truncate"] * ATTEMPTS
        with pytest.raises(DatasetError, match="resume"):
            get("Tiny", base_url=server.url)
        sent = server.bytes_sent
        assert sent > len(server.files[BMP]) * 0.9
        get("Tiny", base_url=server.url)
        assert server.bytes_sent == sum(len(server.files[path]) for path in (BMP, PNG, JPG))

    def test_server_without_ranges(self, server):
        server.faults[BMP] = ["truncate", "no range"]
        folder = get("Tiny", base_url=server.url)
        assert (folder / "blau_ä.bmp").read_bytes() == server.files[BMP]

    def test_part_that_is_already_whole(self, server):
        folder = fetch.download_folder("Tiny")
        folder.mkdir(parents=True)
        (folder / "blau_ä.bmp.part").write_bytes(server.files[BMP])
        get("Tiny", base_url=server.url)
        assert (folder / "blau_ä.bmp").read_bytes() == server.files[BMP]
        assert server.requests.count(BMP) == 1  # answered with 416

    @pytest.mark.parametrize("length", [10, 10_000])
    def test_part_of_something_else(self, server, length):
        folder = fetch.download_folder("Tiny")
        folder.mkdir(parents=True)
        (folder / "blau_ä.bmp.part").write_bytes(b"x" * length)
        get("Tiny", base_url=server.url)
        assert (folder / "blau_ä.bmp").read_bytes() == server.files[BMP]

    @pytest.mark.parametrize("path", [BMP, PNG, JPG])
    def test_wrong_content_leaves_nothing(self, server, path):
        server.faults[path] = ["wrong content"]
        with pytest.raises(DatasetError, match="checksum") as caught:
            get("Tiny", base_url=server.url)
        assert "\n" not in str(caught.value)
        name = path.rpartition("/")[2]
        assert not list(fetch.download_folder("Tiny").glob(f"{name}*"))

    def test_right_kind_of_picture_with_other_pixels(self, server):
        server.files[PNG] = server.files[BMP]
        with pytest.raises(DatasetError, match="checksum"):
            get("Tiny", base_url=server.url)

    @pytest.mark.parametrize("length", ["abc", "-5", "9" * 5000, "", "1e3"])
    def test_length_that_is_no_number(self, server, length):
        server.faults[BMP] = [f"length {length}"]
        folder = get("Tiny", base_url=server.url)
        assert (folder / "blau_ä.bmp").read_bytes() == server.files[BMP]

    def test_download_without_end(self, server, monkeypatch):
        monkeypatch.setattr(download, "MOST_BYTES", 300_000)
        server.faults[BMP] = ["endless"]
        with pytest.raises(DatasetError, match="does not match its checksum and was deleted"):
            get("Tiny", base_url=server.url)
        assert server.requests == [BMP]
        assert not list(fetch.download_folder("Tiny").glob("blau*"))

    @pytest.mark.parametrize("address", ["http://[", f"http://{'a' * 70}.org/", "http://127.0.0.1:port/"])
    def test_redirect_to_no_address(self, server, address):
        server.faults[BMP] = [f"redirect {address}"] * ATTEMPTS
        with pytest.raises(DatasetError, match="cannot be downloaded") as caught:
            get("Tiny", base_url=server.url)
        assert "\n" not in str(caught.value)

    def test_redirect_within_http(self, server):
        server.files["elsewhere"] = server.files[BMP]
        server.faults[BMP] = [f"redirect {server.url}/elsewhere"]
        get("Tiny", base_url=server.url)

    @pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
    def test_redirect_out_of_http(self, server, tmp_path, scheme):
        (tmp_path / "secret").write_bytes(server.files[BMP])
        server.faults[BMP] = [f"redirect {scheme}://{tmp_path}/secret"] * ATTEMPTS
        with pytest.raises(DatasetError, match="cannot be downloaded"):
            get("Tiny", base_url=server.url)


class TestReducedPhotographs:
    def test_upright_small_and_plain(self, server):
        folder = get("Photos", base_url=server.url)
        assert find_pictures("Photos") == [folder / "now.jpg", folder / "then.jpg"]
        with Image.open(folder / "now.jpg") as image:
            assert image.size == (20, 30)
            assert not image.getexif()
            assert {sampling[1:3] for sampling in image.layer} == {(1, 1)}  # 4:4:4
            column = np.asarray(image.convert("L"), dtype=int)[:, 10]
        # The ramp that ran along the lying photograph's rows, 4 levels a pixel, now runs down.
        np.testing.assert_allclose(column[2:-2], np.arange(2, 28) * 8 + 2, atol=2)

    def test_second_run_downloads_nothing(self, server):
        get("Photos", base_url=server.url)
        sent = server.bytes_sent
        get("Photos", base_url=server.url)
        assert server.bytes_sent == sent

    def test_only_the_small_picture_stays(self, server):
        folder = get("Photos", base_url=server.url)
        assert {path.name for path in folder.iterdir()} == {"now.jpg", "then.jpg", "SOURCES.tsv"}

    def test_a_picture_that_is_none(self, server):
        folder = get("Photos", base_url=server.url)
        avif = pillow_file("AVIF").replace(b"av01", b"av00")  # of which Pillow says RuntimeError
        for wrong in (png_bomb(60_000), avif):
            (folder / "now.jpg").write_bytes(wrong)
            get("Photos", base_url=server.url)
            assert Image.open(folder / "now.jpg").size == (20, 30)

    def test_wrong_original(self, server):
        path = "owner/photos/c0ffee/lying.JPG"
        server.files[path] = server.files[path][:-1]
        with pytest.raises(DatasetError, match="checksum"):
            get("Photos", base_url=server.url)


def test_blob_id_is_gits(server):
    # `git hash-object` of a file holding "hello\n"
    from twinscale.datasets.sets import CatalogueEntry
    from twinscale.datasets.verify import matches

    file = fetch.download_folder("x").parent / "hello"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"hello\n")
    blob = "blob:ce013625030ba8dba906f756967f9e9ca394464a"
    assert matches(file, CatalogueEntry("hello", 1, 1, "RGB", blob, "", ""))
    sha256 = f"sha256:{hashlib.sha256(b'other').hexdigest()}"
    assert not matches(file, CatalogueEntry("hello", 1, 1, "RGB", sha256, "", ""))
