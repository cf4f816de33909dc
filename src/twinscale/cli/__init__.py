"""The ``twinscale`` command: one file per subcommand, imported only when it runs."""

import errno
import gc
import io
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from twinscale.errors import TwinscaleError

_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main() -> None:
    """Run the command line; errors become one line on standard error and a documented exit code."""
    gc.set_threshold(100_000)  # imports leave no garbage: looking for it slows the start by 5 percent
    _end_in_order_when_told()
    _prepare_streams()
    code = _run()
    gc.freeze()  # nor need it be looked for as Python ends: that takes a tenth of the time of a small picture
    sys.exit(code)


def _end_in_order_when_told() -> None:
    """Let a request to end, and a terminal that is closed, unwind the program as Ctrl-C does.

    A signal that is ignored, as by nohup, stays so.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has only one of them
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _prepare_streams() -> None:
    for descriptor in range(3):  # no file that is opened may take the place of a standard stream that is closed
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)  # what would be said goes nowhere
    if not isinstance(sys.stdout, io.TextIOWrapper):  # None if it is closed
        return
    sys.stdout.reconfigure(errors="surrogateescape")  # names of files are bytes, of any encoding
    if isinstance(sys.stdout.buffer, io.RawIOBase):
        # Unbuffered, as by PYTHONUNBUFFERED: if the disk is full in the middle of a text, print would not notice.
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(sys.stdout.buffer),
            encoding=sys.stdout.encoding,
            errors=sys.stdout.errors,
            line_buffering=True,
        )


def _run() -> int:
    import click
    from click.exceptions import NoArgsIsHelpError

    from twinscale.cli.app import app
    from twinscale.cli.command import in_words
    from twinscale.errors import TwinscaleError

    try:
        try:
            code: int = app.main(prog_name="twinscale", standalone_mode=False)
            if sys.stdout:
                sys.stdout.flush()
        except (MemoryError, RuntimeError, ImportError, OSError) as error:
            if (explained := _explained(error)) is None:
                raise
            raise explained from error
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "twinscale"
        click.echo(f"twinscale: {error.format_message()} See '{command} --help'.", err=True)
        return error.exit_code
    except click.Abort:
        return 130
    except TwinscaleError as error:
        click.echo(in_words(error), err=True)
        return error.exit_code
    return code


def _explained(error: Exception) -> "TwinscaleError | None":
    """Return an error as one that a user can act on, if it is about memory, a file or a full disk."""
    from twinscale.errors import OutOfMemoryError, PictureError, is_lack_of_memory

    if is_lack_of_memory(error):
        return OutOfMemoryError("memory ran out: close other programs, use smaller pictures or fewer threads")
    if not isinstance(error, OSError):
        return None
    if error.filename is not None:
        return PictureError(f"{error.filename}: {error.strerror}: check the path and the disk")
    if error.errno not in _NOT_WRITTEN:
        return None
    # What is still buffered goes nowhere, or Python would fail to write it as it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return PictureError(f"the output cannot be written ({error.strerror}): check the disk behind it")
