"""What messages promise."""

import re
import tomllib
from pathlib import Path

from twinscale.errors import install

ROOT = Path(__file__).parents[1]


def test_every_extra_that_a_message_names_exists_and_installs_from_a_clone_too() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    sources = {path: path.read_text() for path in (ROOT / "src").rglob("*.py")}
    named = {extra for text in sources.values() for extra in re.findall(r"\binstall\(['\"](\w+)['\"]\)", text)}
    assert {"train", "papers", "heif", "openvino", "cluster"} <= named <= set(extras)
    assert [path.name for path, text in sources.items() if "pip install 'twinscale[" in text] == ["errors.py"]
    assert install("train").endswith("pip install 'twinscale[train]', or in a clone with pip install '.[train]'")
