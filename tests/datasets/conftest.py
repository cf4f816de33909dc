"""A tiny synthetic catalogue, and a server on this machine that can misbehave."""

import hashlib
import io
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from twinscale.datasets import download, sets


class SourceServer(ThreadingHTTPServer):
    """Serves ``files`` with ranges; takes one of ``faults[path]`` per request until they are used up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.requests: list[str] = []
        self.user_agents: set[str] = set()
        self.bytes_sent = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that a test cuts is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: SourceServer

    def do_GET(self) -> None:
        path = unquote(self.path).lstrip("/")
        self.server.requests.append(path)
        self.server.user_agents.add(self.headers["User-Agent"])
        fault = self.server.faults[path].pop(0) if self.server.faults[path] else ""
        if path not in self.server.files:
            self.send_error(404)
            return
        if fault.startswith("status "):
            self.send_error(int(fault.removeprefix("status ")))
            return
        if fault.startswith("redirect "):
            self.send_response(302)
            self.send_header("Location", fault.removeprefix("redirect "))
            self.end_headers()
            return
        if fault == "hang up":
            self.close_connection = True
            self.connection.close()
            return
        body = self.server.files[path]
        if fault == "wrong content":
            body = b"<html>" + body[6:]
        start = 0
        wanted = self.headers["Range"]
        if wanted and fault != "no range":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        body = body[start:]
        if fault.startswith("length "):
            self.send_header("Content-Length", fault.removeprefix("length "))
        elif fault != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "truncate":
            body = body[: len(body) // 2]
        while fault == "endless":  # until the client hangs up
            self.wfile.write(bytes(2**16))
        self.server.bytes_sent += len(body)  # counted first: the client may be done before this thread goes on
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def _row(*cells: object) -> str:
    return "\t".join(map(str, cells)) + "\n"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceServer]:
    """The sources of two sets, Tiny and Photos; the catalogue, cache and data folder are the test's own."""
    random = np.random.default_rng(1)
    colour = random.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    grey = random.integers(0, 256, (5, 4), dtype=np.uint8)
    photo = np.broadcast_to(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], (40, 60, 3)).copy()
    exif = Image.Exif()
    exif[0x0112] = 6  # upright after a quarter turn: 40 x 60
    files = {
        "owner/repo/c0ffee/Set A/blau_ä.bmp": encoded(colour, "BMP"),
        "owner/repo/c0ffee/Set A/grey.png": encoded(grey, "PNG"),
        "owner/repo/c0ffee/Set A/photo.jpg": encoded(photo, "JPEG"),
        "owner/photos/c0ffee/lying.JPG": encoded(photo, "JPEG", quality=95, exif=exif),
    }
    *_, jpeg, lying = files.values()
    blob = hashlib.sha1(b"blob %d\0" % len(lying) + lying).hexdigest()
    files[f"repos/owner/photos/git/blobs/{blob}"] = lying

    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "sets.toml").write_text(
        '[Tiny]\nkind = "test"\ndescription = "Three"\nsource = "made"\nterms = "CC0"\nuse = "free"\n'
        '[Photos]\nkind = "train"\ndescription = "Two"\nsource = "made"\nterms = "various"\nuse = "free"\n'
        "jpeg_quality = 95\n"
    )
    head = ["file", "width", "height", "mode", "checksum", "source"]
    pixels = [f"pixels:{hashlib.sha256(picture.tobytes()).hexdigest()}" for picture in (colour, grey)]
    (folder / "Tiny.tsv").write_text(
        _row(*head)
        + _row("blau_ä.bmp", 9, 6, "RGB", pixels[0], "owner/repo/c0ffee/Set A/blau_ä.bmp")
        + _row("grey.png", 4, 5, "L", pixels[1], "owner/repo/c0ffee/Set A/grey.png")
        + _row(
            *("photo.jpg", 60, 40, "RGB", f"sha256:{hashlib.sha256(jpeg).hexdigest()}"),
            "owner/repo/c0ffee/Set A/photo.jpg",
        ),
        encoding="utf-8",
    )
    (folder / "Photos.tsv").write_text(
        _row(*head, "terms")
        + _row("now.jpg", 20, 30, "RGB", f"blob:{blob}", "owner/photos/c0ffee/lying.JPG", "CC0")
        + _row("then.jpg", 20, 30, "RGB", f"blob:{blob}", f"repos/owner/photos/git/blobs/{blob}", "CC-BY (A. B.)")
    )
    monkeypatch.setattr(sets, "CATALOGUE", folder)
    monkeypatch.setattr(download, "BACKOFF_SECONDS", 0)
    monkeypatch.setenv("TWINSCALE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TWINSCALE_DATA", raising=False)
    monkeypatch.delenv("TWINSCALE_DATA_MIRROR", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    with SourceServer() as running:
        running.files = files
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()
