"""Layer and RMS normalisation: of the rows of the last dimensions, with fused gradients.

While gradients are recorded themselves (``create_graph=True``), the rules use formulas of tensors
instead of the fused kernels, so that they differentiate again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import normalization as kernels
from flambeau.ops.batching import padded_to
from flambeau.ops.direct import run
from flambeau.ops.normalization_rules import (
    Maybe,
    Needs,
    affine_grads,
    affine_tangent,
    parameter_like,
    statistics,
    unit_grad,
    unit_of,
)  # fmt: skip


def _batch_layer_norm(op: Op, input: Tensor, weight: Any, bias: Any, count: int, eps: float) -> Any:
    """Factors and terms are applied after the normalisation: examples may have their own."""
    out, mean, rstd = op(input, None, None, count, eps)
    out = out if weight is None else out * padded_to(weight, input.ndim)
    out = out if bias is None else out + padded_to(bias, input.ndim)
    return out, mean, rstd


def _batch_rms_norm(op: Op, input: Tensor, weight: Any, count: int, eps: float) -> Any:
    out, rstd = op(input, None, count, eps)
    return out if weight is None else out * padded_to(weight, input.ndim), rstd


_layer_norm = Op("native_layer_norm", kernels.layer_norm_forward,
    batch=_batch_layer_norm, inputs=("input", "weight", "bias"),
    params=("count", "eps"), outputs=3, differentiable=(0,), accepts="f",
    refusal="LayerNormKernelImpl",
    shape=lambda x, weight, bias, count, eps: (
        x.shape, statistics(x, x.shape[: x.ndim - count], count),
        statistics(x, x.shape[: x.ndim - count], count)))  # fmt: skip

_layer_norm_backward = Op("native_layer_norm_backward", kernels.layer_norm_backward,
    inputs=("grad_output", "input", "mean", "rstd", "weight"), params=("count", "needs_of"),
    outputs=3, shape=lambda g, x, mean, rstd, weight, count, needs: (
        x.shape, x.shape[x.ndim - count :], x.shape[x.ndim - count :]))  # fmt: skip


@_layer_norm.vjp
def _(grad: Tensor, input: Tensor, weight: Maybe, result1: Tensor, result2: Tensor, count: int,
      eps: float, needs: Needs) -> Any:  # fmt: skip
    if not modes.grad and grad._kind is not None:
        return run(_layer_norm_backward, (grad, input, result1, result2, weight), (count, needs))
    dims, outer = _split(input, count)
    unit, scale = unit_of(input, dims, eps)
    g, dw, db = affine_grads(grad, unit, weight, outer, needs)
    return unit_grad(g, unit, scale, dims) if needs[0] else None, dw, db


def _split(input: Tensor, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The last ``count`` dimensions and those before."""
    return tuple(range(input.ndim - count, input.ndim)), tuple(range(input.ndim - count))


@_layer_norm.jvp
def _(input: Tensor, weight: Maybe, input_t: Maybe, weight_t: Maybe, bias_t: Maybe, count: int,
      eps: float) -> Any:  # fmt: skip
    dims = _split(input, count)[0]
    unit, scale = unit_of(input, dims, eps)
    return affine_tangent(unit, scale, dims, weight, input_t, weight_t, bias_t), None, None


def _checked_rows(
    name: str, input: Tensor, shape: Any, weight: Maybe, bias: Maybe, star: str
) -> tuple[int, ...]:
    if not isinstance(input, Tensor):
        raise not_a_tensor(name, "input", 1, input)
    if isinstance(shape, int) or not isinstance(shape, Sequence):
        raise TypeError(
            f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not "
            f"{type(shape).__name__}"
        )
    shape = tuple(shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, but got normalized_shape = []"
        )
    for tensor, what in ((weight, "weight"), (bias, "bias")):
        if tensor is not None and tensor._array.shape != shape:
            raise RuntimeError(
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape "
                f"{list(tensor.shape)} and normalized_shape = {list(shape)}"
            )
    if input._array.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"[*{star}{', '.join(map(str, shape))}], but got input of size{list(input.shape)}"
        )
    return shape


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Maybe = None, bias: Maybe = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalises each slice over the last dimensions, whose shape is ``normalized_shape``.

    The result is ``(x - mean) / sqrt(var + eps) * weight + bias`` with the biased variance;
    ``weight`` and ``bias`` have the shape ``normalized_shape``. Half precision is computed in
    float32. (Ba, Kiros and Hinton, Layer Normalization, 2016.) RuntimeError where the last
    dimensions have another shape.

    >>> torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    shape = _checked_rows("layer_norm", input, normalized_shape, weight, bias, ", ")
    for tensor in (weight, bias):
        if tensor is not None and tensor._kind is not input._kind:
            parameter_like(tensor, input, "LayerNormKernelImpl")
    return run(_layer_norm, (input, weight, bias), (len(shape), eps))[0]


_rms_norm = Op("rms_norm", kernels.rms_norm_forward, inputs=("input", "weight"),
    batch=_batch_rms_norm,
    params=("count", "eps"), outputs=2, differentiable=(0,), accepts="f", refusal="rms_norm",
    shape=lambda x, weight, count, eps: (
        x.shape, statistics(x, x.shape[: x.ndim - count], count)))  # fmt: skip

_rms_norm_backward = Op("rms_norm_backward", kernels.rms_norm_backward,
    inputs=("grad_output", "input", "rstd", "weight"), params=("count", "needs_of"), outputs=2,
    shape=lambda g, x, rstd, weight, count, needs: (
        x.shape, x.shape[x.ndim - count :]))  # fmt: skip


@_rms_norm.vjp
def _(grad: Tensor, input: Tensor, weight: Maybe, result1: Tensor, count: int, eps: float,
      needs: tuple[bool, bool]) -> Any:  # fmt: skip
    if not modes.grad and grad._kind is not None:
        return run(_rms_norm_backward, (grad, input, result1, weight), (count, needs))
    dims, outer = _split(input, count)
    unit, scale = unit_of(input, dims, eps, False)
    g, dw, _ = affine_grads(grad, unit, weight, outer, (*needs, False))
    return unit_grad(g, unit, scale, dims, False) if needs[0] else None, dw


@_rms_norm.jvp
def _(input: Tensor, weight: Maybe, input_t: Maybe, weight_t: Maybe, count: int, eps: float) -> Any:
    dims = _split(input, count)[0]
    unit, scale = unit_of(input, dims, eps, False)
    return affine_tangent(unit, scale, dims, weight, input_t, weight_t, None, False), None


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Maybe = None, eps: float | None = None
) -> Tensor:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last dimensions.

    ``eps`` is the machine epsilon of the dtype of the computation by default. (Zhang and Sennrich,
    Root Mean Square Layer Normalization, 2019.)

    ``normalized_shape`` is that of the last dimensions, and of ``weight``; RuntimeError otherwise.

    >>> torch.rms_norm(torch.tensor([[3., 4.]]), (2,), eps=0.)
    tensor([[0.8485, 1.1314]])
    """
    shape = _checked_rows("rms_norm", input, normalized_shape, weight, None, "")
    if eps is None:
        eps = _machine_epsilon(input.dtype)
    if input.dtype.is_complex:
        dims = tuple(range(input.ndim - len(shape), input.ndim))
        unit = unit_of(input, dims, eps, False)[0]
        return unit if weight is None else unit * weight
    if weight is not None and weight.dtype is not input.dtype:
        return run(_rms_norm, (input, None), (len(shape), eps))[0] * weight.to(input.dtype)
    return run(_rms_norm, (input, weight), (len(shape), eps))[0]


def _machine_epsilon(of: DType) -> float:
    return 2.0**-52 if of.name in ("float64", "complex128") else 2.0**-23


__all__ = exported(globals())
