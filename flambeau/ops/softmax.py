"""Softmax and its logarithm, with fused gradients."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import scalar_name
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.numpy_names import required
from flambeau.core.op import SAME, Op, wrap_dim
from flambeau.core.publish import aten, exported, method, not_a_tensor
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.shared import normalization as kernels

_softmax = Op("softmax", kernels.softmax, dims=("dim",), shape=lambda x, dim: x.shape, accepts="f",
    vjp={"input": lambda grad, result, dim: _softmax_backward(grad, result, dim)},
    jvp=lambda input_t, result, dim: _softmax_backward(input_t, result, dim))  # fmt: skip

# The Jacobian of softmax is symmetric: its transpose is itself.
_softmax_backward = Op("softmax_backward", kernels.softmax_backward,
    inputs=("grad_output", "output"), dims=("dim",), shape=SAME,
    vjp={"grad_output": lambda grad, output, dim: _softmax_backward(grad, output, dim),
         "output": lambda grad, grad_output, output, dim: (
             grad * (grad_output - (grad_output * output).sum(dim, True))
             - grad_output * (grad * output).sum(dim, True))})  # fmt: skip

_log_softmax = Op("log_softmax", kernels.log_softmax, dims=("dim",), accepts="f",
    shape=lambda x, dim: x.shape,
    vjp={"input": lambda grad, result, dim: _log_softmax_backward(grad, result, dim)},
    jvp=lambda input_t, result, dim: input_t - (input_t * result.exp()).sum(dim, True))  # fmt: skip

_log_softmax_backward = Op("log_softmax_backward", kernels.log_softmax_backward,
    inputs=("grad_output", "output"), dims=("dim",), shape=SAME,
    vjp={"grad_output": lambda grad, output, dim: grad - (grad * output.exp()).sum(dim, True),
         "output": lambda grad, grad_output, output, dim: (
             -grad * output.exp() * grad_output.sum(dim, True))})  # fmt: skip


def _along(op: Op, input: Tensor, dim: Any) -> Tensor:
    """The operator along a dimension: straight to the kernel for plain floats."""
    try:
        kind = input._kind
    except AttributeError:
        raise not_a_tensor(op.name, "input", 1, input) from None
    ndim = input._array.ndim
    if kind is not None and kind.category == 4 and not flags.active and -ndim <= dim < ndim:
        if dim < 0:
            dim += ndim
        result = wrap(op.kernels[kind.place](input._array, dim), kind)  # type: ignore[misc]
        if input._node is not None and modes.grad:
            record(op, result, (input,), (dim,))
        return result
    dim = wrap_dim(dim, ndim)
    if not input.dtype.is_floating_point:
        last = "_lastdim" if ndim and dim == ndim - 1 else ""
        raise NotImplementedError(
            f"\"{op.name}{last}_kernel_impl\" not implemented for '{scalar_name(input.dtype)}'"
        )
    return op(input, dim)


@method("softmax")
def softmax(
    input: Tensor, dim: int | None = None, dtype: DType | None = None, *,
    out: Tensor | None = None, axis: int | None = None,
) -> Tensor:  # fmt: skip
    """``exp(input) / sum(exp(input))`` along ``dim``: positive numbers that sum to 1.

    ``dtype`` converts the input first. Raises NotImplementedError for integers and bools.

    >>> torch.softmax(torch.tensor([0.0, 0.0]), 0)
    tensor([0.5000, 0.5000])
    """
    if axis is not None or dim is None:
        dim = required("softmax", dim, axis)
    if dtype is not None:
        input = input.to(dtype)  # type: ignore[attr-defined]
    result = _along(_softmax, input, dim)
    return result if out is None else deliver("softmax", result, out)


@method("log_softmax")
def log_softmax(
    input: Tensor, dim: int | None = None, dtype: DType | None = None, *,
    out: Tensor | None = None, axis: int | None = None,
) -> Tensor:  # fmt: skip
    """``input - log(sum(exp(input)))`` along ``dim``: ``softmax``'s logarithm, without overflow.

    ``dtype`` converts the input first. Raises NotImplementedError for integers and bools.

    >>> torch.log_softmax(torch.tensor([0., 0.]), 0)
    tensor([-0.6931, -0.6931])
    """
    if axis is not None or dim is None:
        dim = required("log_softmax", dim, axis)
    if dtype is not None:
        input = input.to(dtype)  # type: ignore[attr-defined]
    result = _along(_log_softmax, input, dim)
    return result if out is None else deliver("log_softmax", result, out)


@aten("_softmax_backward_data")
def _softmax_backward_data(
    grad_output: Tensor, output: Tensor, dim: int, input_dtype: DType,
    *, grad_input: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of ``softmax``'s input from that of its ``output``, of the same size and dtype.

    ``input_dtype`` is that of the softmax's input, which is no narrower.

    >>> torch._softmax_backward_data(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5]), 0,
    ...                              torch.float32)
    tensor([ 0.2500, -0.2500])
    """
    dim, dtypes = wrap_dim(dim, output.ndim), (grad_output.dtype, output.dtype)
    if grad_output.shape != output.shape:
        raise RuntimeError(
            "Expected tensor for argument #1 'grad' to have same size as tensor for argument #2 "
            f"'output'; but {list(grad_output.shape)} does not equal {list(output.shape)} (while "
            "checking arguments for softmax_backward)"
        )
    if dtypes[0] is not dtypes[1] or input_dtype.itemsize < dtypes[0].itemsize:
        other = input_dtype if dtypes[0] is dtypes[1] else dtypes[1]
        raise RuntimeError(
            f"expected scalar type {scalar_name(dtypes[0])} but found {scalar_name(other)}"
        )
    result = _softmax_backward(grad_output, output, dim)
    return deliver("_softmax_backward_data", result, grad_input)


@aten("_safe_softmax")
def _safe_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """``softmax``, but zeros along ``dim`` where all elements are minus infinity.

    >>> torch.ops.aten._safe_softmax(torch.tensor([-torch.inf, -torch.inf]), 0)
    tensor([0., 0.])
    """
    hidden = (input == -math.inf).all(dim, True)  # type: ignore[union-attr]
    return softmax(input.masked_fill(hidden, 0), dim, dtype).masked_fill(hidden, 0)  # type: ignore


__all__ = exported(globals())
