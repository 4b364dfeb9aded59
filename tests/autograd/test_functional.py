"""``torch.autograd.functional``: Jacobians, Hessians and products, against numbers by hand."""

from __future__ import annotations

import pytest

import flambeau as torch

F = torch.autograd.functional
STRICT = "Output 0 of the user-provided function does not require gradients."


def vector(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def cubes(x: torch.Tensor) -> torch.Tensor:
    return (x**3).sum()


def test_jacobian() -> None:
    """A block for each pair of an output and an input."""
    a, b = vector(1.0, 2.0), vector(3.0, 4.0)
    blocks = F.jacobian(lambda x, y: (x * y.sum(), x.prod()), (a, b))
    assert blocks[0][0].tolist() == [[7.0, 0.0], [0.0, 7.0]]
    assert blocks[0][1].tolist() == [[1.0, 1.0], [2.0, 2.0]]
    assert blocks[1][0].tolist() == [2.0, 1.0]
    assert blocks[1][1].tolist() == [0.0, 0.0]
    forward = F.jacobian(torch.exp, a, vectorize=True, strategy="forward-mode")
    assert torch.allclose(forward, a.exp().diag())


def test_hessian() -> None:
    """Second derivatives, mixed ones included."""
    assert F.hessian(cubes, vector(1.0, 2.0)).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    blocks = F.hessian(lambda x, y: (x * y * y).sum(), (vector(2.0), vector(3.0)))
    assert [[b.item() for b in row] for row in blocks] == [[0.0, 6.0], [6.0, 4.0]]


def test_products() -> None:
    """vjp and jvp, vhp and hvp give the function's value and the product."""
    x, v = vector(0.0, 1.0), vector(1.0, 2.0)
    for product in (F.vjp, F.jvp):
        out, moved = product(torch.exp, x, v)
        assert torch.allclose(out, x.exp())
        assert torch.allclose(moved, x.exp() * v)
    for product in (F.vhp, F.hvp):
        out, moved = product(cubes, vector(1.0, 2.0), vector(1.0, 1.0))
        assert (out.item(), moved.tolist()) == (9.0, [6.0, 12.0])


def test_graph_of_the_result() -> None:
    """``create_graph`` lets the result be differentiated, else it has no history."""
    x = vector(2.0).requires_grad_()
    assert not F.jacobian(cubes, x).requires_grad
    F.jacobian(cubes, x, create_graph=True).sum().backward()
    assert x.grad.item() == 12.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.jacobian(lambda a: vector(1.0), vector(1.0), strict=True), RuntimeError, STRICT),
        (lambda: F.hvp(lambda a: vector(1.0), vector(1.0), strict=True), RuntimeError, STRICT),
        (
            lambda: F.vjp(lambda a: a * 1, vector(0.0, 1.0)),
            RuntimeError,
            "The vector v can only be None if the user-provided function returns a single Tensor",
        ),
        (
            lambda: F.jvp(lambda a: a * 1, vector(0.0, 1.0), vector(1.0)),
            RuntimeError,
            r"v has invalid size: should be torch.Size\(\[2\]\) but got torch.Size\(\[1\]\).",
        ),
        (
            lambda: F.jacobian(lambda a: a, 1.0),
            TypeError,
            "The inputs given to jacobian must be either a Tensor or a tuple of Tensors but the "
            "given inputs has type <class 'float'>.",
        ),
        (lambda: F.hessian(lambda a: a * 1, vector(1.0, 2.0)), RuntimeError, "single element"),
    ],
)
def test_refusals(call, error: type[Exception], message: str) -> None:
    """Functions, vectors and inputs that do not fit."""
    with pytest.raises(error, match=message):
        call()
