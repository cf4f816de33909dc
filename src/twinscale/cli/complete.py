"""What the shell offers when Tab is pressed: names, read without importing what they stand for."""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import twinscale

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completion = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]

_PACKAGE = Path(twinscale.__file__).parent


def files(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer files."""
    return _offered((), incomplete, or_else="file")


def models(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer models and families, else folders."""
    return _offered(_models(), incomplete, or_else="dir")


def methods(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer classical methods of downscaling."""
    from twinscale.images.downscaling import METHODS

    return _offered(METHODS, incomplete)


def downscalers(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer classical methods, models and families, else folders."""
    from twinscale.images.downscaling import METHODS

    return _offered((*METHODS, *_models()), incomplete, or_else="dir")


def _models() -> list[str]:
    from twinscale.errors import ModelError
    from twinscale.zoo import families, list_models, model_names

    try:
        names = [card.name for card in list_models()]
    except ModelError:  # a damaged one of one's own
        names = model_names()
    return [*families(), *names]


def sets(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer sets of pictures, else folders."""
    catalogue = (_PACKAGE / "datasets" / "catalogue" / "sets.toml").read_text(encoding="utf-8")
    return _offered(tomllib.loads(catalogue), incomplete, or_else="dir")


def recipes(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer the shipped recipes, else files."""
    shipped = sorted(path.stem for path in (_PACKAGE / "training" / "recipes").glob("*.toml"))
    return _offered(shipped, incomplete, or_else="file")


def runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer the runs in the folder ``runs``, else folders."""
    return _offered(
        (str(path.parent) for path in sorted(Path("runs").glob("*/recipe.toml"))), incomplete, or_else="dir"
    )


def papers(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer the papers."""
    return _offered(_papers(), incomplete)


def items(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer the tables and figures of the paper that is already on the command line."""
    return _offered(_papers().get(context.params.get("paper") or "", ()), incomplete)


def _papers() -> dict[str, list[str]]:
    """Return the items of every paper by its source, because importing one takes seconds, most of them torch's."""
    found = {}
    for path in sorted(_PACKAGE.glob("papers/*.py")) + sorted(_PACKAGE.glob("papers/*/__init__.py")):
        source = path.read_text(encoding="utf-8")
        if re.search(r"^PAPER = ", source, re.MULTILINE):
            name = path.parent.name if path.name == "__init__.py" else path.stem
            found[name] = re.findall(r'\bItem\(\s*"([^"]+)"', source)
    return dict(sorted(found.items()))


def _offered(names: Iterable[str], incomplete: str, *, or_else: str | None = None) -> "list[CompletionItem]":
    """Return the names that begin like what was typed; the shell itself looks for files or folders if none does."""
    from click.shell_completion import CompletionItem

    # In bash, this kind of item discards those before it.
    from_disk: list[CompletionItem[Any]] = [CompletionItem(incomplete, type=or_else)] if or_else else []
    return [*from_disk, *(CompletionItem(name) for name in names if name.startswith(incomplete))]
