"""Resumable downloads over HTTP."""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from twinscale import __version__
from twinscale.errors import DatasetError

ATTEMPTS = 4
BACKOFF_SECONDS = 1.0
TIMEOUT_SECONDS = 30.0
MOST_BYTES = 128 * 2**20
"""Where a download is cut: GitHub, where all sources are, has no file above 100 MB."""

_PIECE = 2**20
_RETRIED = (408, 429)  # in addition to 5xx
_RANGE_NOT_SATISFIABLE = 416


def download(url: str, part: Path, is_right: Callable[[Path], bool]) -> None:
    """Download a file, continuing where an earlier attempt left its part.

    Args:
        url: an ``http`` or ``https`` address.
        part: where the bytes go. After an interruption or a lost connection it stays, for the
            next call to continue; on return it is the complete, verified file.
        is_right: whether the whole file is the one that was wanted.

    Raises:
        DatasetError: the server does not deliver the file, or delivers something else, or without end.
    """
    # An old part may be the beginning of another file; if so, a second, fresh attempt is made.
    for fresh in (False, True) if part.exists() else (True,):
        if fresh:
            part.unlink(missing_ok=True)
        _transfer(url, part)
        if is_right(part):
            return
    part.unlink()
    raise DatasetError(f"{url}: the file does not match its checksum and was deleted; try another mirror")


def _transfer(url: str, part: Path) -> None:
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
        try:
            _receive(url, part)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == _RANGE_NOT_SATISFIABLE and part.exists():
                return  # the part is already whole, or wrong: its checksum will tell
            reason = f"HTTP status {error.code}"
            if error.code < 500 and error.code not in _RETRIED:
                break
        # The last of them: a redirect to what is no address.
        except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException, ValueError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        else:
            return
    raise DatasetError(f"{url}: cannot be downloaded ({reason}); run the command again later, it will resume")


def _receive(url: str, part: Path) -> None:
    """Make one request; append what is received to the part, or replace the part if the server sends the whole file."""
    start = part.stat().st_size if part.exists() else 0
    # The media type is for GitHub's API, which otherwise wraps the bytes in JSON; others ignore it.
    headers = {"User-Agent": f"twinscale/{__version__}", "Accept": "application/vnd.github.raw+json"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    with _opener().open(request, timeout=TIMEOUT_SECONDS) as response:
        announced = response.length  # None if the server does not say, or says no number
        continues = response.status == http.HTTPStatus.PARTIAL_CONTENT
        with part.open("ab" if continues else "wb") as file:
            before = file.tell()
            while (free := MOST_BYTES - file.tell()) > 0 and (piece := response.read(min(free, _PIECE))):
                file.write(piece)
            received = file.tell() - before
    if announced is not None and received < announced and free > 0:
        raise ConnectionError(f"the connection closed after {received} of {announced} bytes")


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for http and https only: no redirect leads it to ``file:`` or ``ftp:``."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener
