"""Maximum and average pooling in one to three dimensions, with fixed and adaptive windows."""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import cpp_name, scalar_name
from flambeau.core.op import FOLDED, Op
from flambeau.core.publish import aten, exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import pooling as kernels
from flambeau.ops.batching import folded_to
from flambeau.ops.direct import run
from flambeau.ops.pooling_arguments import check_windows, pooled_shape, window_geometry
from flambeau.ops.spatial import Ints, batched, follow

# ---- operators


def values_at(values: Tensor, indices: Tensor) -> Tensor:
    """The pixels of ``[N, C, *spatial]`` at flat spatial indices, in the shape of the indices."""
    if indices.numel() == 0:
        return values.new_zeros(indices.shape)  # type: ignore[attr-defined]
    flat = values.flatten(2).gather(2, indices.flatten(2))  # type: ignore[attr-defined]
    return flat.reshape(indices.shape)


def with_indices(shape: Ints, x: Any) -> Any:
    return (shape, x.dtype), (shape, "int64")


_max_pool = Op("max_pool_with_indices", kernels.max_pool_forward, batch=FOLDED,
    params=("kernel_size", "stride", "padding", "dilation", "ceil_mode"), outputs=2,
    differentiable=(0,), accepts="if", refusal="max_pool", node="MaxPool2DWithIndices",
    vjp={"input": lambda grad, result1, input_shape: (
        max_pool_backward(grad, result1, tuple(input_shape)))},
    jvp=lambda input_t, result1: (values_at(input_t, result1), None),
    shape=lambda x, *geometry: with_indices(pooled_shape(x, *geometry), x))  # fmt: skip

_adaptive_max_pool = Op("adaptive_max_pool", kernels.adaptive_max_pool_forward, batch=FOLDED,
    params=("output_size",), outputs=2, differentiable=(0,), accepts="f",
    refusal="adaptive_max_pool2d", node="AdaptiveMaxPool2D",
    vjp={"input": lambda grad, result1, input_shape: (
        max_pool_backward(grad, result1, tuple(input_shape)))},
    jvp=lambda input_t, result1: (values_at(input_t, result1), None),
    shape=lambda x, size: with_indices((*x.shape[:2], *size), x))  # fmt: skip

max_pool_backward = Op("max_pool_backward", kernels.max_pool_backward,
    inputs=("grad_output", "indices"), params=("shape",), batch=folded_to,
    vjp={"grad_output": lambda grad, indices: values_at(grad, indices)},
    shape=lambda grad, indices, shape: shape)  # fmt: skip

_AVERAGE = (
    "kernel_size",
    "stride",
    "padding",
    "ceil_mode",
    "count_include_pad",
    "divisor_override",
)

_avg_pool = Op("avg_pool", kernels.avg_pool_forward, batch=FOLDED, params=_AVERAGE, accepts="if",
    refusal="avg_pool2d", node="AvgPool2D", jvp="linear",
    vjp={"input": lambda grad, input_shape, kernel_size, stride, padding, ceil_mode,
         count_include_pad, divisor_override: _avg_pool_backward(
            grad, tuple(input_shape), kernel_size, stride, padding, ceil_mode, count_include_pad,
            divisor_override)},
    shape=lambda x, kernel, stride, padding, ceil, *rest: (
        pooled_shape(x, kernel, stride, padding, (1,) * len(kernel), ceil)))  # fmt: skip

_avg_pool_backward = Op("avg_pool_backward", kernels.avg_pool_backward, inputs=("grad_output",),
    params=("shape", *_AVERAGE), jvp="linear", batch=folded_to,
    vjp={"grad_output": lambda grad, kernel_size, stride, padding, ceil_mode, count_include_pad,
         divisor_override: _avg_pool(
            grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)},
    shape=lambda grad, shape, *rest: shape)  # fmt: skip

_adaptive_avg_pool = Op("adaptive_avg_pool", kernels.adaptive_avg_pool_forward, batch=FOLDED,
    params=("output_size",), accepts="f", refusal="adaptive_avg_pool2d", node="AdaptiveAvgPool2D",
    jvp="linear",
    vjp={"input": lambda grad, input_shape: _adaptive_avg_pool_backward(grad, tuple(input_shape))},
    shape=lambda x, size: (*x.shape[:2], *size))  # fmt: skip

_adaptive_avg_pool_backward = Op("adaptive_avg_pool_backward", kernels.adaptive_avg_pool_backward,
    inputs=("grad_output",), params=("shape",), jvp="linear", batch=folded_to,
    vjp={"grad_output": lambda grad, grad_output_shape: (
        _adaptive_avg_pool(grad, tuple(grad_output_shape[2:])))},
    shape=lambda grad, shape: shape)  # fmt: skip


for _op in (_max_pool, _adaptive_max_pool, _avg_pool, _adaptive_avg_pool):
    _op.linked = True  # PyTorch's gradients use the input


# ---- maximum


def _max_pooled(
    name: str,
    n: int,
    input: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil: bool,
    indices: bool = True,
) -> tuple[Tensor, Tensor]:
    if not isinstance(input, Tensor):
        raise not_a_tensor(name, "input", 1, input)
    geometry = window_geometry(name, n, kernel, stride, padding, dilation)
    check_windows(name, input._array.shape, *geometry, ceil)
    of = input.dtype
    single = n == 1 and not indices
    if of.is_complex or of.name == "bool" or (of.rank < 2 and single):
        refusal = "max_pool1d_impl" if single else f"max_pool{max(n, 2)}d"
        raise NotImplementedError(f"\"{refusal}\" not implemented for '{scalar_name(of)}'")
    if input._array.ndim == n + 2:
        return follow(run(_max_pool, (input,), (*geometry, ceil)), input)
    return batched(_max_pool, n, input, *geometry, ceil)


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The maximum of each window of ``[N, C, L]`` or ``[C, L]``; ``stride`` defaults to the window.

    With ``return_indices`` also the index of each maximum. NaN wins; of equal values, the first.
    RuntimeError for padding above half of the window, NotImplementedError for integers unless
    indices are asked for.

    >>> F.max_pool1d(torch.tensor([[[1., 3., 2., 4.]]]), 2)
    tensor([[[3., 4.]]])
    """
    geometry = (kernel_size, stride, padding, dilation, ceil_mode)
    both = _max_pooled("max_pool1d", 1, input, *geometry, return_indices)
    return both if return_indices else both[0]


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The maximum of each window of ``[N, C, H, W]`` or ``[C, H, W]``.

    ``stride`` defaults to the window; padding counts as minus infinity. With ``return_indices``
    also the flat index of each maximum in its plane. RuntimeError for padding above half of the
    window.

    >>> torch.nn.functional.max_pool2d(torch.arange(16.0).view(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    both = _max_pooled("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return both if return_indices else both[0]


@autocasting("max_pool3d")
def max_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The maximum of each window of ``[N, C, D, H, W]`` or ``[C, D, H, W]``; see ``max_pool2d``."""
    both = _max_pooled("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return both if return_indices else both[0]


# A function of the input in name alone: its gradient there is zero.
_max_pool2d_backward = Op("max_pool2d_with_indices_backward", kernels.max_pool_backward_like,
    inputs=("grad_output", "indices", "input"), batch=FOLDED,
    shape=lambda grad, indices, x: x.shape,
    vjp={"grad_output": lambda grad, indices: values_at(grad, indices),
         "input": lambda grad: grad * 0})  # fmt: skip


@aten("max_pool2d_with_indices_backward")
def _max_pool2d_with_indices_backward(
    grad_output: Tensor, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
    ceil_mode: bool, indices: Tensor, *, grad_input: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of ``max_pool2d``'s input: ``grad_output`` added up at the ``indices``.

    Raises RuntimeError for gradients and indices that are not of the size of the result.
    """
    geometry = window_geometry("max_pool2d", 2, kernel_size, stride, padding, dilation)
    check_windows("max_pool2d", input._array.shape, *geometry, ceil_mode)
    image = input if input.ndim == 4 else input[None]  # type: ignore[index]
    shape = pooled_shape(image._array, *geometry, ceil_mode)
    for given in (grad_output, indices):
        _check_pooled(given, shape[4 - input.ndim :])
    if grad_output.dtype is not input.dtype:
        raise RuntimeError(
            f"expected dtype {cpp_name(input.dtype)} for `gradOutput` but got dtype "
            f"{cpp_name(grad_output.dtype)}"
        )
    grads, places = grad_output.reshape(shape), indices.reshape(shape)  # type: ignore[attr-defined]
    result = run(_max_pool2d_backward, (grads, places, image)).reshape(input.shape)
    return deliver("max_pool2d_with_indices_backward", result, grad_input)


def _check_pooled(given: Tensor, shape: Ints) -> None:
    n = len(shape)
    for dim, size in enumerate(shape):
        if given.ndim != n or given.shape[dim] != size:
            found = given.shape[dim] if dim < given.ndim else None
            raise RuntimeError(
                f"Expected a tensor of dimension {n} and tensor.size[{dim}] == {size} but got: "
                f"dimension {given.ndim} and tensor.size[{dim}] = {found}"
            )


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``max_pool1d`` with ``return_indices=True``.

    >>> torch.max_pool1d_with_indices(torch.tensor([[[1., 3., 2., 4.]]]), 2)[1]
    tensor([[[1, 3]]])
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``max_pool2d`` with ``return_indices=True``.

    >>> F.max_pool2d_with_indices(torch.arange(16.).reshape(1, 1, 4, 4), 2)[1]
    tensor([[[[ 5,  7],
              [13, 15]]]])
    """
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


@autocasting("max_pool3d")
def max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``max_pool3d`` with ``return_indices=True``."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


# ---- average


def _avg_pooled(
    name: str, n: int, input: Tensor, kernel: Any, stride: Any, padding: Any, ceil: bool,
    count_include_pad: bool, divisor: int | None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    if not isinstance(input, Tensor):
        raise not_a_tensor(name, "input", 1, input)
    kernel, stride, padding, dilation = window_geometry(name, n, kernel, stride, padding, 1)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    check_windows(name, input._array.shape, kernel, stride, padding, dilation, ceil)
    if input.dtype.is_complex or input.dtype.name == "bool":
        what = "avg_pool3d_out_frame" if n == 3 else "avg_pool2d"
        raise NotImplementedError(f"\"{what}\" not implemented for '{scalar_name(input.dtype)}'")
    params = (kernel, stride, padding, ceil, count_include_pad, divisor)
    if input._array.ndim == n + 2:
        result = run(_avg_pool, (input,), params)
        return deliver(name, result if n == 3 else follow(result, input), out)
    return deliver(name, batched(_avg_pool, n, input, *params), out)


def avg_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The mean of each window of ``[N, C, L]`` or ``[C, L]``; see ``avg_pool2d``.

    Sizes and strides are numbers. RuntimeError for padding above half of the window.

    >>> torch.avg_pool1d(torch.tensor([[[1., 3., 2., 4.]]]), 2)
    tensor([[[2., 3.]]])
    """
    return _avg_pooled(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of ``[N, C, H, W]`` or ``[C, H, W]``; ``stride`` defaults to it.

    Zeros of the padding count unless ``count_include_pad`` is false; ``divisor_override`` divides
    the sums instead of the count. RuntimeError for padding above half of the window.

    >>> F.avg_pool2d(torch.arange(16.).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    return _avg_pooled(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override, out,
    )  # fmt: skip


@autocasting("avg_pool3d")
def avg_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of ``[N, C, D, H, W]`` or ``[C, D, H, W]``; see ``avg_pool2d``."""
    return _avg_pooled(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override, out,
    )  # fmt: skip


__all__ = exported(globals(), "values_at with_indices")
