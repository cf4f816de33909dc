"""The ``twinscale`` command: one file per subcommand, imported only when it runs."""

import gc
import sys


def main() -> None:
    """Run the command line; errors become one line on standard error and a documented exit code."""
    gc.set_threshold(100_000)  # imports leave no garbage: looking for it slows the start by 5 percent
    import click
    from click.exceptions import NoArgsIsHelpError

    from twinscale.cli.app import app
    from twinscale.cli.command import state
    from twinscale.errors import TwinscaleError

    try:
        code = app.main(prog_name="twinscale", standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "twinscale"
        print(f"twinscale: {error.format_message()} See '{command} --help'.", file=sys.stderr)
        code = error.exit_code
    except click.Abort:
        code = 130
    except TwinscaleError as error:
        if state.verbose:
            raise
        print(f"twinscale: {error}", file=sys.stderr)
        code = error.exit_code
    gc.freeze()  # nor need it be looked for as Python ends: that takes a tenth of the time of a small picture
    sys.exit(code)
