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


def test_vmap_of_vjp() -> None:
    """Points and weights of each example; and weights alone, of a function at one point."""
    x, w = torch.arange(6, dtype=torch.float64).reshape(3, 2), vector(1.0, 2.0, 3.0)
    each = vmap(lambda a, b: func.vjp(lambda v: (v**3).sum(), a)[1](b)[0])(x, w)
    assert torch.allclose(each, 3 * x**2 * w[:, None])
    _, pull = func.vjp(lambda v: v**3, x[1])
    assert torch.allclose(vmap(pull)(x)[0], 3 * x[1] ** 2 * x)
    pairs = vmap(lambda a: vmap(func.vjp(torch.sin, a)[1])(x))(x)[0]
    assert torch.allclose(pairs, x.cos()[:, None] * x)


def test_vmap_of_jvp() -> None:
    """Tangents of each example, also of operators that differentiate their gradient for them."""
    x, moves = torch.linspace(0.5, 2.0, 6, dtype=torch.float64).reshape(3, 2), torch.ones(3, 2)
    push = lambda a, t: func.jvp(lambda v: v.cumprod(0), (a,), (t.double(),))[1]  # noqa: E731
    assert torch.allclose(vmap(push)(x, moves), torch.stack([x[:, 0] * 0 + 1, x.sum(1)], 1))
    shared = vmap(lambda t: push(x[0], t))(moves)
    assert torch.allclose(shared, vector(1.0, x[0].sum().item()).expand(3, 2))


@pytest.mark.parametrize("gradient", [func.grad, lambda f: lambda v: func.vjp(f, v)[1](one())[0]])
def test_gradients_of_what_transforms_do_not_see(gradient) -> None:
    """The gradient at a point from outside belongs to each example, and moves with the rest."""
    point, x = vector(3.0, 4.0), torch.arange(6, dtype=torch.float64).reshape(3, 2)
    product = lambda a: gradient(lambda v: (v * a).sum())(point)  # noqa: E731
    assert torch.equal(vmap(product)(x), x)
    assert torch.equal(func.jvp(product, (x[1],), (x[2],))[1], x[2])
    pairs = vmap(lambda a: vmap(lambda b: gradient(lambda v: (v * a * b).sum())(point))(x))(x)
    assert torch.equal(pairs, x[:, None] * x)


def one() -> torch.Tensor:
    return torch.tensor(1.0, dtype=torch.float64)


LAYERS = {
    "linear": (lambda: torch.nn.Linear(4, 2), (3, 4)),
    "conv": (lambda: torch.nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), (1, 2, 5, 5)),
    "transposed": (lambda: torch.nn.ConvTranspose1d(2, 3, 3, stride=2), (1, 2, 4)),
    "layer_norm": (lambda: torch.nn.LayerNorm(4), (3, 4)),
    "rms_norm": (lambda: torch.nn.RMSNorm(4), (3, 4)),
    "group_norm": (lambda: torch.nn.GroupNorm(2, 4), (2, 4, 3)),
    "batch_norm": (lambda: torch.nn.BatchNorm1d(3, track_running_stats=False), (4, 3)),
    "lstm": (lambda: torch.nn.LSTM(2, 3), (4, 1, 2)),
    "attention": (lambda: torch.nn.TransformerEncoderLayer(4, 2, 8, 0.0), (3, 1, 4)),
    "embedding": (lambda: torch.nn.Embedding(5, 3, padding_idx=1), None),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_each_example(name: str) -> None:
    """The gradients of the parameters that all examples share, for each example."""
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    layer = make().double()
    x = torch.arange(12).reshape(3, 4) % 5 if shape is None else torch.randn(3, *shape).double()
    parameters = dict(layer.named_parameters())

    def loss(values: dict[str, torch.Tensor], one: torch.Tensor) -> torch.Tensor:
        out = func.functional_call(layer, values, (one,))
        return ((out[0] if isinstance(out, tuple) else out) ** 3).sum()

    detached = {k: v.detach() for k, v in parameters.items()}
    each = vmap(func.grad(loss), in_dims=(None, 0))(detached, x)
    for i in range(3):
        layer.zero_grad()
        loss(parameters, x[i]).backward()
        for key, parameter in parameters.items():
            assert torch.allclose(each[key][i], parameter.grad), key


def test_gradients_of_gradients_inside_of_forward_mode() -> None:
    """The inner gradient is a function of the point of the outer one, and both move."""
    x, v = vector(1.0, 2.0), vector(1.0, 3.0)
    twice = func.grad(lambda a: (func.grad(cubes)(a) ** 2).sum())  # of 9 x^4: 36 x^3
    value, moved = func.jvp(twice, (x,), (v,))
    assert torch.allclose(value, 36 * x**3)
    assert torch.allclose(moved, 108 * x**2 * v)


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


def test_linearize_calls_the_function_once() -> None:
    calls = []

    def f(x: torch.Tensor) -> dict[str, torch.Tensor]:
        calls.append(1)
        return {"out": torch.nn.functional.dropout(x, 0.5) * x, "constant": torch.ones(2)}

    value, push = func.linearize(f, torch.full((8,), 3.0))
    for scale in (1.0, 2.0):
        moved = push(torch.full((8,), scale))
        assert torch.equal(moved["out"], value["out"] * 2 * scale / 3)
        assert moved["constant"].tolist() == [0, 0]
    assert len(calls) == 1
    basis = torch.eye(3)
    columns = func.vmap(func.linearize(torch.sin, torch.ones(3))[1])(basis)
    assert torch.allclose(columns, basis * torch.ones(3).cos())


def test_linearize_checks_tangents() -> None:
    _, push = func.linearize(torch.sin, torch.ones(3))
    with pytest.raises(RuntimeError, match="tangent:0 with shape"):
        push(torch.ones(2))
    with pytest.raises(RuntimeError, match=r"tangent:0 with dtype torch.float64 in flattened"):
        push(torch.ones(3, dtype=torch.float64))
    with pytest.raises(RuntimeError, match="to have the same argspec as the primals"):
        push(torch.ones(3), torch.ones(3))


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


DRAWS = {
    "rand_like": torch.rand_like,
    "dropout": lambda v: torch.dropout(v + 1, 0.5, True),
    "native_dropout": lambda v: torch.native_dropout(v + 1, 0.5, True)[0],
    "alpha_dropout": lambda v: torch.alpha_dropout(v + 1, 0.5, True),
    "normal_": lambda v: v.clone().normal_(),
    "randperm": lambda v: torch.randperm(64),
    "bernoulli": lambda v: torch.full((64,), 0.5).bernoulli(),
    "normal": lambda v: torch.normal(torch.zeros(64), 1.0),
    "multinomial": lambda v: torch.ones(64).multinomial(32),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws(name: str) -> None:
    """Each example has draws of its own, or all have the same, or none is allowed."""
    draw, x = DRAWS[name], torch.zeros(2, 64)
    same, different = vmap(draw, randomness="same")(x), vmap(draw, randomness="different")(x)
    assert torch.equal(same[0], same[1])
    assert not torch.equal(different[0], different[1])
    if name == "randperm":
        assert torch.equal(different.sort(-1)[0], torch.arange(64).expand(2, 64))
    with pytest.raises(RuntimeError, match="called random operation while in randomness error"):
        vmap(draw)(x)


def test_draws_in_nested_maps() -> None:
    """Each of two vmaps says for itself whether its examples draw for themselves."""
    x = torch.zeros(2, 3)

    def drawn(outer: str, inner: str) -> torch.Tensor:
        draw = vmap(lambda v: v + torch.rand(()), randomness=inner)
        return vmap(draw, randomness=outer)(x)

    assert drawn("same", "same").unique().numel() == 1
    by_row, by_column = drawn("different", "same"), drawn("same", "different")
    assert torch.equal(by_row, by_row[:, :1].expand(2, 3)) and by_row[0, 0] != by_row[1, 0]
    assert torch.equal(by_column, by_column[:1].expand(2, 3)) and by_column[0, 0] != by_column[0, 1]
    assert drawn("different", "different").unique().numel() == 6
    with pytest.raises(RuntimeError, match="in randomness error mode"):
        drawn("error", "same")
    with pytest.raises(RuntimeError, match="Cannot ask for different inplace randomness on an"):
        vmap(lambda v: torch.ones(3).normal_(), randomness="different")(x)


def test_new_tensors_like_mapped_ones() -> None:
    """What is made like a mapped tensor has a place for each example, and can be written to."""
    x = torch.arange(6.0).reshape(3, 2)
    assert torch.equal(vmap(lambda v: torch.zeros_like(v).add_(v))(x), x)
    assert torch.equal(vmap(lambda v: v.new_ones(2).mul_(v))(x), x)
    assert torch.equal(vmap(lambda v: v.new_full((2,), 2.0).mul_(v), in_dims=1)(x[:2]), 2 * x[:2].T)
    with pytest.raises(RuntimeError, match="`self` not being vmapped over"):
        vmap(lambda v: torch.zeros(2).add_(v))(x)


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


@pytest.mark.parametrize("ord", [0.5, 1, 2, float("inf")])
def test_norms_of_numbers(ord: float) -> None:
    """The gradient of a norm of one number looks at that number alone."""
    x = vector(3.0, -3.0, 2.0)
    grads = vmap(func.grad(lambda v: torch.linalg.vector_norm(v, ord)))(x)
    assert torch.allclose(grads, x.sign())


def test_hessian_of_a_product() -> None:
    """The gradient of ``prod`` looks for zeros, which a mapped tensor cannot answer."""
    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    expected = torch.tensor([[0.0, 3.0, 2.0], [3.0, 0.0, 1.0], [2.0, 1.0, 0.0]], dtype=x.dtype)
    for hessian in (torch.func.hessian, lambda f: torch.func.jacrev(torch.func.jacrev(f))):
        assert torch.equal(hessian(torch.prod)(x), expected)
