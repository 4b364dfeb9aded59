"""The affine map of linear layers."""

from __future__ import annotations

import math

from flambeau.core.autocast import autocast
from flambeau.core.dispatch import dispatch
from flambeau.core.errors import matmul_error
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.op import Op
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META
from flambeau.kernels.shared import products as kernels
from flambeau.ops.pointwise.rules import conj
from flambeau.ops.products import matmul, same_dtype
from flambeau.ops.sums_of_products import check_dtypes, check_expands


def _batch_linear(op: Op, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    while weight.ndim < input.ndim:
        weight = weight.unsqueeze(1)  # type: ignore[attr-defined]
    product = input.matmul(weight.mT)  # type: ignore[attr-defined]
    if bias is None:
        return product
    return product + bias.reshape(bias.shape[0], *[1] * (input.ndim - 2), -1)  # type: ignore


_linear = Op(
    "linear",
    kernels.linear,
    batch=_batch_linear,
    inputs=("input", "weight", "bias"),
    widen=True,
    accepts="ifc",
    refusal="addmm_impl_cpu_",
    empties=True,
    node="Addmm",
    vjp={
        "input": lambda grad, weight: grad.matmul(conj(weight)),
        "weight": lambda grad, input: _rows(grad).mT.mm(conj(_rows(input))),
        "bias": lambda grad: _rows(grad).sum(0),
    },
    shape=lambda x, weight, bias: (*x.shape[:-1], weight.shape[0]),
)


def _rows(tensor: Tensor) -> Tensor:
    return (
        tensor
        if tensor.ndim == 2
        else tensor.reshape(math.prod(tensor.shape[:-1]), tensor.shape[-1])
    )  # type: ignore


def linear(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None
) -> Tensor:
    """``input @ weight.T + bias``: ``[*, in]``, ``[out, in]`` and ``[out]`` give ``[*, out]``.

    Raises RuntimeError for shapes or dtypes that do not fit.

    >>> torch.nn.functional.linear(torch.ones(1, 2), torch.tensor([[1.0, 2.0]]))
    tensor([[3.]])
    """
    try:
        kind = input._kind
        plain = kind is weight._kind and (bias is None or kind is bias._kind)
    except AttributeError:
        plain = False
    if (
        plain
        and out is None
        and kind is not None
        and kind.category & 12
        and not (flags.active or kind.place == META)
        and input._array.ndim == 2 == weight._array.ndim
    ):
        try:
            array = input._array.dot(weight._array.T)
            if bias is not None:
                array += bias._array
        except ValueError:
            return _checked_linear(input, weight, bias)
        result = wrap(array, kind)
        if modes.grad and (
            weight._node is not None
            or input._node is not None
            or (bias is not None and bias._node is not None)
        ):
            record(_linear, result, (input, weight, bias))
        return result
    return deliver("linear", _checked_linear(input, weight, bias), out)


def _checked_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if flags.active:
        input, weight, bias = autocast("linear", (input, weight, bias))
    for position, (name, tensor) in enumerate(zip(_linear.inputs, (input, weight, bias)), 1):
        if not isinstance(tensor, Tensor) and not (tensor is None and name == "bias"):
            raise not_a_tensor("linear", name, position, tensor)
    if not input.ndim or not weight.ndim:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {input.ndim}D and "
            f"{weight.ndim}D"
        )
    if weight.ndim == 1:
        if bias is not None:
            raise RuntimeError("mat2 must be a matrix, got 1-D tensor")
        return matmul(input, weight)
    if weight.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {weight.ndim}D")
    rows = math.prod(input.shape[:-1])
    if input.shape[-1] != weight.shape[1]:
        raise matmul_error((rows, input.shape[-1]), (weight.shape[1], weight.shape[0]))
    if bias is None:
        same_dtype("linear", input, weight)
    else:
        check_dtypes(bias, input, weight)
        if bias.ndim < 2 or input.ndim == 2:
            check_expands(bias, (rows, weight.shape[0]))
        else:
            check_expands(bias, (*input.shape[:-1], weight.shape[0]))
    if input.ndim == 1:
        return _checked_linear(input.unsqueeze(0), weight, bias).squeeze(0)  # type: ignore
    return dispatch(_linear, (input, weight, bias))


__all__ = exported(globals())
silence(globals())
