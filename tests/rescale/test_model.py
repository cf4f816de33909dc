"""Models whose cards do not say what their networks do, and what becomes of models that nobody needs any more."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.models import make_jpeg, make_pair, make_upscaler, make_webp_pair
from twinscale import load
from twinscale.engine import Runtime
from twinscale.errors import ModelError, OutOfMemoryError


@pytest.mark.parametrize(
    ("make", "old", "new", "message"),
    [
        (make_upscaler, '"interpolated"', '"small"', "made 3x2 pixels of 3x2"),
        (make_upscaler, 'colour = "rgb"', 'colour = "y"', "failed on 3x2"),
        (make_pair, "scale = 2", "scale = 4", "made 6x4 pixels of 3x2"),
        (make_pair, 'colour = "rgb"', 'colour = "y"', "failed on"),
        (make_pair, 'conditions = "none"', 'conditions = "jpeg"', "failed on"),
    ],
)
def test_a_card_that_does_not_fit_its_network(
    tmp_path: Path, make: Callable[..., Path], old: str, new: str, message: str
) -> None:
    """Seen when it is loaded, before there is a picture."""
    folder = make(tmp_path, 2, "rgb", name="wrong")
    card = folder / "card.toml"
    text = card.read_text(encoding="utf-8").replace("multiple_of = 2", "multiple_of = 4")
    card.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelError, match=f"model wrong/up.onnx ({message})") as caught:
        load(folder).enlargement  # noqa: B018
    assert "\n" not in str(caught.value)


def test_a_network_whose_sides_must_be_multiples_of_more(tmp_path: Path) -> None:
    folder = make_jpeg(tmp_path, 1, name="wrong")
    card = folder / "card.toml"
    text = card.read_text(encoding="utf-8")
    assert load(folder).enlargement.multiple_of == 2
    card.write_text(text.replace("multiple_of = 2", "multiple_of = 1"), encoding="utf-8")
    with pytest.raises(ModelError, match=r"model wrong/up.onnx (failed on 3x2|made 2x2 pixels of 3x2)"):
        load(folder).enlargement  # noqa: B018


def test_memory_that_runs_out_when_a_network_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(batch: np.ndarray) -> np.ndarray:
        raise MemoryError

    monkeypatch.setattr(Runtime, "load", lambda self, data, name: starved)
    with pytest.raises(OutOfMemoryError, match=r"memory ran out while model little/down.onnx was tried"):
        load(make_pair(tmp_path, 2, "rgb", name="little")).reduction  # noqa: B018


def test_a_channel_of_which_the_network_is_not_told(tmp_path: Path) -> None:
    folder = make_webp_pair(tmp_path, 2, name="wrong")
    card = folder / "card.toml"
    card.write_text(card.read_text(encoding="utf-8").replace('"quality"', '"jpeg"'), encoding="utf-8")
    with pytest.raises(ModelError, match="wrong: conditions = 'jpeg' must be none or quality for the channel file"):
        load(folder).channel  # noqa: B018


@pytest.mark.parametrize("make", [make_pair, make_upscaler])
def test_what_nobody_needs_any_more_is_freed_at_once(tmp_path: Path, make: Callable[..., Path]) -> None:
    """A session takes eighty megabytes, of which Python's garbage collector, which counts objects, sees nothing."""
    model = load(make(tmp_path, 2, "rgb", name="little"))
    references = [weakref.ref(model), weakref.ref(model.enlargement.function)]
    if model.card.kind == "pair":
        references.append(weakref.ref(model.reduction.function))
    gc.disable()
    try:
        del model
        assert [reference() for reference in references] == [None] * len(references)
    finally:
        gc.enable()
