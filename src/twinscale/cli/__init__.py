"""The ``twinscale`` command: one file a subcommand, each importing what it needs only when it runs."""

import sys


def main() -> None:
    """Run the command line; errors become one line on standard error and a documented exit code."""
    from twinscale.cli.app import app, state
    from twinscale.errors import TwinscaleError

    try:
        app()
    except TwinscaleError as error:
        if state.verbose:
            raise
        print(f"twinscale: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
