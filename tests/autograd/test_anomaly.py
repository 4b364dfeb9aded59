"""``detect_anomaly``: NaN among gradients, and the line that made the node."""

from __future__ import annotations

import pytest

import flambeau as torch

pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection")
NAN = "Function 'SqrtBackward0' returned nan values in its 0th output."


def zero_times_infinity() -> torch.Tensor:
    x = torch.tensor(0.0, requires_grad=True)
    return (x.sqrt() * 0).sum()


def test_nan_is_an_error() -> None:
    """Inside, unless ``check_nan`` is off; outside a NaN passes."""
    zero_times_infinity().backward()
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match=NAN):
        zero_times_infinity().backward()
    with torch.autograd.detect_anomaly(check_nan=False):
        zero_times_infinity().backward()
    zero_times_infinity().backward()


def test_switch() -> None:
    """``set_detect_anomaly`` holds until it is switched off, or for a block."""
    with torch.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match=NAN):
        zero_times_infinity().backward()
    assert not torch.is_anomaly_enabled()
    torch.autograd.set_detect_anomaly(True)
    try:
        assert torch.is_anomaly_enabled()
        assert torch.is_anomaly_check_nan_enabled()
    finally:
        torch.autograd.set_detect_anomaly(False)
    zero_times_infinity().backward()


def test_warning() -> None:
    """The context says that it is slow."""
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled."):
        torch.autograd.detect_anomaly()
