"""``torch.func``: nestings, trees of arguments, randomness, modules, errors."""

from __future__ import annotations

import pytest

import flambeau as torch

func, vmap = torch.func, torch.vmap


def vector(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def cubes(x: torch.Tensor) -> torch.Tensor:
    return (x**3).sum()


# ---- nestings


def test_vmap_of_grad() -> None:
    """The gradient of each example, with respect to what all of them share."""
    weight, inputs = vector(1.0, 2.0), torch.arange(6, dtype=torch.float64).reshape(3, 2)

    def loss(w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return (w * x).sum() ** 2

    each = vmap(func.grad(loss), in_dims=(None, 0))(weight, inputs)
    assert torch.allclose(each, 2 * (inputs @ weight)[:, None] * inputs)


def test_grad_of_vmap() -> None:
    """The gradient goes through the mapped function."""
    x = vector(1.0, 2.0, 3.0)
    grad = func.grad(lambda v: vmap(lambda a: a.sin() * a)(v).sum())(x)
    assert torch.allclose(grad, x.cos() * x + x.sin())


def test_vmap_of_vmap() -> None:
    """All pairs."""
    a, b = vector(1.0, 2.0), vector(3.0, 4.0, 5.0)
    pairs = vmap(lambda x: vmap(lambda y: x * y + x)(b))(a)
    assert torch.equal(pairs, a[:, None] * b + a[:, None])


@pytest.mark.parametrize("outer", [func.jacfwd, func.jacrev])
@pytest.mark.parametrize("inner", [func.jacfwd, func.jacrev])
def test_jacobians_of_jacobians(outer, inner) -> None:
    """Every order of forward and reverse mode gives the second derivatives."""
    x = vector(1.0, 2.0)
    expected = torch.stack([torch.diag(vector(6.0, 0.0)), torch.diag(vector(0.0, 12.0))])
    assert torch.allclose(outer(inner(lambda v: v**3))(x), expected)


def test_hessian_of_each_example() -> None:
    """vmap of forward over reverse mode."""
    x = torch.arange(6, dtype=torch.float64).reshape(3, 2)
    assert torch.allclose(vmap(func.hessian(cubes))(x), torch.diag_embed(6 * x))


def test_higher_gradients() -> None:
    """grad nests to any depth, and its results can be differentiated outside."""
    third = func.grad(func.grad(func.grad(torch.sin)))
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    y = third(x)
    y.backward()
    assert torch.allclose(y, -x.cos())
    assert torch.allclose(x.grad, x.detach().sin())


def test_jvp_of_grad() -> None:
    """A product of the Hessian with a vector."""
    x, v = vector(1.0, 2.0), vector(1.0, 1.0)
    grad, moved = func.jvp(func.grad(cubes), (x,), (v,))
    assert (grad.tolist(), moved.tolist()) == ([3.0, 12.0], [6.0, 12.0])


def test_in_place_inside() -> None:
    """Writes inside of transforms are functions of what was written."""

    def twice(x: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        y.mul_(x)
        y[0] += 1
        return y

    x = torch.arange(6, dtype=torch.float64).reshape(3, 2)
    assert torch.equal(vmap(twice)(x), x * x + vector(1.0, 0.0))
    assert torch.equal(func.grad(lambda v: twice(v).sum())(x[1]), 2 * x[1])
    assert torch.equal(func.jvp(twice, (x[1],), (vector(1.0, 1.0),))[1], 2 * x[1])


# ---- single transforms


def test_linearize() -> None:
    """The value, and the function that multiplies with the Jacobian there."""
    x, v = vector(0.0, 1.0), vector(2.0, 3.0)
    value, push = func.linearize(torch.exp, x)
    assert torch.equal(value, x.exp())
    assert torch.allclose(push(v), x.exp() * v)


def test_vjp_and_trees() -> None:
    """Arguments and results are trees; gradients have their shape."""
    args = {"a": vector(1.0, 2.0), "b": (vector(3.0),)}
    out, pull = func.vjp(lambda d: (d["a"] * d["b"][0], d["a"].sum()), args)
    (grads,) = pull((vector(1.0, 1.0), torch.tensor(1.0, dtype=torch.float64)))
    assert out[1].item() == 3.0
    assert (grads["a"].tolist(), grads["b"][0].tolist()) == ([4.0, 4.0], [3.0])


def test_aux_and_argnums() -> None:
    """What is returned beside, and derivatives with respect to several arguments."""
    grads, (value, aux) = func.grad_and_value(
        lambda a, b: ((a * b).sum(), a), argnums=(0, 1), has_aux=True
    )(vector(2.0), vector(3.0))
    assert [g.item() for g in grads] == [3.0, 2.0]
    assert (value.item(), aux.item()) == (6.0, 2.0)
    jacobians = func.jacrev(lambda a, b: a * b, argnums=(0, 1))(vector(2.0), vector(3.0))
    assert [j.item() for j in jacobians] == [3.0, 2.0]


def test_dimensions_of_trees() -> None:
    """in_dims and out_dims follow the structure; negative ones count from the end."""
    tree = {"a": torch.ones(2, 3), "b": (torch.ones(3, 2),)}
    out = vmap(
        lambda d: {"s": d["a"] + d["b"][0], "c": torch.ones(2)},
        in_dims=({"a": 0, "b": (-1,)},),
        out_dims={"s": 1, "c": 0},
    )(tree)
    assert (tuple(out["s"].shape), tuple(out["c"].shape)) == ((3, 2), (2, 2))
    ones = torch.ones(3)
    assert torch.equal(vmap(torch.sub, in_dims=(0, None))(ones, ones[0]), 0 * ones)


def test_chunks() -> None:
    """Pieces of any size give the same."""
    x = torch.arange(10, dtype=torch.float64).reshape(5, 2)
    for size in (1, 2, 3, 5, 7):
        assert torch.equal(vmap(cubes, chunk_size=size)(x), (x**3).sum(1))


def test_randomness() -> None:
    """The same draw for all examples, one for each, or an error."""
    x = torch.zeros(3, 4)
    draw = lambda v: v + torch.rand(4)  # noqa: E731
    same, different = vmap(draw, randomness="same")(x), vmap(draw, randomness="different")(x)
    assert torch.equal(same[0], same[1])
    assert not torch.equal(different[0], different[1])
    with pytest.raises(RuntimeError, match="called random operation while in randomness error"):
        vmap(draw)(x)


# ---- modules


def test_functional_call() -> None:
    """Other parameters for one call; the module keeps its own."""
    module = torch.nn.Linear(2, 1)
    weight, kept = torch.ones(1, 2), module.weight.detach().clone()
    values = {"weight": weight, "bias": torch.zeros(1)}
    assert func.functional_call(module, values, (torch.ones(1, 2),)).item() == 2.0
    assert torch.equal(module.weight, kept)
    with pytest.raises(
        RuntimeError, match="Error\\(s\\) in reparametrizing for Linear:\n\tMissing"
    ):
        func.functional_call(module, {"weight": weight}, (torch.ones(1, 2),), strict=True)
    with pytest.raises(ValueError, match="appeared in multiple dictionaries"):
        func.functional_call(module, (values, values), (torch.ones(1, 2),))


def test_ensembles() -> None:
    """Several models of a kind as one, and the gradient of each."""
    models = [torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh()) for _ in range(4)]
    parameters, buffers = func.stack_module_state(models)
    x = torch.ones(5, 2)
    run = lambda p, b: func.functional_call(models[0], (p, b), (x,))  # noqa: E731
    together = vmap(run)(parameters, buffers)
    assert torch.allclose(together, torch.stack([m(x) for m in models]))
    grads = vmap(func.grad(lambda p, b: run(p, b).sum()))(parameters, buffers)
    models[2](x).sum().backward()
    assert torch.allclose(grads["0.weight"][2], models[2][0].weight.grad)


# ---- refusals


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: vmap(torch.add)(x, torch.ones(3)), ValueError, "Expected all tensors to have"),
        (lambda x: vmap(lambda: 1)(), ValueError, "got no inputs. Maybe you forgot"),
        (lambda x: vmap(torch.sin, in_dims=3)(x), ValueError, "Got in_dim=3 for some input, but"),
        (lambda x: vmap(lambda a: a.item())(x), RuntimeError, "you're calling .item\\(\\) on a"),
        (lambda x: vmap(lambda a: a if a > 0 else -a)(x), RuntimeError, "data-dependent control"),
        (lambda x: vmap(torch.sin, out_dims=None)(x), ValueError, "can not return a BatchedTensor"),
        (lambda x: vmap(lambda a: 3)(x), ValueError, "must only return Tensors, got type <class"),
        (lambda x: vmap(torch.sin, chunk_size=0)(x), ValueError, "chunk_size should be None or"),
        (lambda x: vmap(torch.sin, randomness="x")(x), RuntimeError, "Only allowed values for"),
        (
            lambda x: func.grad(torch.sin)(x),
            RuntimeError,
            "return a scalar Tensor, got tensor with",
        ),
        (
            lambda x: func.grad(lambda a: 3)(x),
            RuntimeError,
            "to return a Tensor, got <class 'int'>",
        ),
        (lambda x: func.jvp(torch.sin, x, x), RuntimeError, "Expected primals to be a tuple."),
    ],
)
def test_refusals(call, error: type[Exception], message: str) -> None:
    """Arguments and results that transforms do not take."""
    with pytest.raises(error, match=message):
        call(torch.ones(2))
