"""Every algorithm: PyTorch's parameters after six steps, in each form that can be taken."""

from __future__ import annotations

import pytest

import flambeau as torch
from flambeau import nn, optim

START = [1.0, -2.0, 0.5]
GRADS = [
    [0.5, -1.0, 2.0], [1.0, 0.25, -0.5], [-0.5, -0.5, 1.0], [0.1, 0.2, 0.3], [2.0, -1.0, 0.75],
    [0.3, 0.3, -0.9],
]  # fmt: skip

# algorithm, options, the parameter after the six steps (PyTorch 2.13, float64)
FACTS = [
    ("SGD", {"lr": 0.1}, [0.66, -1.825, 0.235]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1},
     [-0.052406740794, -1.039856560662, -0.737651083505]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}, [-0.15804555, -1.24546165, -0.8540567]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "maximize": True},
     [1.5716095, -2.55624525, 1.5735905]),
    ("Adam", {"lr": 0.1}, [0.59757166331, -1.652059149179, 0.14100757812]),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1},
     [0.568267209948, -1.569905578299, 0.131470235779]),
    ("Adam", {"lr": 0.1, "maximize": True}, [1.40242833669, -2.347940850821, 0.85899242188]),
    ("AdamW", {"lr": 0.1}, [0.592738809016, -1.641095217158, 0.139058905003]),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.1}, [0.68700429351, -1.683713978871, 0.235848405572]),
    ("NAdam", {"lr": 0.1}, [0.671362121392, -1.798200186141, 0.326340390803]),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
     [0.622195704332, -1.687825923771, 0.304065038312]),
    ("RAdam", {"lr": 0.1}, [0.751466863774, -1.760626706478, 0.017328000238]),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
     [0.700433614746, -1.651889343798, 0.004926411131]),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}, [0.777138485336, -1.865134806521, 0.376800775938]),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5},
     [0.801245614797, -1.874185637927, 0.378415075687]),
    ("Adadelta", {"lr": 0.1, "weight_decay": 0.1},
     [0.998727711143, -1.99916210433, 0.499499401316]),
    ("RMSprop", {"lr": 0.01}, [0.744937198802, -1.851415062916, 0.371247424169]),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True},
     [0.101430300904, -1.417696863327, -0.083608159154]),
    ("Rprop", {"lr": 0.1}, [0.5616, -1.825, 0.218]),
    ("ASGD", {"lr": 0.1, "t0": 2}, [0.659954551661, -1.824888095011, 0.23498302963]),
    ("Adafactor", {"lr": 0.1}, [0.608356791242, -1.786798590334, 0.315274874125]),
]  # fmt: skip
DIFFERENTIABLE = [fact for fact in FACTS if fact[0] != "Adafactor"]


def stepped(name, options, dtype=torch.float64):
    parameter = nn.Parameter(torch.tensor(START, dtype=dtype))
    if options.get("differentiable"):
        parameter = parameter.clone()
    optimizer = getattr(optim, name)([parameter], **options)
    for values in GRADS:
        parameter.grad = torch.tensor(values, dtype=dtype)
        optimizer.step()
    return parameter.detach()


@pytest.mark.parametrize(("name", "options", "expected"), FACTS)
def test_six_steps(name, options, expected):
    assert stepped(name, options).tolist() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("name", "options", "expected"), FACTS[:9])
def test_float32_through_the_kernels(name, options, expected):
    assert stepped(name, options, torch.float32).tolist() == pytest.approx(expected, abs=3e-6)


@pytest.mark.parametrize(("name", "options", "expected"), DIFFERENTIABLE)
def test_the_recorded_form_takes_the_same_steps(name, options, expected):
    """Without the kernels: a differentiable step records every operation."""
    found = stepped(name, options | {"differentiable": True})
    assert found.tolist() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "NAdam"])
def test_gradients_flow_through_a_differentiable_step(name):
    start = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    gradient = torch.tensor([0.5, -0.25], dtype=torch.float64, requires_grad=True)
    parameter = start.clone()
    parameter.grad = gradient
    getattr(optim, name)([parameter], lr=0.1, differentiable=True).step()
    parameter.sum().backward()
    assert start.grad.tolist() == [1.0, 1.0]
    assert gradient.grad is not None


@pytest.mark.parametrize(("name", "options", "expected"), DIFFERENTIABLE)
def test_complex_parameters_step_as_their_parts(name, options, expected):
    parameter = nn.Parameter(
        torch.complex(torch.tensor(START), torch.tensor(START)).to(torch.complex128)
    )
    optimizer = getattr(optim, name)([parameter], **options)
    for values in GRADS:
        grad = torch.tensor(values, dtype=torch.float64)
        parameter.grad = torch.complex(grad, grad)
        optimizer.step()
    assert parameter.detach().real.tolist() == pytest.approx(expected, abs=1e-7)
    assert parameter.detach().imag.tolist() == pytest.approx(expected, abs=1e-7)


def test_adafactor_on_a_matrix():
    start = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]], dtype=torch.float64)
    parameter = nn.Parameter(start)
    optimizer = optim.Adafactor([parameter], lr=0.1)
    grad = torch.tensor([[1.0, -2.0], [0.5, 0.5], [2.0, 1.0]], dtype=torch.float64)
    for step in range(4):
        parameter.grad = grad * (step + 1)
        optimizer.step()
    expected = [
        [0.5944576925243523, 2.8110846149512954], [2.358781310408312, -1.641218689591688],
        [-0.3110846149512953, -0.15554230747564765],
    ]  # fmt: skip
    assert torch.allclose(parameter, torch.tensor(expected, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_minimum_of_rosenbrock(search):
    point = nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))
    optimizer = optim.LBFGS([point], lr=1 if search else 0.05, max_iter=400, line_search_fn=search)

    def closure():
        optimizer.zero_grad()
        x, y = point[0], point[1]
        loss = (1 - x) ** 2 + 100 * (y - x * x) ** 2
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert first.item() == pytest.approx(24.2)
    if search:
        assert point.tolist() == pytest.approx([0.9999814210791, 0.9999619651811], abs=1e-9)
    else:
        assert closure().item() < 5


def test_muon_makes_the_momentum_orthogonal():
    parameter = nn.Parameter(torch.zeros(4, 3))
    parameter.grad = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    optim.Muon([parameter], lr=1.0, weight_decay=0.0).step()
    gram = (parameter.detach().T @ parameter.detach()).double() / (4 / 3)
    diagonal = gram.diagonal()
    assert ((diagonal > 0.4) & (diagonal < 1.6)).all()
    assert (gram - diagonal.diag()).abs().max() < 0.35


def test_the_kernels_count_their_writes():
    """A backward pass that needs a parameter's old value must notice a step in between."""
    parameter = nn.Parameter(torch.ones(3))
    loss = (parameter * parameter).sum()
    parameter.grad = torch.ones(3)
    optim.SGD([parameter], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(
    ("most", "evaluations", "iterations"),
    [(1, 8, 4), (2, 8, 4), (3, 12, 8), (4, 17, 12), (10, 40, 28)],
)
def test_a_line_search_stays_within_max_eval(most, evaluations, iterations):
    """The evaluations and iterations of four steps, as PyTorch 2.13 counts them."""
    point = nn.Parameter(torch.tensor([-1.2, 1.0, -0.5, 0.8], dtype=torch.float64))
    optimizer = optim.LBFGS([point], max_eval=most, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (100 * (point[1:] - point[:-1] ** 2) ** 2 + (1 - point[:-1]) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(4):
        optimizer.step(closure)
    state = optimizer.state[point]
    assert (state["func_evals"], state["n_iter"]) == (evaluations, iterations)
