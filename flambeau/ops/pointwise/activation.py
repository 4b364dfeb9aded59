"""Activation functions: the operators, with one kernel for each direction.

``nn.functional`` publishes most of them (``ops/pointwise/functional.py``); those that are functions
of the package or methods of ``Tensor`` as well are published here.
"""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.autocast import autocasting
from flambeau.core.dispatch import dispatch
from flambeau.core.dtype import dtype, float32, float64, scalar_name
from flambeau.core.families import pointwise_shape, unary
from flambeau.core.graph import record
from flambeau.core.kind import CPU_KINDS, Kind
from flambeau.core.modes import flags, modes
from flambeau.core.op import LEADING, POINTWISE, SAME, Op
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import CPU
from flambeau.kernels.shared import pointwise_activation as kernels
from flambeau.ops.pointwise.rules import conj


def _activation(name: str, forward: Any, params: tuple[str, ...] = (), **options: Any) -> Op:
    options.setdefault("accepts", "f")
    return Op(name, forward, params=params, promote="same", widen=True, jvp=POINTWISE,
              batch=POINTWISE, shape=pointwise_shape(forward), **options)  # fmt: skip


def _backward(name: str, kernel: Any, kept: str, params: tuple[str, ...] = (), **rules: Any) -> Op:
    """A gradient as an operator of the gradient of the result and of what was kept.

    Without a rule for what was kept, the second derivative is zero.
    """
    rules.setdefault(kept, lambda grad: grad.new_zeros(grad.shape))
    return Op(name, kernel, inputs=("grad_output", kept), params=params, promote="same", widen=True,
              shape=SAME, jvp=POINTWISE, batch=LEADING, vjp=rules)  # fmt: skip


def _curvature(name: str, kernel: Any, params: tuple[str, ...] = ()) -> Op:
    """A second derivative; the third one is not needed."""
    return Op(name, kernel, params=params, promote="same", widen=True, shape=SAME,
              jvp=POINTWISE, batch=POINTWISE)  # fmt: skip


# ---- relu

threshold_backward = _backward("threshold_backward", kernels.threshold_backward, "input",
    ("threshold",),
    grad_output=lambda grad, input, threshold: threshold_backward(grad, input, threshold),
)  # fmt: skip


def _no_relu(of: dtype) -> Exception:
    if of.is_complex:
        return NotImplementedError("clamp is not supported for complex types")
    return RuntimeError("Boolean inputs not supported for relu")


_relu = _activation("relu", kernels.relu, accepts="if", refusal=_no_relu,
    vjp={"input": lambda grad, result: threshold_backward(grad, result, 0)})  # fmt: skip

# A zero of the right type makes the kernel one call of a ufunc.
_ZEROS: dict[Kind | None, Any] = {
    CPU_KINDS[of]: numpy.zeros((), of.numpy) for of in (float32, float64)
}
_maximum, _large_relu = numpy.maximum, _relu.kernels[CPU]


@method("relu relu_")
def relu(input: Tensor) -> Tensor:
    """The positive part of each element; NaN stays, and the gradient is 0 at 0.

    Real, of any shape; RuntimeError for bools.

    >>> torch.relu(torch.tensor([-1., 0., 2.]))
    tensor([0., 0., 2.])
    """
    try:
        kind = input._kind
    except AttributeError:
        raise not_a_tensor("relu", "input", 1, input) from None
    zero = _ZEROS.get(kind)
    if zero is None or flags.active:
        return dispatch(_relu, (input,))
    assert kind is not None
    array = input._array
    made = _maximum(array, zero) if array.size < 65536 else _large_relu(array)  # type: ignore[misc]
    result = wrap(made, kind)
    if input._node is not None and modes.grad:
        record(_relu, result, (input,))
    return result


_threshold = _activation("threshold", kernels.threshold, ("threshold", "value"), accepts="if",
    vjp={
        "input": lambda grad, input, threshold: threshold_backward(grad, input, threshold)
    })  # fmt: skip


def threshold(
    input: Tensor, threshold: float, value: float, *, out: Tensor | None = None
) -> Tensor:
    """``value`` in place of elements that are not above ``threshold``.

    Real, of any shape. NotImplementedError for complex numbers.

    >>> torch.threshold(torch.tensor([0., 2.]), 1, 9)
    tensor([9., 2.])
    """
    return deliver("threshold", _threshold(input, threshold, value), out)


# ---- bounded and shrunk

hardtanh_backward = _backward("hardtanh_backward", kernels.hardtanh_backward, "input",
    ("min_val", "max_val"),
    grad_output=lambda grad, input, min_val, max_val: (
        hardtanh_backward(grad, input, min_val, max_val)
    ))  # fmt: skip


def _no_hardtanh(of: dtype) -> Exception:
    if of.is_complex:
        return NotImplementedError("clamp is not supported for complex types")
    return RuntimeError("Bool inputs not supported for hardtanh")


hardtanh = _activation("hardtanh", kernels.hardtanh, ("min_val", "max_val"), accepts="if",
    refusal=_no_hardtanh,
    vjp={"input": lambda grad, input, min_val, max_val: (
        hardtanh_backward(grad, input, min_val, max_val)
    )})  # fmt: skip

hardsigmoid_backward = _backward("hardsigmoid_backward", kernels.hardsigmoid_backward, "input",
    grad_output=lambda grad, input: hardsigmoid_backward(grad, input))  # fmt: skip

hardsigmoid = _activation("hardsigmoid", kernels.hardsigmoid,
    vjp={"input": lambda grad, input: hardsigmoid_backward(grad, input)})  # fmt: skip

hardswish_backward = _backward("hardswish_backward", kernels.hardswish_backward, "input",
    grad_output=lambda grad, input: hardswish_backward(grad, input),
    input=lambda grad, grad_output, input: hardtanh_backward(grad * grad_output / 3, input, -3, 3),
)  # fmt: skip

hardswish = _activation("hardswish", kernels.hardswish,
    vjp={"input": lambda grad, input: hardswish_backward(grad, input)})  # fmt: skip

shrink_backward = _backward("shrink_backward", kernels.shrink_backward, "input", ("lambd",),
    grad_output=lambda grad, input, lambd: shrink_backward(grad, input, lambd))  # fmt: skip

_hardshrink = _activation("hardshrink", kernels.hardshrink, ("lambd",),
    vjp={"input": lambda grad, input, lambd: shrink_backward(grad, input, lambd)})  # fmt: skip

softshrink = _activation("softshrink", kernels.softshrink, ("lambd",), refusal="softshrink_check",
    vjp={"input": lambda grad, input, lambd: shrink_backward(grad, input, lambd)})  # fmt: skip


@method("hardshrink")
def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """0 in place of elements between ``-lambd`` and ``lambd``.

    Floating, of any shape. NotImplementedError for integers.

    >>> torch.hardshrink(torch.tensor([-1., 0.25, 1.]))
    tensor([-1.,  0.,  1.])
    """
    return deliver("hardshrink", _hardshrink(input, lambd), out)


# ---- leaks and exponentials

leaky_relu_backward = _backward("leaky_relu_backward", kernels.leaky_relu_backward, "input",
    ("negative_slope",),
    grad_output=lambda grad, input, negative_slope: (
        leaky_relu_backward(grad, input, negative_slope)
    ))  # fmt: skip

leaky_relu = _activation("leaky_relu", kernels.leaky_relu, ("negative_slope",),
    vjp={"input": lambda grad, input, negative_slope: (
        leaky_relu_backward(grad, input, negative_slope)
    )})  # fmt: skip

elu_curvature = _curvature("elu_curvature", kernels.elu_curvature,
    ("alpha", "scale", "input_scale"))  # fmt: skip

elu_backward = _backward("elu_backward", kernels.elu_backward, "input",
    ("alpha", "scale", "input_scale"),
    grad_output=lambda grad, input, alpha, scale, input_scale: (
        elu_backward(grad, input, alpha, scale, input_scale)
    ),
    input=lambda grad, grad_output, input, alpha, scale, input_scale: (
        grad * grad_output * elu_curvature(input, alpha, scale, input_scale)
    ))  # fmt: skip


def _elu(name: str, node: str) -> Op:
    return _activation(name, kernels.elu, ("alpha", "scale", "input_scale"), refusal="elu_cpu",
        node=node,
        vjp={"input": lambda grad, input, alpha, scale, input_scale: (
            elu_backward(grad, input, alpha, scale, input_scale)
        )})  # fmt: skip


elu, _celu = _elu("elu", "Elu"), _elu("celu", "Celu")
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(input: Tensor) -> Tensor:
    """``scale * elu(input, alpha)`` with the constants that keep mean 0 and variance 1.

    Source: Klambauer et al., Self-Normalizing Neural Networks, 2017. Floating, of any shape;
    NotImplementedError for integers.

    >>> torch.selu(torch.tensor([-1., 1.]))
    tensor([-1.1113,  1.0507])
    """
    return elu(input, _SELU_ALPHA, _SELU_SCALE, 1)


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``alpha * (exp(input / alpha) - 1)`` below 0; RuntimeError for ``alpha`` 0.

    >>> torch.celu(torch.tensor([-1., 1.]))
    tensor([-0.6321,  1.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _celu(input, alpha, 1, 1 / alpha)


_prelu = Op("prelu", kernels.prelu, inputs=("input", "weight"), widen=True, node="PreluKernel",
    shape=pointwise_shape(kernels.prelu), jvp=POINTWISE, batch=POINTWISE,
    vjp={
        "input": lambda grad, input, weight: grad.where(input > 0, grad * weight),
        "weight": lambda grad, input: (grad * input).masked_fill(input > 0, 0),
    })  # fmt: skip


@method("prelu")
@autocasting("prelu")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``weight * input`` below 0; one weight, or one for each channel (dimension 1)."""
    if not isinstance(weight, Tensor):
        raise not_a_tensor("prelu", "weight", 2, weight)
    if input.dtype is not weight.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {scalar_name(input.dtype)} and "
            f"{scalar_name(weight.dtype)}"
        )
    if weight.numel() != 1:
        if not input.ndim:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != weight.numel():
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.numel()} and channel size = {channels}."
            )
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}"
        )
    if weight.ndim and weight.ndim != input.ndim:
        shape = [1] * input.ndim
        if input.ndim > 1:
            shape[1] = weight.numel()
        weight = weight.reshape(shape)  # type: ignore[attr-defined]
    elif weight.ndim == 1 == input.ndim and weight.numel() != 1:
        weight = weight.reshape(1)  # type: ignore[attr-defined]
    return _prelu(input, weight)


# ---- sigmoids

_sigmoid_backward = _backward("sigmoid_backward", kernels.sigmoid_backward, "output",
    grad_output=lambda grad, output: _sigmoid_backward(grad, conj(output)),
    output=lambda grad, grad_output, output: conj(grad) * grad_output * conj(1 - 2 * output),
)  # fmt: skip

sigmoid = unary("sigmoid", kernels.sigmoid,
    vjp=lambda grad, result: _sigmoid_backward(grad, result),
    doc="""``1 / (1 + exp(-input))``.

    >>> torch.sigmoid(torch.tensor([-1., 0., 1.]))
    tensor([0.2689, 0.5000, 0.7311])""")  # fmt: skip

_log_sigmoid_backward = _backward("log_sigmoid_backward", kernels.log_sigmoid_backward, "input",
    grad_output=lambda grad, input: _log_sigmoid_backward(grad, input),
    input=lambda grad, grad_output, input: -grad * grad_output * sigmoid_curvature(input),
)  # fmt: skip

sigmoid_curvature = _curvature("sigmoid_curvature", kernels.sigmoid_curvature)

log_sigmoid = _activation("log_sigmoid", kernels.log_sigmoid,
    vjp={"input": lambda grad, input: _log_sigmoid_backward(grad, input)})  # fmt: skip

softplus_curvature = _curvature("softplus_curvature", kernels.softplus_curvature,
    ("beta", "threshold"))  # fmt: skip

softplus_backward = _backward("softplus_backward", kernels.softplus_backward, "input",
    ("beta", "threshold"),
    grad_output=lambda grad, input, beta, threshold: (
        softplus_backward(grad, input, beta, threshold)
    ),
    input=lambda grad, grad_output, input, beta, threshold: (
        grad * grad_output * softplus_curvature(input, beta, threshold)
    ))  # fmt: skip

softplus = _activation("softplus", kernels.softplus, ("beta", "threshold"),
    vjp={"input": lambda grad, input, beta, threshold: (
        softplus_backward(grad, input, beta, threshold)
    )})  # fmt: skip

silu_curvature = _curvature("silu_curvature", kernels.silu_curvature)

silu_backward = _backward("silu_backward", kernels.silu_backward, "input",
    grad_output=lambda grad, input: silu_backward(grad, conj(input)),
    input=lambda grad, grad_output, input: conj(grad) * grad_output * conj(silu_curvature(input)),
)  # fmt: skip

silu = _activation("silu", kernels.silu, accepts="fc",
    vjp={"input": lambda grad, input: silu_backward(grad, input)})  # fmt: skip

mish_curvature = _curvature("mish_curvature", kernels.mish_curvature)

mish_backward = _backward("mish_backward", kernels.mish_backward, "input",
    grad_output=lambda grad, input: mish_backward(grad, input),
    input=lambda grad, grad_output, input: grad * grad_output * mish_curvature(input),
)  # fmt: skip

mish = _activation("mish", kernels.mish,
    vjp={"input": lambda grad, input: mish_backward(grad, input)})  # fmt: skip

gelu_curvature = _curvature("gelu_curvature", kernels.gelu_curvature, ("approximate",))

gelu_backward = _backward("gelu_backward", kernels.gelu_backward, "input", ("approximate",),
    grad_output=lambda grad, input, approximate: gelu_backward(grad, input, approximate),
    input=lambda grad, grad_output, input, approximate: (
        grad * grad_output * gelu_curvature(input, approximate)
    ))  # fmt: skip

gelu = _activation("gelu", kernels.gelu, ("approximate",), refusal="GeluKernelImpl",
    vjp={"input": lambda grad, input, approximate: gelu_backward(grad, input, approximate)},
)  # fmt: skip

__all__ = exported(globals())
silence(globals())
