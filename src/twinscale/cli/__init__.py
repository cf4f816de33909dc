"""The ``twinscale`` command: one file per subcommand, imported only when it runs."""

import gc
import sys


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
    from twinscale.cli.command import state
    from twinscale.errors import PictureError, TwinscaleError

    try:
        try:
            code: int = app.main(prog_name="twinscale", standalone_mode=False)
            sys.stdout.flush()
        except OSError as error:
            if not _is_full(error):
                raise
            _discard_output()
            raise PictureError(f"the output cannot be written ({error.strerror}): check the disk behind it") from error
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
        if state.verbose:
            import traceback

            traceback.print_exc()
        else:
            print(f"twinscale: {error}", file=sys.stderr)
        return error.exit_code
    return code


def _is_full(error: OSError) -> bool:
    import errno

    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _discard_output() -> None:
    """Send what is still buffered for standard output nowhere, or Python would fail to write it as it ends."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
