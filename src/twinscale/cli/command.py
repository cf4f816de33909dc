"""How every command behaves: its help, its examples, and ``--verbose`` after it as well as before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click


@dataclass
class _State:
    verbose: bool = False


state = _State()
"""What must be known when something has failed."""


def in_words(error: Exception) -> str:
    """Return what is printed about an error: one line, or with ``--verbose`` its traceback."""
    if not state.verbose:
        return f"twinscale: {error}"
    import traceback

    return "".join(traceback.format_exception(error)).rstrip()


def _set_verbose(_: click.Context, __: click.Parameter, wanted: bool) -> None:
    state.verbose |= wanted


_VERBOSE = click.Option(
    ["--verbose", "-v"], is_flag=True, expose_value=False, callback=_set_verbose, help="Show tracebacks."
)


class Command(click.Command):
    """A command with examples at the end of its help.

    Args:
        examples: command lines, shown as they are.
        kwargs: see :class:`click.Command`.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._examples = examples

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters, ``--verbose`` and ``--help``."""
        *own, help_option = super().get_params(ctx)
        return [*own, _VERBOSE, help_option]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on its line, and the epilog."""
        if self._examples:
            with formatter.section("Examples"):
                for example in self._examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        super().format_epilog(ctx, formatter)


class Group(Command, click.Group):
    """Commands below a command, in the order in which they were added."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of the commands."""
        return list(self.commands)
