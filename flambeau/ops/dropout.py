"""Dropout and its kin: tensors multiplied by noise that is mostly ones.

The noise equals PyTorch's for a seed: two words of the stream for each element, or each channel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from flambeau.core.dtype import bool_, scalar_name
from flambeau.core.dtype import dtype as DType
from flambeau.core.kind import Kind
from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.publish import aten, exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.core.virtual import virtual_like
from flambeau.core.writing import deliver, overwrite
from flambeau.kernels.select import CPU, places
from flambeau.kernels.shared import random as kernels
from flambeau.ops import examples
from flambeau.ops.drawing import (
    DRAWABLE,
    REAL,
    check_chance,
    draw,
    number,
    shown,
    unsupported,
)  # fmt: skip
from flambeau.ops.factories import filled, like_array, made

_scaled = places(kernels.dropout_noise)[CPU]
_bernoulli = places(kernels.bernoulli)[CPU]

# ---- noise


def _check(p: Any) -> float:
    p = number("dropout", "p", 2, p)
    if not 0.0 <= p <= 1.0:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {shown(p)}")
    return p


def _check_dtype(of: DType) -> None:
    if of.is_complex or (of.is_floating_point and of not in DRAWABLE):
        raise unsupported("bernoulli_scalar_cpu_", of)
    if not of.is_floating_point:
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {scalar_name(of)}"
        )


def _noise_array(input: Tensor, features: bool) -> Any:
    """An array for the noise: like the input, or with one element for each channel."""
    if features and input.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    shape = (*input.shape[:2], *[1] * (input.ndim - 2)) if features else input.shape
    if modes.batches and (counts := examples.counts()):
        return filled((*counts, *shape), input.kind)
    return filled(shape, input.kind) if features else like_array(input, input.kind, None)


def _noise(array: Any, kind: Kind) -> Tensor:
    """Noise as a tensor: of each example, where examples have their own."""
    return examples.hide(made(array, kind)) if modes.batches else made(array, kind)


def _in_steps(kind: Kind, *values: float) -> Any:
    """Numbers in the precision in which a kernel computes with this dtype."""
    wide = numpy.float32 if kind.narrow else kind.array_type.type
    return [wide(v) for v in values]


def _rounded(kind: Kind, value: Any) -> Any:
    return kind.array_type.type(value)


def _scaled_noise(input: Tensor, p: float, features: bool) -> Tensor:
    """``1 / (1 - p)`` with the chance ``1 - p``, else 0."""
    kind = input.kind
    array = _noise_array(input, features)
    _check_dtype(kind.dtype)
    one, keep = _in_steps(kind, 1.0, 1.0 - p)
    draw(array, kind, None, _scaled, 1.0 - p, _rounded(kind, one / keep))
    return _noise(array, kind)


def _affine_noise(input: Tensor, p: float, features: bool) -> tuple[Tensor, Tensor]:
    """What alpha dropout multiplies with, and what it adds, to keep mean and variance.

    Source: G. Klambauer et al., "Self-normalizing neural networks", 2017.
    """
    kind = input.kind
    array = _noise_array(input, features)
    _check_dtype(kind.dtype)
    draw(array, kind, None, _bernoulli, 1.0 - p)
    alpha = 1.7580993408473766
    a = 1.0 / math.sqrt((alpha * alpha * p + 1.0) * (1.0 - p))
    scale, step, shift = _in_steps(kind, a, alpha * a, alpha * a * p)
    wide = array.astype(numpy.float32) if kind.narrow else array
    moved = ((wide - wide.dtype.type(1)) * step).astype(kind.array_type)
    moved = moved.astype(wide.dtype) + shift
    noise = (wide * scale).astype(kind.array_type)
    return _noise(noise, kind), _noise(moved.astype(kind.array_type), kind)


# ---- torch's functions


def _dropped(input: Tensor, p: Any, train: bool, features: bool, in_place: bool) -> Tensor:
    p = _check(p)
    if p == 0.0 or not train or input.numel() == 0:
        return input
    noise = input.new_zeros(()) if p == 1.0 else _scaled_noise(input, p, features)  # type: ignore
    return input.mul_(noise) if in_place else input * noise  # type: ignore


def _alpha_dropped(input: Tensor, p: Any, train: bool, features: bool, in_place: bool) -> Tensor:
    p = _check(p)
    if p == 0.0 or not train or input.numel() == 0:
        return input
    if p == 1.0:
        noise = input.new_zeros(())  # type: ignore[attr-defined]
        return input.mul_(noise) if in_place else input * noise  # type: ignore
    noise, moved = _affine_noise(input, p, features)
    if in_place:
        return input.mul_(noise).add_(moved)  # type: ignore[attr-defined]
    return input * noise + moved  # type: ignore[operator]


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Zeroes elements with chance ``p`` and divides the others by ``1 - p``, where ``train``.

    RuntimeError unless ``p`` lies in [0, 1].

    ``input`` is floating, of any shape.

    >>> kept = torch.dropout(torch.ones(1000), 0.25, True)
    >>> kept.unique()
    tensor([0.0000, 1.3333])
    """
    return _dropped(input, p, train, features=False, in_place=False)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of ``dropout``."""
    return _dropped(input, p, train, features=False, in_place=True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``dropout`` of whole channels: the input is ``(batch, channels, ...)``.

    RuntimeError unless ``p`` lies in [0, 1], or for less than two dimensions.

    >>> channels = torch.feature_dropout(torch.ones(1, 8, 2), 0.5, True)
    >>> bool((channels[..., 0] == channels[..., 1]).all())
    True
    """
    return _dropped(input, p, train, features=True, in_place=False)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of ``feature_dropout``."""
    return _dropped(input, p, train, features=True, in_place=True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout to a negative value, which keeps the mean and variance that SELU networks have.

    ``input`` is floating, of any shape; RuntimeError unless ``p`` lies in [0, 1].

    >>> torch.alpha_dropout(torch.ones(3), 0.5, False)
    tensor([1., 1., 1.])
    """
    return _alpha_dropped(input, p, train, features=False, in_place=False)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of ``alpha_dropout``."""
    return _alpha_dropped(input, p, train, features=False, in_place=True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``alpha_dropout`` of whole channels: the input is ``(batch, channels, ...)``.

    RuntimeError unless ``p`` lies in [0, 1], or for less than two dimensions.

    >>> torch.feature_alpha_dropout(torch.ones(1, 2, 2), 0.5, False)
    tensor([[[1., 1.],
             [1., 1.]]])
    """
    return _alpha_dropped(input, p, train, features=True, in_place=False)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of ``feature_alpha_dropout``."""
    return _alpha_dropped(input, p, train, features=True, in_place=True)


# ---- native_dropout


def _masked(array: Any, kind: Kind, p: float) -> tuple[Any, Any]:
    mask = kind.xp.empty_like(array, numpy.bool_)
    draw(mask, kind.of(bool_), None, _bernoulli, 1.0 - p)
    return array * (mask.astype(array.dtype) * array.dtype.type(_scale(p))), mask


def _scale(p: float) -> float:
    return 0.0 if p == 1.0 else 1.0 / (1.0 - p)


def _native_gradient(grad: Tensor, result1: Tensor, p: float) -> Tensor:
    return grad * (result1.to(grad.dtype) * _scale(p))  # type: ignore[attr-defined]


def _masked_shape(array: Any, kind: Kind, p: float) -> Any:
    made = virtual_like(array)
    of, size = numpy.dtype(numpy.bool_), array.itemsize
    return (
        (made.shape, made.dtype, made.strides),
        (made.shape, of, tuple([step // size for step in made.strides])),
    )


def _batch_native(op: Op, input: Any, kind: Kind, p: float) -> tuple[Tensor, Tensor]:
    if examples.counts():
        return op(input, kind, p)
    mask = op(input[0], kind, p)[1].expand(input.shape)
    return _native_gradient(input, mask, p), mask


_native = Op("native_dropout", _masked, params=("kind", "p"), outputs=2, differentiable=(0,),
             batch=_batch_native,
             vjp={"input": _native_gradient}, shape=_masked_shape,
             jvp=lambda input_t, result1, p: _native_gradient(input_t, result1, p))  # fmt: skip


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """``dropout`` together with the mask of the elements that are kept.

    ``input`` is floating, of any shape; the mask is bool. RuntimeError unless ``p`` lies in [0, 1].

    >>> kept, mask = torch.native_dropout(torch.ones(4), 0.5, True)
    >>> bool(((kept == 2) == mask).all())
    True
    """
    p = number("native_dropout", "p", 2, p)
    if input.numel() == 0:
        return input, input.new_empty(input.shape)  # type: ignore[attr-defined]
    if train is not None and not train:
        return input.clone(), input.new_ones(input.shape, dtype=bool_)  # type: ignore
    check_chance(1.0 - p)
    _check_dtype(input.dtype)
    return _native(input, input.kind, p)


@aten("native_dropout_backward")
def _native_dropout_backward(
    grad_output: Tensor, mask: Tensor, scale: float, *, out: Tensor | None = None
) -> Tensor:
    """The gradient of ``native_dropout``'s input: ``grad_output * mask * scale``."""
    result = grad_output * (mask.to(grad_output.dtype) * scale)  # type: ignore[attr-defined]
    return deliver("native_dropout_backward", result, out)


# ---- rrelu


def _sloped(
    array: Any, kind: Kind, lower: float, upper: float, training: bool, generator: Any
) -> Any:
    """The result, and the slopes: 1 for positive elements; computed wide, and rounded last."""
    wide = numpy.dtype(numpy.float32) if kind.narrow else kind.array_type
    slopes = kind.xp.ones(array.shape, wide)
    given = array.astype(wide, copy=False)
    others = given <= 0
    if training:
        drawn = kind.xp.empty(int(others.sum()), wide)
        bounds = float(wide.type(lower)), float(wide.type(upper))
        draw(drawn, kind.family[wide], generator, kernels.long_uniform, *bounds)
        slopes[others] = drawn
    else:
        slopes[others] = (lower + upper) / 2
    result = given * slopes
    return result.astype(kind.array_type), slopes.astype(kind.array_type)


def _sloped_shape(array: Any, kind: Kind, *rest: Any) -> Any:
    return (array.shape, array.dtype), (array.shape, array.dtype)


_rrelu_op = examples.RandomOp("rrelu_with_noise", _sloped, outputs=2,
               differentiable=(0,), shape=_sloped_shape,
               params=("kind", "lower", "upper", "training", "generator"),
               vjp={"input": lambda grad, result1: grad * result1},
               jvp=lambda input_t, result1: input_t * result1)  # fmt: skip
_rrelu_op.linked = True  # the slopes depend on the input


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False,
    generator: Any = None,
) -> Tensor:  # fmt: skip
    """``input`` where positive, else times a slope: random in [lower, upper), or their mean.

    The slopes are random where ``training``. RuntimeError if ``lower`` is above ``upper``.

    ``input`` is floating, of any shape.

    >>> torch.rrelu(torch.tensor([-4., 2.]), 0.25, 0.75)
    tensor([-2.,  2.])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("rrelu", "input", 1, input)
    lower, upper = number("rrelu", "lower", 2, lower), number("rrelu", "upper", 3, upper)
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    refused = ("float16",) if training else ()
    if input.dtype.name in refused or input.dtype not in REAL:
        raise unsupported("rrelu_with_noise_out_cpu", input.dtype)
    return _rrelu_op(input, input.kind, lower, upper, bool(training), generator)[0]


def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False,
    generator: Any = None,
) -> Tensor:  # fmt: skip
    """In-place form of ``rrelu``."""
    return overwrite(input, rrelu, lower, upper, training, generator)


__all__ = exported(globals())
