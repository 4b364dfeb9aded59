"""Custom functions that free what they saved, nested arguments, and ``Variable``."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import flambeau as torch
from flambeau.autograd import Function, NestedIOFunction, Variable


class Square(Function):
    clear_saved_tensors_on_access = True

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        with pytest.raises(RuntimeError, match="saved_tensors can only be accessed once when"):
            _ = ctx.saved_tensors
        return 2 * x * grad


def test_saved_tensors_are_given_away() -> None:
    """They can be read once; a second pass finds none."""
    x = torch.ones(2, requires_grad=True)
    y = Square.apply(x).sum()
    y.backward(retain_graph=True)
    assert x.grad.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="saved_tensors can only be accessed once when"):
        y.backward()


def test_saved_tensors_are_dropped_early() -> None:
    """``maybe_clear_saved_tensors`` works inside a pass that does not keep the graph."""
    held = []

    class Early(Square):
        clear_saved_tensors_on_access = False

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            ctx.maybe_clear_saved_tensors()
            try:
                held.append(len(ctx.saved_tensors))
            except RuntimeError:
                held.append("dropped")
            return grad

    x = torch.ones(2, requires_grad=True)
    y = Early.apply(x)
    y.grad_fn.maybe_clear_saved_tensors()
    assert len(y.grad_fn.saved_tensors) == 1
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert held == [1, "dropped"]


def test_boxed_gradients() -> None:
    """``backward`` may empty the list that holds the gradients of several outputs."""

    class Pair(Function):
        boxed_grads_call = True

        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor) -> Any:
            return x * 2, y * 3

        @staticmethod
        def backward(ctx: Any, grads: list[Any]) -> Any:
            return 2 * grads.pop(0), 3 * grads.pop(0)

    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    first, _ = Pair.apply(x, y)
    first.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0] and y.grad.tolist() == [0.0, 0.0]
    node = first.grad_fn
    assert [g.tolist() for g in node.apply(torch.ones(1), torch.ones(1))] == [[2.0], [3.0]]
    assert [g.tolist() for g in node.apply_boxed([torch.ones(1)] * 2)] == [[2.0], [3.0]]


def test_vjp_is_another_name_of_backward() -> None:
    """One of both; both together are an error of the pass."""

    class ByVjp(Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * x

        @staticmethod
        def vjp(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return grad * 5

        @staticmethod
        def jvp(ctx: Any, tangent: torch.Tensor) -> torch.Tensor:
            return tangent * 7

    class Both(ByVjp):
        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return grad

    x = torch.ones(2, requires_grad=True)
    y = ByVjp.apply(x)
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    assert y.grad_fn.apply_jvp(torch.ones(1)).tolist() == [7.0]
    with pytest.raises(RuntimeError, match=r"^Implementing both 'backward' and 'vjp'"):
        Both.apply(x).sum().backward()


class Mix(NestedIOFunction):
    def forward_extended(self, pair: Any, options: Any) -> Any:
        self.save_for_backward(pair)
        return {"product": pair[0] * pair[1], "sum": (pair[0] + options["more"],)}

    def backward_extended(self, grads: Any) -> Any:
        ((a, b),) = self.saved_tensors
        g, (h,) = grads["product"], grads["sum"]
        return [g * b + h, g * a], {"more": h}


def test_nested_arguments() -> None:
    """Structures go in and out; gradients have the structure of the arguments."""
    a, b, c = [torch.full((2,), v, requires_grad=True) for v in (2.0, 3.0, 4.0)]
    made = Mix()([a, b], {"more": c})
    assert made["product"].tolist() == [6.0, 6.0] and made["sum"][0].tolist() == [6.0, 6.0]
    (made["product"] + 10 * made["sum"][0]).sum().backward()
    assert [t.grad[0].item() for t in (a, b, c)] == [13.0, 2.0, 10.0]


def test_variables_are_tensors() -> None:
    """``Variable`` makes a tensor over the same memory, and every tensor is one."""
    x = torch.ones(2)
    v = Variable(x, requires_grad=True)
    assert type(v) is torch.Tensor and v.requires_grad and not x.requires_grad
    assert v.data_ptr() == x.data_ptr() and isinstance(x, Variable) and Variable().numel() == 0
    with pytest.raises(TypeError, match=r"^Variable data has to be a tensor, but got list"):
        Variable([1.0])
    with pytest.raises(RuntimeError, match=r"is deprecated, use torch\.tensor"):
        torch.autograd.variable(1)


def test_callbacks_at_the_end_of_a_pass() -> None:
    """Libraries queue them inside hooks."""
    engine, calls = Variable._execution_engine, []
    x = torch.ones(2, requires_grad=True)
    x.register_hook(lambda grad: engine.queue_callback(lambda: calls.append(x.grad)))
    x.sum().backward()
    assert calls == [x.grad]
    with pytest.raises(RuntimeError, match="only be installed during backward pass"):
        engine.queue_callback(print)


LAYOUTS = [  # a tensor's shape, permutation and step, the strides of its gradient
    ((2, 3, 4, 5), (0, 3, 1, 2), 1, (60, 1, 20, 5)),
    ((2, 3, 4), (2, 0, 1), 1, (1, 12, 4)),
    ((2, 3, 8), (2, 0, 1), 2, (6, 3, 1)),
]


@pytest.mark.parametrize(("shape", "order", "step", "strides"), LAYOUTS)
def test_gradients_lie_as_their_tensors(shape: Any, order: Any, step: int, strides: Any) -> None:
    """Row by row where the tensor has gaps; the policy can be relaxed."""
    x = torch.empty(shape).permute(order)[::step].requires_grad_()
    x.backward(torch.ones(x.shape))
    assert x.grad.stride() == strides
    x.grad = None
    with torch.autograd.enforce_grad_layout_policy(False):
        (x * torch.ones(x.shape)).sum().backward()
    assert x.grad.is_contiguous()
    with pytest.raises(TypeError, match="must be bool, not int"):
        torch.autograd.enforce_grad_layout_policy(1)


def test_jacobian_by_differences() -> None:
    """Rows are elements of the input; a complex input has ``d/dx + i d/dy``."""
    module = importlib.import_module("flambeau.autograd.gradcheck")
    jacobian = module.get_numerical_jacobian_wrt_specific_input
    z = torch.tensor([1 + 2j, 2 - 1j], dtype=torch.complex128, requires_grad=True)
    (found,) = jacobian(lambda z: z.abs(), 0, (z,), z.abs(), 1e-6)
    assert torch.allclose(found, torch.diag(z.detach() / z.detach().abs()))
    with pytest.raises(AssertionError, match="Expected ds_dx to be real-valued, not complex"):
        jacobian(lambda z: z * z, 0, (z,), z * z, 1e-6)


def test_settings_of_graphs() -> None:
    """Checked as PyTorch checks them; a budget is for compiled regions only."""
    graph = torch.autograd.graph
    assert graph.set_warn_on_accumulate_grad_stream_mismatch(True) is None
    with pytest.raises(RuntimeError, match="enabled must be a bool, but got int"):
        graph.set_override_stale_capture_stream(1)
    for budget, error, message in (
        (True, TypeError, "expects a float, got bool"),
        (2.0, ValueError, r"must be in \[0, 1\], got 2.0"),
        (0.5, RuntimeError, "can only be used inside a torch.compile region"),
    ):
        with pytest.raises(error, match=message):
            graph.region_activation_memory_budget(budget)
