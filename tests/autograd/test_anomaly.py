"""``detect_anomaly``: NaN among gradients, and the line that made the node."""

from __future__ import annotations

import threading

import pytest

import flambeau as torch

pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection", "ignore:Error detected in")
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


def warned(loss: torch.Tensor, kind: type[Exception], error: str, warning: str) -> str:
    """The warning of a pass that fails."""
    with pytest.warns(UserWarning, match=warning) as told, pytest.raises(kind, match=error):
        loss.backward()
    return str(told[0].message)


def square_root(x: torch.Tensor) -> torch.Tensor:
    return x.sqrt()


def test_the_lines_that_made_the_node() -> None:
    """An error in the pass warns of the program's lines, the innermost last."""
    with torch.autograd.detect_anomaly():
        loss = (square_root(torch.tensor(0.0, requires_grad=True)) * 0).sum()
        told = warned(loss, RuntimeError, NAN, "Error detected in SqrtBackward0. Traceback")
    lines = told.rstrip().splitlines()
    assert lines[0].endswith("Traceback of forward call that caused the error:")
    assert lines[-1] == "    return x.sqrt()" and lines[-2].endswith("in square_root")
    assert lines[-3] == "    loss = (square_root(torch.tensor(0.0, requires_grad=True)) * 0).sum()"


def test_a_node_made_before() -> None:
    loss = zero_times_infinity()
    with torch.autograd.detect_anomaly():
        warned(loss, RuntimeError, NAN, "No forward pass information available. Enable detect")


def test_an_error_of_a_function() -> None:
    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: object, grad: torch.Tensor) -> torch.Tensor:
            raise ValueError("mine")

    with torch.autograd.detect_anomaly():
        result = Failing.apply(torch.tensor(1.0, requires_grad=True))
        told = warned(result, ValueError, "mine", "Error detected in FailingBackward. Traceback")
    assert "result = Failing.apply(" in told


def test_all_threads() -> None:
    """The switch is the process's."""
    found = []
    with torch.autograd.set_detect_anomaly(True):
        thread = threading.Thread(target=lambda: found.append(torch.is_anomaly_enabled()))
        thread.start()
        thread.join()
    assert found == [True]
