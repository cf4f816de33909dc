"""Which precision a machine is fit for."""

import pytest
import torch

from twinscale.training.cpu import usable_precision


@pytest.mark.parametrize(
    ("wanted", "accelerator", "cuda", "native", "expected"),
    [
        ("bf16-mixed", "cpu", False, False, "32-true"),
        ("bf16-mixed", "cpu", True, False, "32-true"),
        ("bf16-mixed", "auto", False, False, "32-true"),
        ("bf16-mixed", "auto", True, False, "bf16-mixed"),
        ("bf16-mixed", "cuda", True, False, "bf16-mixed"),
        ("bf16-mixed", "cpu", False, True, "bf16-mixed"),
        ("bf16-mixed", "auto", False, True, "bf16-mixed"),
        ("32-true", "cpu", False, False, "32-true"),
        ("32-true", "auto", True, True, "32-true"),
    ],
)
def test_usable_precision(monkeypatch, wanted, accelerator, cuda, native, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: native, raising=False)
    assert usable_precision(wanted, accelerator) == expected
