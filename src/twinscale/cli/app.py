"""The command line's tree of commands."""

from importlib import import_module

import click

from twinscale import __version__
from twinscale.cli.command import Command, Group


class _LazyGroup(Group):
    """Imports the module of a command only when that command is asked for."""

    _NAMES = (
        *("upscale", "repair", "shrink", "pack", "restore", "info", "models"),
        *("evaluate", "rd", "data", "train", "runs", "plot", "export", "reproduce", "study", "bench"),
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands; each has the name of its module."""
        return list(self._NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self._NAMES:
            return None
        command: Command = getattr(import_module(f"twinscale.cli.{cmd_name}"), cmd_name)
        return command


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    click.echo(f"twinscale {__version__} ({', '.join(_runtimes())})")
    context.exit()


def _runtimes() -> list[str]:
    """Return the name and the version of every installed library that runs networks."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package, name in (("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO"), ("torch", "torch")):
        try:
            found.append(f"{name} {version(package)}")  # importing it would take ten times as long
        except PackageNotFoundError:
            if package == "onnxruntime":  # a build for other devices has another name
                from twinscale.engine.backends.onnxruntime import library

                found.append(f"{name} {library().__version__}")
    return found


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100},
    examples=[
        "twinscale upscale photo.jpg                 photo_x2.jpg, twice as large",
        "twinscale repair photo.jpg                  photo_repaired_jpg.png, without JPEG's blocks and ripples",
        "twinscale shrink photo.png                  photo_shrunk.png, half as large, restorable",
        "twinscale restore photo_shrunk.png          the original size to the pixel",
        "twinscale pack photo.png -o photo.jpg       fewer bytes than JPEG alone, restorable, too",
        "twinscale upscale -m best -s 3 folder -o larger",
    ],
    epilog="Exit codes: 0 all done; 1 some files failed, the output exists already, or nobody reads it; 2 wrong usage; "
    "3 a picture or set cannot be read or written; 4 model missing or damaged; 5 out of memory; 130 interrupted; "
    "143 and 129 ended by SIGTERM and SIGHUP.",
)
@click.option(
    "--version", is_flag=True, callback=_print_version, is_eager=True, expose_value=False, help="Show the version."
)
def app() -> None:
    """Shrink pictures so that they can be brought back, and enlarge small ones, with trained networks."""
