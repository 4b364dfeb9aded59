"""The backward pass: what is visited, when, and what is left after it."""

from __future__ import annotations

import threading
import weakref

import pytest

import flambeau as torch

FREED = "Trying to backward through the graph a second time"


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_gradients_accumulate() -> None:
    """``.grad`` sums over passes, in place; None again, it starts anew."""
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    (3 * x).sum().backward()
    assert x.grad is first
    assert x.grad.tolist() == [5.0, 7.0]
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_diamonds_are_visited_once() -> None:
    """A node runs after all of its users: 2 ** 60 paths take 60 visits."""
    x, visits = leaf(1.0), []
    y = x * 1
    y.register_hook(lambda g: visits.append(g.item()))
    z = y
    for _ in range(60):
        z = z + z
    z.backward()
    assert visits == [2.0**60]
    assert x.grad.item() == 2.0**60


def test_gradient_does_not_share_memory_with_what_flows() -> None:
    """Two leaves that receive the same gradient own their ``.grad``, and the seed stays."""
    a, b, seed = leaf(1.0), leaf(2.0), torch.ones(1, dtype=torch.float64)
    (a + b).backward(seed)
    a.grad.add_(5)
    assert (b.grad.item(), seed.item()) == (1.0, 1.0)


def test_inputs_that_are_not_used() -> None:
    """None, zeros or an error, as asked."""
    x, other = leaf(3.0), leaf(1.0, 1.0)
    y = (x * x).sum()
    with pytest.raises(RuntimeError, match="index 1 appears to not have been used"):
        torch.autograd.grad(y, [x, other], retain_graph=True)
    grads = torch.autograd.grad(y, [x, other], retain_graph=True, allow_unused=True)
    assert (grads[0].item(), grads[1]) == (6.0, None)
    (zeros,) = torch.autograd.grad(y, other, materialize_grads=True)
    assert zeros.tolist() == [0.0, 0.0]
    assert x.grad is None


def test_backward_of_chosen_inputs() -> None:
    """Only these receive a gradient, results of operations among them."""
    a, b = leaf(2.0), leaf(5.0)
    middle = a * b
    (middle * middle).backward(inputs=[a, middle])
    assert (a.grad.item(), b.grad, middle.grad.item()) == (100.0, None, 20.0)
    with pytest.raises(
        RuntimeError, match=r"`inputs` argument to `backward\(\)` cannot be empty\."
    ):
        a.backward(inputs=[])


@pytest.mark.parametrize("graph", ["kept", "created"])
def test_graphs_that_stay(graph: str) -> None:
    """``retain_graph`` and ``create_graph`` leave what a second pass needs."""
    x = leaf(2.0)
    y = x**3
    y.backward(retain_graph=graph == "kept" or None, create_graph=graph == "created")
    y.backward()
    assert x.grad.item() == 24.0


def test_graphs_that_are_freed() -> None:
    """A second pass is an error where values were saved, and only there."""
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=FREED):
        y.backward()
    with pytest.raises(RuntimeError, match=FREED):
        y.grad_fn.next_functions[0][0]._saved_self
    linear = (x + 1).sum()
    linear.backward()
    linear.backward()


def test_derivatives_of_any_order() -> None:
    """The gradient of a gradient of a gradient: x ** 5 at 2."""
    x, found = leaf(2.0), []
    y = (x**5).sum()
    for _ in range(5):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        found.append(y.item())
    assert found == [80.0, 160.0, 240.0, 240.0, 120.0]


def test_batched_gradients() -> None:
    """``is_grads_batched`` is one pass for each row of the weights."""
    x = leaf(1.0, 2.0)
    (jacobian,) = torch.autograd.grad(
        x**3, x, torch.eye(2, dtype=torch.float64), is_grads_batched=True
    )
    assert jacobian.tolist() == [[3.0, 0.0], [0.0, 12.0]]


def test_long_chains() -> None:
    """50,000 nodes neither recurse on the way back nor when they are freed."""
    x = leaf(1.0)
    y = x
    for _ in range(50_000):
        y = y * 1.0
    y.backward(retain_graph=True)
    (grad,) = torch.autograd.grad(y, x, create_graph=True)
    assert x.grad.item() == grad.item() == 1.0
    node = weakref.ref(y.grad_fn)
    del y, grad
    assert node() is None


def test_memory_is_released_as_the_pass_goes() -> None:
    """What a node saved is gone before the nodes below it run."""
    x = leaf(*range(10))
    alive = []
    y = x * 1
    middle = y.exp()
    held = middle * 1
    saved = weakref.ref(held)
    out = (held * held).sum()
    del held
    y.register_hook(lambda g: alive.append(saved() is not None))
    assert saved() is not None
    out.backward()
    assert alive == [False]


def test_threads() -> None:
    """Passes through graphs of their own, in threads of their own, at the same time."""
    results = {}

    def work(k: int) -> None:
        x = leaf(float(k))
        y = x
        for _ in range(200):
            y = y * 1.0 + x
        y.backward()
        results[k] = x.grad.item()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), 201.0)


def test_a_pass_inside_of_a_pass() -> None:
    """A hook may run a backward pass of its own."""
    x, inner = leaf(2.0), leaf(3.0)
    y = x * 2

    def run_another(grad: torch.Tensor) -> None:
        assert not torch.is_grad_enabled()
        with torch.enable_grad():
            (inner * grad).sum().backward()

    y.register_hook(run_another)
    y.backward()
    assert (x.grad.item(), inner.grad.item()) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.detach().sum().backward(), "element 0 of tensors does not require grad"),
        (lambda x: (x * 2).backward(), "grad can be implicitly created only for scalar outputs"),
        (
            lambda x: (x * 2).backward(torch.ones(1)),
            r"Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[1\]\) and "
            r"output\[0\] has a shape of torch.Size\(\[2\]\).",
        ),
        (
            lambda x: (x[0] * 1j).backward(),
            "grad can be implicitly created only for real scalar outputs but got torch.complex128",
        ),
        (lambda x: torch.autograd.grad(x.sum(), torch.ones(2)), "does not require grad"),
    ],
)
def test_refusals(call, message) -> None:
    """Roots, weights and inputs that cannot be."""
    with pytest.raises(RuntimeError, match=message):
        call(leaf(1.0, 2.0))
