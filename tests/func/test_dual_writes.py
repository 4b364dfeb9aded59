"""In-place writes of dual numbers: to each other, to plain tensors, through views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import flambeau as torch
from flambeau.autograd import forward_ad

X = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
V = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
Pair = tuple[Any, Any]


def parts(tensor: torch.Tensor) -> Pair:
    primal, tangent = forward_ad.unpack_dual(tensor)
    return primal.tolist(), None if tangent is None else tangent.tolist()


def moving() -> torch.Tensor:
    return forward_ad.make_dual(X.clone(), V.clone())


def buffer(*shape: int) -> torch.Tensor:
    return torch.ones(*shape, dtype=torch.float64)


def test_both_parts_are_written_in_place() -> None:
    x, v = X.clone(), V.clone()
    with forward_ad.dual_level():
        y = forward_ad.make_dual(x, v)
        y.mul_(2)
        assert parts(y) == ([2, 4, 6], [1, -2, 4])
    assert x.tolist() == [2, 4, 6] and v.tolist() == [1, -2, 4]


def test_views_see_writes() -> None:
    with forward_ad.dual_level():
        y = moving() * 1
        first, last = y[0], y[1:]
        first.mul_(3)
        assert parts(y) == ([3, 2, 3], [1.5, -1, 2])
        y[1] = 7.0
        assert parts(last) == ([7, 3], [0, 2])


def test_an_operand_is_left_alone() -> None:
    with forward_ad.dual_level():
        y = moving()
        other = y.frac()
        other.mul_(2)
        assert parts(y)[1] == V.tolist()


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda b, y: b[0].copy_(y), ([[1, 2, 3], [1, 1, 1]], [[0.5, -1, 2], [0, 0, 0]])),
        (lambda b, y: b.mul_(y), ([[1, 2, 3], [1, 2, 3]], [[0.5, -1, 2], [0.5, -1, 2]])),
        (lambda b, y: b[:, 1:].add_(y[:2]), ([[1, 2, 3], [1, 2, 3]], [[0, 0.5, -1], [0, 0.5, -1]])),
        (
            lambda b, y: b.index_put_((torch.tensor([1]), torch.tensor([2])), y[1]),
            ([[1, 1, 1], [1, 1, 2]], [[0, 0, 0], [0, 0, -1]]),
        ),
    ],
)
def test_plain_tensors_become_dual(write: Any, expected: Pair) -> None:
    with forward_ad.dual_level():
        b = buffer(2, 3)
        write(b, moving())
        assert parts(b) == expected
        assert parts(b * 2)[1] == (2 * torch.tensor(expected[1])).tolist()
    assert parts(b) == (expected[0], None)


def test_a_leaf_and_out_refuse() -> None:
    with forward_ad.dual_level():
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used"):
            buffer(3).requires_grad_().mul_(moving())
        with pytest.raises(NotImplementedError, match="Trying to use forward AD with add_out"):
            torch.add(moving(), 1, out=buffer(3))


def test_gradients_of_a_buffer() -> None:
    with forward_ad.dual_level():
        leaf = buffer(3).requires_grad_()
        b = leaf * 1
        b.mul_(moving())
        (grad,) = torch.autograd.grad(b.sum(), leaf)
    assert grad.tolist() == X.tolist()


def test_tangents_have_the_history_of_a_dual_leaf() -> None:
    with forward_ad.dual_level():
        y = moving().requires_grad_()
        (slope,) = torch.autograd.grad((y**3).sum(), y, create_graph=True)
        tangent = forward_ad.unpack_dual(slope).tangent
        (second,) = torch.autograd.grad(tangent.sum(), y)
    assert tangent.requires_grad and tangent.tolist() == (6 * X * V).tolist()
    assert forward_ad.unpack_dual(second).primal.tolist() == (6 * V).tolist()


# ---- programs that write, against those that do not


def rows(x: Any) -> Any:
    y = x * 1
    y.mul_(x)
    y[0].mul_(x[1])
    y[1:] *= y[:2].clone()
    return (y * y).sum()


def rows_apart(x: Any) -> Any:
    y = x * x
    y = torch.cat((y[:1] * x[1], y[1:]))
    y = torch.cat((y[:1], y[1:] * y[:2]))
    return (y * y).sum()


def view_made_before(x: Any) -> Any:
    y = x * 2
    first = y[0:2]
    y.mul_(x)
    first.mul_(0.1).exp_()
    return (y**2).sum() + first.sum()


def view_made_before_apart(x: Any) -> Any:
    y = x * 2 * x
    first = (y[0:2] * 0.1).exp()
    return (torch.cat((first, y[2:])) ** 2).sum() + first.sum()


def filled_buffer(x: Any) -> Any:
    b = torch.zeros(2, 3, dtype=x.dtype)
    b[0] = x
    b[1] = x * x
    b[:, 1] *= x[0]
    return (b**2).sum()


def filled_buffer_apart(x: Any) -> Any:
    b = torch.stack((x, x * x))
    return (torch.stack((b[:, 0], b[:, 1] * x[0], b[:, 2])) ** 2).sum()


def added_by_index(x: Any) -> Any:
    y = x**2
    y[1] = 5.0
    y.index_add_(0, torch.tensor([0]), x[:1])
    return (y**3).sum()


def added_by_index_apart(x: Any) -> Any:
    y = x**2
    return (y[0] + x[0]) ** 3 + 5.0**3 + y[2] ** 3


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "jvp": lambda f: torch.func.jvp(f, (X,), (V,)),
    "jvp of grad": lambda f: torch.func.jvp(torch.func.grad(f), (X,), (V,)),
    "grad of jvp": lambda f: torch.func.grad(lambda x: torch.func.jvp(f, (x,), (V,))[1])(X),
    "jacrev of jacrev": lambda f: torch.func.jacrev(torch.func.jacrev(f))(X),
}


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize(
    ("written", "apart"),
    [
        (rows, rows_apart),
        (view_made_before, view_made_before_apart),
        (filled_buffer, filled_buffer_apart),
        (added_by_index, added_by_index_apart),
    ],
)
def test_a_program_that_writes(transform: str, written: Any, apart: Any) -> None:
    results = [TRANSFORMS[transform](f) for f in (written, apart)]
    pairs = zip(*results, strict=True) if isinstance(results[0], tuple) else [results]
    assert all([torch.allclose(actual, expected) for actual, expected in pairs])
