"""What PyTorch has removed or deprecated says so."""

from __future__ import annotations

from typing import Any

import pytest

import flambeau as torch

SQUARE = torch.tensor([[2.0, 1.0], [1.0, 3.0]])


@pytest.mark.parametrize("name", ["lstsq", "solve", "symeig", "eig", "matrix_rank"])
def test_removed_linear_algebra(name: str) -> None:
    given = (SQUARE, SQUARE) if name in ("lstsq", "solve") else (SQUARE,)
    forms: list[Any] = [getattr(torch, name)]
    if name != "matrix_rank":
        forms.append(getattr(torch.Tensor, name))
    for form in forms:
        with pytest.raises(RuntimeError, match=r"deprecated since version 1\.9 and is now removed"):
            form(*given)


def test_resize_keeps_the_elements() -> None:
    x = torch.arange(4.0, requires_grad=True)
    with pytest.warns(UserWarning, match="non-inplace resize is deprecated"):
        square = x.resize(2, 2)
    with pytest.warns(UserWarning, match="non-inplace resize_as is deprecated"):
        flat = square.resize_as(x)
    flat.sum().backward()
    assert (square.shape, flat.shape, x.grad.tolist()) == ((2, 2), (4,), [1.0] * 4)
    with (
        pytest.warns(UserWarning),
        pytest.raises(RuntimeError, match=r"requested resize to 3x1 \(3 elements in total\)"),
    ):
        x.resize((3, 1))


def test_names_of_old() -> None:
    x = torch.tensor(3.7)
    with pytest.warns(UserWarning, match="volatile was removed and now has no effect"):
        x.volatile = True
    with pytest.warns(UserWarning, match="is always False"):
        assert x.volatile is False
    assert (x.__long__(), x.__nonzero__()) == (3, True)
    with pytest.raises(RuntimeError, match=r"reinforce\(\) was removed"):
        x.reinforce(1)


def test_functions_of_other_kinds_of_tensors() -> None:
    for call in (lambda: SQUARE.to_padded_tensor(0.0), lambda: torch.native_norm(SQUARE)):
        with pytest.raises(NotImplementedError, match="with arguments from the 'CPU' backend"):
            call()


def test_how_gradients_are_summed() -> None:
    assert (torch.SUM.value, torch.AVG.value, type(torch.AVG).__name__) == (0, 1, "AggregationType")
    assert torch.AggregationType.AVG is torch.AVG


def test_anomaly_mode_is_set() -> None:
    assert torch.set_anomaly_enabled(True, check_nan=False) is None
    assert (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()) == (True, False)
    torch.set_anomaly_enabled(False)
    assert (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()) == (False, True)
    with pytest.raises(TypeError, match=r"'enabled' \(position 1\) must be bool, not int"):
        torch.set_anomaly_enabled(3)
