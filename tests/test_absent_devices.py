"""``torch.xpu``, ``torch.mps`` and ``torch.mtia``: what PyTorch 2.13 answers without a device."""

from __future__ import annotations

from typing import Any

import pytest

import flambeau as torch

STATE = torch.zeros(4, dtype=torch.uint8)
XPU = (AssertionError, "^Torch not compiled with XPU enabled$")
MPS = (RuntimeError, r"^Cannot execute {}\(\) without MPS backend\.$")
MTIA = (RuntimeError, r"^Cannot execute {}\(\) without MTIA backend\.$")
LIBRARY = (AssertionError, "^Torch not compiled with MTIA enabled. Ensure you have `import mtia")


def test_questions_have_answers() -> None:
    """What programs ask at their start never raises."""
    for module in (torch.xpu, torch.mps, torch.mtia):
        assert module.is_available() is False and module.device_count() == 0
        assert module.manual_seed(1) is None
    for module in (torch.xpu, torch.mtia):
        assert module.is_initialized() is False and module.manual_seed_all(1) is None
        assert module.seed() is None
    assert torch.xpu.is_bf16_supported() is False and torch.mtia.is_bf16_supported() is True
    assert torch.xpu.empty_cache() is None and torch.xpu.set_rng_state(STATE) is None
    assert torch.mtia.set_device(-1) is None


def _like(facts: tuple[type[Exception], str], name: str) -> tuple[type[Exception], str]:
    return facts[0], facts[1].format(name)


REFUSED = [
    ("xpu", "current_device", (), XPU), ("xpu", "set_device", (0,), XPU),
    ("xpu", "synchronize", (), XPU), ("xpu", "initial_seed", (), XPU),
    ("xpu", "get_rng_state", (), XPU),
    ("mps", "empty_cache", (), _like(MPS, "emptyCache")),
    ("mps", "synchronize", (), _like(MPS, "deviceSynchronize")),
    ("mps", "seed", (), _like(MPS, "getDefaultGenerator")),
    ("mps", "get_rng_state", (), _like(MPS, "getDefaultGenerator")),
    ("mps", "set_rng_state", (STATE,), _like(MPS, "getDefaultGenerator")),
    ("mtia", "current_device", (), _like(MTIA, "getCurrentDevice")),
    ("mtia", "set_device", (0,), _like(MTIA, "setCurrentDevice")),
    ("mtia", "synchronize", (), _like(MTIA, "getCurrentDevice")),
    ("mtia", "empty_cache", (), _like(MTIA, "emptyCache")),
    ("mtia", "set_rng_state", (STATE,), _like(MTIA, "getCurrentDevice")),
    ("mtia", "initial_seed", (), LIBRARY), ("mtia", "get_rng_state", (), LIBRARY),
    ("mtia", "set_device", ("mtia",), (ValueError, "^Expected a torch.device with a specified")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "args", "expected"), REFUSED)
def test_refusals(kind: str, name: str, args: Any, expected: Any) -> None:
    """The rest raises PyTorch's errors."""
    with pytest.raises(expected[0], match=expected[1]):
        getattr(getattr(torch, kind), name)(*args)
