"""Convolutions and transposed convolutions in one to three dimensions.

The three kernels (result, gradient of the input, gradient of the weight) are each other's
derivatives: a transposed convolution is the gradient of an input, and every gradient of every one
of them is one of the three again.
"""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.op import Op
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import convolution as kernels

Ints = tuple[int, ...]
_GEOMETRY = ("stride", "padding", "dilation", "groups")


def _bias_grad(grad: Tensor) -> Tensor:
    return grad.sum([d for d in range(grad.ndim) if d != 1])  # type: ignore[attr-defined]


_conv = Op("convolution", kernels.conv_forward, inputs=("input", "weight", "bias"), params=_GEOMETRY,
    vjp={
        "input": lambda grad, weight, input_shape, stride, padding, dilation, groups: (
            _input_grad(grad, weight, tuple(input_shape), stride, padding, dilation, groups)),
        "weight": lambda grad, input, weight_shape, stride, padding, dilation, groups: (
            _weight_grad(grad, input, tuple(weight_shape), stride, padding, dilation, groups)),
        "bias": _bias_grad,
    },
    shape=lambda x, weight, bias, stride, padding, dilation, groups: (
        x.shape[0], weight.shape[0],
        *kernels.conv_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)))  # fmt: skip

_input_grad = Op("convolution_input_grad", kernels.conv_input_grad, inputs=("grad_output", "weight"),
    params=("shape", *_GEOMETRY), node="ConvolutionBackward",
    vjp={
        "grad_output": lambda grad, weight, stride, padding, dilation, groups: (
            _conv(grad, weight, None, stride, padding, dilation, groups)),
        "weight": lambda grad, grad_output, weight_shape, stride, padding, dilation, groups: (
            _weight_grad(grad_output, grad, tuple(weight_shape), stride, padding, dilation, groups)),
    },
    shape=lambda g, weight, shape, *geometry: shape)  # fmt: skip

_weight_grad = Op("convolution_weight_grad", kernels.conv_weight_grad, inputs=("grad_output", "input"),
    params=("shape", *_GEOMETRY), node="ConvolutionBackward",
    vjp={
        "grad_output": lambda grad, input, stride, padding, dilation, groups: (
            _conv(input, grad, None, stride, padding, dilation, groups)),
        "input": lambda grad, grad_output, input_shape, stride, padding, dilation, groups: (
            _input_grad(grad_output, grad, tuple(input_shape), stride, padding, dilation, groups)),
    },
    shape=lambda g, x, shape, *geometry: shape)  # fmt: skip


# ---- arguments


def _each(value: Any, n: int, argument: str) -> Ints:
    """A number, or one number for each spatial dimension."""
    if isinstance(value, int):
        return (value,) * n
    values = tuple([int(v) for v in value])
    if len(values) == 1:
        return values * n
    if len(values) != n:
        raise RuntimeError(f"expected {argument} to be a single integer value or a list of {n} values to match the convolution dimensions, but got {argument}={list(values)}")
    return values


def _same_padding(weight: Tensor, stride: Ints, dilation: Ints) -> tuple[Ints, list[int]]:
    """The padding that keeps the size, and the extra element at the end of each dimension."""
    if any([s != 1 for s in stride]):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
    return tuple([t // 2 for t in totals]), [t % 2 for t in totals]


def _check(x: Tensor, weight: Tensor, bias: Tensor | None, n: int, groups: int, transposed: bool) -> None:
    name = f"conv{'_transpose' if transposed else ''}{n}d"
    if not isinstance(x, Tensor) or not isinstance(weight, Tensor):
        raise TypeError(f"{name}() received an invalid combination of arguments")
    if weight.ndim != n + 2:
        raise RuntimeError(
            f"Expected {n + 2}-dimensional input for {n + 2}-dimensional weight {list(weight.shape)}, "
            f"but got {weight.ndim}-dimensional weight"
        )
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of "
            f"size: {list(x.shape)}"
        )
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    for tensor, what in ((weight, "weight"), (bias, "bias")):
        if tensor is not None and tensor.dtype is not x.dtype:
            raise RuntimeError(
                f"Input type ({_cpp(x)}) and {what} type ({_cpp(tensor)}) should be the same"
            )


def _cpp(tensor: Tensor) -> str:
    return {"float32": "float", "float64": "double", "int64": "long long", "int32": "int",
            "float16": "c10::Half", "bfloat16": "c10::BFloat16"}.get(tensor.dtype.name, scalar_name(tensor.dtype))  # fmt: skip


def _check_sizes(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Ints, padding: Ints, dilation: Ints, groups: int) -> None:
    if any([s <= 0 for s in stride]):
        raise RuntimeError("non-positive stride is not supported")
    if any([p < 0 for p in padding]):
        raise RuntimeError("negative padding is not supported")
    if any([d <= 0 for d in dilation]):
        raise RuntimeError("dilation should be greater than zero")
    if weight.shape[0] < groups or weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size {list(weight.shape)} instead"
            if weight.shape[0] >= groups else
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {list(weight.shape)} instead"
        )  # fmt: skip
    if x.shape[1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input"
            f"{list(x.shape)} to have {weight.shape[1] * groups} channels, but got {x.shape[1]} channels instead"
        )
    if bias is not None and (bias.ndim != 1 or bias.shape[0] != weight.shape[0]):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with "
            f"{weight.shape[0]} elements, but got bias of size {list(bias.shape)} instead"
        )
    windows = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:])]
    padded = [n + 2 * p for n, p in zip(x.shape[2:], padding)]
    if any([w > n for w, n in zip(windows, padded)]):
        times = lambda sizes: " x ".join(map(str, sizes))  # noqa: E731
        raise RuntimeError(
            f"Calculated padded input size per channel: ({times(padded)}). Kernel size: ({times(windows)}). Kernel size can't be greater than actual input size"
        )


def _convolve(
    n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    _check(input, weight, bias, n, groups, False)
    if input.ndim == n + 1:
        return _convolve(n, input.unsqueeze(0), weight, bias, stride, padding, dilation, groups).squeeze(0)  # type: ignore
    stride, dilation = _each(stride, n, "stride"), _each(dilation, n, "dilation")
    extra = [0] * n
    if padding == "same":
        padding, extra = _same_padding(weight, stride, dilation)
    elif isinstance(padding, str):
        if padding != "valid":
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        padding = (0,) * n
    else:
        padding = _each(padding, n, "padding")
    if any(extra):
        input = input.constant_pad_nd([p for e in reversed(extra) for p in (0, e)])  # type: ignore
    _check_sizes(input, weight, bias, stride, padding, dilation, groups)
    return _conv(input, weight, bias, stride, padding, dilation, groups)


def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
           dilation: Any = 1, groups: int = 1) -> Tensor:  # fmt: skip
    """Convolution of ``[N, C, L]`` (or ``[C, L]``) with ``[O, C / groups, K]``."""
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
           dilation: Any = 1, groups: int = 1) -> Tensor:  # fmt: skip
    """Convolution of images ``[N, C, H, W]`` (or ``[C, H, W]``) with ``[O, C / groups, KH, KW]``.

    ``padding`` also takes ``"valid"`` and ``"same"``.

    >>> conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)).shape
    torch.Size([1, 1, 2, 2])
    """
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
           dilation: Any = 1, groups: int = 1) -> Tensor:  # fmt: skip
    """Convolution of volumes ``[N, C, D, H, W]`` (or ``[C, D, H, W]``)."""
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


def _transposed(n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
                output_padding: Any, groups: int, dilation: Any) -> Tensor:  # fmt: skip
    _check(input, weight, bias, n, groups, True)
    if input.ndim == n + 1:
        return _transposed(n, input.unsqueeze(0), weight, bias, stride, padding, output_padding, groups, dilation).squeeze(0)  # type: ignore
    stride, padding = _each(stride, n, "stride"), _each(padding, n, "padding")
    extra, dilation = _each(output_padding, n, "output_padding"), _each(dilation, n, "dilation")
    if input.shape[1] != weight.shape[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.shape)}, expected input{list(input.shape)} "
            f"to have {weight.shape[0]} channels, but got {input.shape[1]} channels instead"
        )
    for e, s, d in zip(extra, stride, dilation):
        if e >= s and e >= d:
            raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got output_padding_height: {e} output_padding_width: {e} stride_height: {s} stride_width: {s} dilation_height: {d} dilation_width: {d}")
    size = [
        (m - 1) * s - 2 * p + d * (k - 1) + e + 1
        for m, s, p, d, k, e in zip(input.shape[2:], stride, padding, dilation, weight.shape[2:], extra)
    ]
    shape = (input.shape[0], weight.shape[1] * groups, *size)
    result = _input_grad(input, weight, shape, stride, padding, dilation, groups)
    return result if bias is None else result + bias.reshape(-1, *(1,) * n)  # type: ignore


def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
                     padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """The gradient of ``conv1d`` with respect to its input, as an operator of its own."""
    return _transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
                     padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """The gradient of ``conv2d`` with respect to its input, as an operator of its own."""
    return _transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
                     padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """The gradient of ``conv3d`` with respect to its input, as an operator of its own."""
    return _transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


__all__ = exported(globals())
