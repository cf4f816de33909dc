"""The ``twinscale`` command: one file per subcommand, imported only when it runs."""

import errno
import gc
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinscale.errors import TwinscaleError

_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main() -> None:
    """Run the command line; errors become one line on standard error and a documented exit code."""
    gc.set_threshold(100_000)  # imports leave no garbage: looking for it slows the start by 5 percent
    code = _run()
    gc.freeze()  # nor need it be looked for as Python ends: that takes a tenth of the time of a small picture
    sys.exit(code)


def _run() -> int:
    import click
    from click.exceptions import NoArgsIsHelpError

    from twinscale.cli.app import app
    from twinscale.cli.command import in_words
    from twinscale.errors import OutOfMemoryError, TwinscaleError

    if isinstance(sys.stdout, io.TextIOWrapper):  # None if it is closed
        sys.stdout.reconfigure(errors="surrogateescape")  # names of files are bytes, of any encoding
    try:
        try:
            code: int = app.main(prog_name="twinscale", standalone_mode=False)
            if sys.stdout:
                sys.stdout.flush()
        except OSError as error:
            if (explained := _explained(error)) is None:
                raise
            raise explained from error
        except MemoryError as error:
            raise OutOfMemoryError("memory ran out: use smaller pictures or fewer threads") from error
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "twinscale"
        print(f"twinscale: {error.format_message()} See '{command} --help'.", file=sys.stderr)
        return error.exit_code
    except click.Abort:
        return 130
    except TwinscaleError as error:
        print(in_words(error), file=sys.stderr)
        return error.exit_code
    return code


def _explained(error: OSError) -> "TwinscaleError | None":
    """Return an error of the operating system as one that a user can act on, if it is about a file or a full disk."""
    from twinscale.errors import PictureError

    if error.filename is not None:
        return PictureError(f"{error.filename}: {error.strerror}: check the path and the disk")
    if error.errno not in _NOT_WRITTEN:
        return None
    # What is still buffered goes nowhere, or Python would fail to write it as it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PictureError(f"the output cannot be written ({error.strerror}): check the disk behind it")
