"""What ``import twinscale`` gives, and what it costs."""

import subprocess
import sys

import pytest

import twinscale

CALLABLE = [
    *("Card", "Evaluation", "Model", "Packed", "Picture", "Runtime", "Shrunk", "TwinscaleError"),
    *("evaluate", "list_models", "load", "pack", "repair", "restore", "shrink", "upscale"),
]
NAMES = sorted([*CALLABLE, "ModelLike", "PictureLike"])


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after some code."""
    script = f"import sys; {code}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_import_costs_nothing() -> None:
    loaded = modules_after("import twinscale; twinscale.__version__")
    assert "twinscale" in loaded
    assert not loaded & {"torch", "numpy", "PIL", "onnxruntime", "imagecodecs", "onnx", "click", "rich"}


def test_using_it_never_imports_torch() -> None:
    code = "import twinscale; from twinscale import *; twinscale.Picture, twinscale.shrink, twinscale.evaluate"
    loaded = modules_after(code)
    assert "numpy" in loaded
    assert not loaded & {"torch", "onnx", "safetensors", "lightning_fabric", "skimage", "scipy"}


def test_names() -> None:
    assert sorted(twinscale.__all__) == NAMES
    for name in CALLABLE:
        assert getattr(twinscale, name).__name__ == name
        assert getattr(twinscale, name).__doc__
    assert "Picture" in str(twinscale.PictureLike)
    assert "Model" in str(twinscale.ModelLike)
    assert issubclass(twinscale.errors.UsageError, twinscale.TwinscaleError)
    assert set(NAMES) <= set(dir(twinscale))
    assert "__version__" in dir(twinscale)


def test_dir_is_complete_before_anything_is_used() -> None:
    script = "import twinscale; print(*dir(twinscale))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert set(NAMES) <= set(done.stdout.split())


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'twinscale' has no attribute 'enhance'"):
        _ = twinscale.enhance
    with pytest.raises(ImportError, match="enhance"):
        from twinscale import enhance  # noqa: F401


def test_version_is_a_version() -> None:
    assert all(part.isdigit() for part in twinscale.__version__.split(".")[:2])
