"""In-place writes to views: values, gradients and refusals are PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import flambeau as torch

Program = Callable[[Any, Any], Any]
PROGRAMS: dict[str, Program] = {}


def program(function: Program) -> Program:
    """Registers a function of the library and a leaf of shape (3, 4); it returns tensors."""
    PROGRAMS[function.__name__] = function
    return function


def leaf(torch: Any) -> Any:
    """The leaf that every program starts from."""
    return torch.arange(12, dtype=torch.float64).reshape(3, 4).mul(0.25).sub(1).requires_grad_()


@program
def view_of_base(torch: Any, x: Any) -> Any:
    base = x * x
    base.view(12).mul_(2)
    return base


@program
def view_made_before(torch: Any, x: Any) -> Any:
    base = x * 1
    first, flat = base[0], base.view(12)
    flat.mul_(x.reshape(-1))
    return base, first, flat


@program
def nested_views(torch: Any, x: Any) -> Any:
    base = x * 1
    turned = base.t()
    inner = turned[1:3]
    inner.mul_(2)
    inner[0].add_(x[:, 0])
    return base, turned, inner


@program
def rows_and_columns(torch: Any, x: Any) -> Any:
    base = x * 2
    base[0] = 5.0
    base[:, 1] = x[:, 0] * x[:, 3]
    base[1:, ::2] *= 3
    return base


@program
def states_collected(torch: Any, x: Any) -> Any:
    outputs, state = torch.zeros(3, 5, 4, dtype=torch.float64), x
    for t in range(5):
        state = state * 0.9 + 0.1
        outputs[:, t] = state
    return outputs


@program
def base_written(torch: Any, x: Any) -> Any:
    base = x * 1
    row, expanded = base[0], base.expand(2, 3, 4)
    base.mul_(3)
    return row, expanded


@program
def row_from_row(torch: Any, x: Any) -> Any:
    base = x * 1
    for i in range(3):
        base[i] = base[i] + base[(i + 1) % 3] * 0.5
    return base


@program
def diagonal_and_strided(torch: Any, x: Any) -> Any:
    base = x * 1
    base.diagonal().mul_(2)
    base.as_strided((2, 2), (1, 3), 1).add_(x[:2, :2])
    return base


@program
def masks_and_indices(torch: Any, x: Any) -> Any:
    base = x * 1
    base[torch.tensor([0, 2])] *= 3
    base[:, 1].masked_fill_(base[:, 1] > 0, 0.25)
    base[1:][:, torch.tensor([True, False, False, True])] = x[:2, :2]
    return base


@program
def changed_in_shape(torch: Any, x: Any) -> Any:
    base = x * 1
    row = base[0]
    row.unsqueeze_(0)
    row.mul_(2)
    base.t_()
    base.mul_(x.t())
    return base, row


@program
def real_part(torch: Any, x: Any) -> Any:
    base = torch.complex(x * 1, x * 2)
    base.real.mul_(3)
    torch.view_as_real(base)[..., 1].add_(x)
    return torch.view_as_real(base)


@program
def into_plain_memory(torch: Any, x: Any) -> Any:
    base = torch.zeros(2, 3, 4, dtype=torch.float64)
    row, flat = base[0], base.view(24)
    row.add_(x)
    return base, row, flat


@program
def without_grad(torch: Any, x: Any) -> Any:
    with torch.no_grad():
        x[0] = 7
        x.view(12)[1:3].mul_(2)
    return x * x


# ---- refused


@program
def leaf_refused(torch: Any, x: Any) -> Any:
    x[0] = 1


@program
def view_of_leaf_refused(torch: Any, x: Any) -> Any:
    x.view(12).mul_(2)


@program
def output_of_several_refused(torch: Any, x: Any) -> Any:
    (x * 1).unbind()[0].mul_(2)


@program
def stale_output_refused(torch: Any, x: Any) -> Any:
    base = x * 1
    row = base.split(1)[0]
    base.mul_(2)
    return row * 2


@program
def view_from_no_grad_refused(torch: Any, x: Any) -> Any:
    base = x * 1
    with torch.no_grad():
        row = base[0]
    row.mul_(2)


@program
def saved_then_written(torch: Any, x: Any) -> Any:
    base = x * 1
    product = base * base
    base[0] = 0
    return product


@program
def expanded_refused(torch: Any, x: Any) -> Any:
    (x[:1] * 1).expand(3, 4).mul_(2)


def outcome(torch: Any, function: Program) -> str:
    """The values of a program with its first and second gradients, in short; or the error."""
    x = leaf(torch)
    try:
        result = function(torch, x)
        results = result if isinstance(result, tuple) else (result,)
        total = sum((i + 1) * (r * r).sum() for i, r in enumerate(results))
        (grad,) = torch.autograd.grad(total, x, create_graph=True)
        (second,) = torch.autograd.grad((grad * grad).sum(), x)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    rows = [total.detach(), *grad.detach(), *second]
    return " ".join([f"{value:.6g}" for row in rows for value in row.reshape(-1).tolist()])


# What PyTorch 2.13 gives.
EXPECTED = {
    "view_of_base": (
        "78.5938 -16 -6.75 -2 -0.25 0 0.25 2 6.75 16 31.25 54 85.75 -1536 -364.5 -48 -1.5 0 "
        "1.5 48 364.5 1536 4687.5 11664 25210.5"
    ),
    "view_made_before": (
        "81.3594 -24 -10.125 -3 -0.375 0 0.25 2 6.75 16 31.25 54 85.75 -3456 -820.125 -108 "
        "-3.375 0 1.5 48 364.5 1536 4687.5 11664 25210.5"
    ),
    "nested_views": (
        "195.562 -36 -60 -24 -1.5 6 12 24 4.5 48 84 72 10.5 -4176 -7488 -2304 -18 792 1440 "
        "2304 54 5760 10368 6912 126"
    ),
    "rows_and_columns": (
        "218.625 -0.125 0 0 -0.5 0 0 36 6 78.125 0 108 17.5 -1.03125 0 0 -2.25 0 0 5184 96 "
        "12452 0 15552 1443.75"
    ),
    "states_collected": (
        "42.5485 -3.73557 -2.34722 -0.95888 0.429463 1.81781 3.20615 4.59449 5.98284 7.37118 "
        "8.75952 10.1479 11.5362 -41.49 -26.07 -10.65 4.76994 20.1899 35.6099 51.0299 66.4499 "
        "81.8698 97.2898 112.71 128.13"
    ),
    "base_written": (
        "399.375 -90 -67.5 -45 -22.5 0 18 36 54 72 90 108 126 -16200 -12150 -8100 -4050 0 2592 "
        "5184 7776 10368 12960 15552 18144"
    ),
    "row_from_row": (
        "12.9922 -1.5 -0.3125 0.875 2.0625 0.25 1.59375 2.9375 4.28125 1.5 2.75 4 5.25 -3.875 "
        "7.92188 19.7188 31.5156 2.0625 15.8359 29.6094 43.3828 5.25 17.9062 30.5625 43.2188"
    ),
    "diagonal_and_strided": (
        "23.9375 -11.5 -5 -1 -0.5 -2.5 4.5 1 1.5 2 2.5 12 3.5 -250 -96 -14 -2 -44 162 4 6 8 10 "
        "192 14"
    ),
    "masks_and_indices": (
        "39.125 -20 -15 -9 -4.5 0 0.5 1 0 0 0 27 0 -800 -600 -324 -162 0 2 4 0 0 0 972 0"
    ),
    "changed_in_shape": (
        "34.8594 -48 -20.25 -6 -0.75 0 0.0625 0.5 1.6875 4 7.8125 13.5 21.4375 -13824 -3280.5 "
        "-432 -13.5 0 0.09375 3 22.7812 96 292.969 729 1575.66"
    ),
    "real_part": (
        "191.25 -36 -27 -18 -9 0 9 18 27 36 45 54 63 -2592 -1944 -1296 -648 0 648 1296 1944 "
        "2592 3240 3888 4536"
    ),
    "into_plain_memory": (
        "63.75 -12 -9 -6 -3 0 3 6 9 12 15 18 21 -288 -216 -144 -72 0 72 144 216 288 360 432 504"
    ),
    "without_grad": (
        "81652.3 1372 10976 10976 1372 0 0.0625 0.5 1.6875 4 7.8125 13.5 21.4375 1.61347e+06 "
        "5.16311e+07 5.16311e+07 1.61347e+06 0 0.09375 3 22.7812 96 292.969 729 1575.66"
    ),
    "leaf_refused": (
        "RuntimeError: a view of a leaf Variable that requires grad is being used in an "
        "in-place operation."
    ),
    "view_of_leaf_refused": (
        "RuntimeError: a view of a leaf Variable that requires grad is being used in an "
        "in-place operation."
    ),
    "output_of_several_refused": (
        "RuntimeError: Output 0 of Unbind is a view and is being modified inplace. This view "
        "is the output of a function that returns multiple views. Such functions do not allow "
        "the output views to be modified inplace. You should replace the inplace operation by "
        "an out-of-place one."
    ),
    "stale_output_refused": (
        "RuntimeError: Output 0 of Split is a view and its base or another view of its base "
        "has been modified inplace. This view is the output of a function that returns "
        "multiple views. Such functions do not allow the output views to be modified inplace. "
        "You should replace the inplace operation by an out-of-place one."
    ),
    "view_from_no_grad_refused": (
        "RuntimeError: A view was created in no_grad mode and is being modified inplace with "
        "grad mode enabled. Given that this use case is ambiguous and error-prone, it is "
        "forbidden. You can clarify your code by moving both the view and the inplace either "
        "both inside the no_grad block (if you don't want the inplace to be tracked) or both "
        "outside (if you want the inplace to be tracked)."
    ),
    "saved_then_written": (
        "RuntimeError: one of the variables needed for gradient computation has been modified "
        "by an inplace operation: [torch.DoubleTensor [3, 4]], which is output 0 of "
        "torch::autograd::CopySlices, is at version 1; expected version 0 instead. Hint: "
        "enable anomaly detection to find the operation that failed to compute its gradient, "
        "with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    ),
    "expanded_refused": (
        "RuntimeError: unsupported operation: more than one element of the written-to tensor "
        "refers to a single memory location. Please clone() the tensor before performing the "
        "operation."
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    assert outcome(torch, PROGRAMS[name]) == EXPECTED[name]


def test_counter_of_writes() -> None:
    x = torch.zeros(3)
    x[0] = 1
    x.view(3).mul_(2)
    x.detach().add_(1)
    x[1:][torch.tensor([0])] = 3
    assert x._version == 4
    assert x.tolist() == [3, 3, 1]
