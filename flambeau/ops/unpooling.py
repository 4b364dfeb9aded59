"""Inverses and relatives of pooling: unpooling, power-average and fractional maximum pooling."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import int64, scalar_name
from flambeau.core.op import FOLDED, Op
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import pooling as kernels
from flambeau.ops.direct import run
from flambeau.ops.drawing import unsupported
from flambeau.ops.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_pool_backward,
    values_at,
    with_indices,
)  # fmt: skip
from flambeau.ops.random import rand
from flambeau.ops.spatial import Ints, follow, per_dimension

# ---- unpooling


def _unpooled_size(
    n: int, shape: Ints, kernel: Ints, stride: Ints, padding: Ints, output_size: Any
) -> list[int]:
    """The spatial size asked for, or the smallest that pools to that of the input."""
    if len(shape) < n:
        raise IndexError("tuple index out of range")
    sides = zip(shape[-n:], kernel, stride, padding)
    default = [(m - 1) * s + k - 2 * p for m, k, s, p in sides]
    if output_size is None:
        return default
    output_size = list(output_size)
    if len(output_size) == n + 2:
        output_size = output_size[2:]
    if len(output_size) != n:
        raise ValueError(
            f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a "
            "length "
            f"of '{len(output_size)}'"
        )
    for d in range(n):
        least, most = default[d] - stride[d], default[d] + stride[d]
        if not least < output_size[d] < most:
            raise ValueError(
                f'invalid output_size "{tuple(output_size)}" (dim {d} must be between {least} and '
                f"{most})"
            )
    return output_size


def _check_unpool(n: int, input: Tensor, indices: Tensor, size: list[int]) -> None:
    kernel = "max_unpooling3d" if n == 3 else "max_unpooling2d"
    if indices.dtype is not int64:
        raise RuntimeError(
            f"elements in indices should be type int64 but got: {scalar_name(indices.dtype)}"
        )
    m = max(n, 2)
    if input.ndim not in (n + 1, n + 2):
        shown = input.ndim + (n == 1)
        raise RuntimeError(
            f"Input to {kernel} should be a {m + 1}d or {m + 2}d Tensor, but got a tensor with "
            f"{shown} "
            "dimensions."
        )
    if input.shape != indices.shape:
        raise RuntimeError(
            "Expected shape of indices to be same as that of the input tensor "
            f"({list(input.shape)}) but got indices tensor with shape: {list(indices.shape)}"
        )
    for d in range(input.ndim - n - 1 if input.ndim == n + 2 else 0, input.ndim):
        if d > 0 and input.shape[d] == 0:
            raise RuntimeError(
                f"{kernel}_forward_out_cpu(): Expected input to have non-zero size for non-batch "
                f"dimensions, but got {list(input.shape)} with dimension {d} being empty."
            )
    if input.dtype.rank < 2:
        raise unsupported(f"max_unpool{m}d", input.dtype)
    volume = math.prod(size)
    if input.device.type != "meta" and indices.numel():
        wrong = indices[(indices < 0) | (indices >= volume)]  # type: ignore
        if wrong.numel():
            shown_size = "x".join(map(str, size + [1] * (n == 1)))
            raise RuntimeError(
                f"Found an invalid max index: {wrong[0].item()} (output volumes are of size "
                f"{shown_size})"
            )


def _unpool(
    n: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    def refuse() -> Exception:
        return IndexError("tuple index out of range")

    kernel = per_dimension(kernel_size, n, refuse)
    stride = kernel if stride is None else per_dimension(stride, n, refuse)
    padding = per_dimension(padding, n, refuse)
    size = _unpooled_size(n, tuple(input.shape), kernel, stride, padding, output_size)
    _check_unpool(n, input, indices, size)
    lead = tuple(input.shape[: input.ndim - n])
    volume = math.prod(size)
    zeros = input.detach().new_zeros((*lead, volume))  # type: ignore[attr-defined]
    axis = len(lead)
    flat = zeros.scatter(axis, indices.flatten(axis), input.flatten(axis))  # type: ignore
    return follow(flat.reshape(*lead, *size), input)


@autocasting("max_unpool")
def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Puts the maxima of ``max_pool1d`` back to where they came from, zeros elsewhere."""
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


@autocasting("max_unpool")
def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Puts the maxima of ``max_pool2d`` back to where they came from, zeros elsewhere.

    ``output_size`` chooses among the sizes that pool to that of ``input``.
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


@autocasting("max_unpool")
def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Puts the maxima of ``max_pool3d`` back to where they came from, zeros elsewhere."""
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)


# ---- power averages


def _lp_pool(n: int, input: Tensor, p: float, kernel: Any, stride: Any, ceil_mode: bool) -> Tensor:
    if p == math.inf:
        maximum = (max_pool1d, max_pool2d, max_pool3d)[n - 1]
        return maximum(input.abs(), kernel, stride, 0, 1, ceil_mode)  # type: ignore[attr-defined]
    average = (avg_pool1d, avg_pool2d, avg_pool3d)[n - 1]
    window = 1
    for k in [kernel] * n if isinstance(kernel, int) else kernel:
        window *= k
    means = average(input.pow(p), kernel, stride, 0, ceil_mode)  # type: ignore[attr-defined]
    return (means.sign() * means.abs().relu() * window).pow(1.0 / p)  # type: ignore[attr-defined]


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``sum(x^p)^(1/p)`` over each window of ``[N, C, L]``; windows that are cut count as whole.

    >>> F.lp_pool1d(torch.tensor([[[3., 4., 6., 8.]]]), 2, 2)
    tensor([[[ 5., 10.]]])
    """
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``sum(x^p)^(1/p)`` over each window of ``[N, C, H, W]``; cut windows count as whole ones.

    >>> F.lp_pool2d(torch.tensor([[[[3., 4.], [0., 0.]]]]), 2, 2)
    tensor([[[[5.]]]])
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``sum(x^p)^(1/p)`` over each window of volumes; windows that are cut count as whole.

    >>> F.lp_pool3d(torch.ones(1, 1, 2, 2, 2), 1, 2)
    tensor([[[[[8.]]]]])
    """
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


# ---- fractional maximum


_fractional_max_pool = Op("fractional_max_pool", kernels.fractional_max_pool_forward, batch=FOLDED,
    inputs=("input", "samples"), params=("kernel_size", "output_size"), outputs=2,
    differentiable=(0,), accepts="f", node="FractionalMaxPool2D",
    vjp={"input": lambda grad, result1, input_shape: (
        max_pool_backward(grad, result1, tuple(input_shape)))},
    jvp=lambda input_t, result1: (values_at(input_t, result1), None),
    shape=lambda x, samples, kernel, size: with_indices((*x.shape[:2], *size), x))  # fmt: skip
_fractional_max_pool.linked = True  # PyTorch's gradient uses the input


def _fractional(
    n: int, input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratios = [output_ratio] * n if isinstance(output_ratio, int | float) else list(output_ratio)
        output_size = [int(m * r) for m, r in zip(input.shape[-n:], ratios, strict=True)]

    def refusal(what: str) -> Any:
        return lambda: RuntimeError(f"{name}: {what} must either be a single Int or tuple of Ints")

    kernel = per_dimension(kernel_size, n, refusal("kernel_size"))
    size = per_dimension(output_size, n, refusal("output_size"))
    if input.ndim not in (n + 1, n + 2):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-input.ndim}, "
            f"{input.ndim - 1}], but "
            f"got {-n - 1})"
        )
    x = input if input.ndim == n + 2 else input.unsqueeze(0)  # type: ignore[attr-defined]
    if n == 3 and input.ndim == 4 and samples is not None:
        samples = samples[:1]  # PyTorch does not ask how many there are
    samples = _samples(x, n, samples)
    _check_windows(name, x.shape, kernel, size)
    if not x.dtype.is_floating_point:
        raise unsupported(f"{name}_out_frame", x.dtype)
    values, indices = run(_fractional_max_pool, (x, samples), (kernel, size))
    if input.ndim == n + 2:
        return values, indices
    return values.squeeze(0), indices.squeeze(0)  # type: ignore[attr-defined]


def _check_windows(name: str, shape: Ints, kernel: Ints, size: Ints) -> None:
    n = len(kernel)
    for d in range(1, n + 2):
        if shape[d] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got"
                f"{list(shape)} with dimension {d} being empty."
            )
    suffix, more = ("_out", 1) if n == 3 else ("", 0)  # PyTorch's volumes need one pixel more
    for side, m, k, s in zip(("time", "height", "width")[3 - n :], shape[2:], kernel, size):
        if s + k - 1 + more > m:
            raise RuntimeError(
                f"{name}{suffix}(): pool {side} {k} too large relative to input {side} {m}"
            )


def _samples(x: Tensor, n: int, samples: Tensor | None) -> Tensor:
    if samples is None:
        if not x.dtype.is_floating_point:
            raise unsupported("check_uniform_bounds", x.dtype)
        return rand(x.shape[0], x.shape[1], n, dtype=x.dtype, device=x.device)
    if samples.dtype is not x.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if samples.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions got {samples.ndim}")
    wanted = ((x.shape[0], "input batch size"), (x.shape[1], "input channel size"))
    for d, (extent, what) in enumerate(wanted):
        if samples.shape[d] != extent:
            raise RuntimeError(f"Expect _random_samples.size({d}) equals to {what}.")
    if samples.shape[2] != n:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {n} got {samples.shape[2]}.")
    return samples


def fractional_max_pool2d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The maxima of windows that begin at pseudo-random places, for any ``output_size``.

    Or ``output_ratio`` of the input's size. (Graham, Fractional Max-Pooling, 2014.)

    >>> F.fractional_max_pool2d(torch.ones(1, 1, 5, 5), 2, output_size=3).shape
    torch.Size([1, 1, 3, 3])
    """
    both = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return both if return_indices else both[0]


def fractional_max_pool3d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """``fractional_max_pool2d`` of volumes.

    >>> F.fractional_max_pool3d(torch.ones(1, 1, 5, 5, 5), 2, output_size=3).shape
    torch.Size([1, 1, 3, 3, 3])
    """
    both = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return both if return_indices else both[0]


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``fractional_max_pool2d`` with ``return_indices=True``.

    >>> F.fractional_max_pool2d_with_indices(torch.ones(1, 1, 5, 5), 2, output_size=3)[1].dtype
    torch.int64
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``fractional_max_pool3d`` with ``return_indices=True``.

    >>> F.fractional_max_pool3d_with_indices(torch.ones(1, 1, 5, 5, 5), 2, output_size=3)[1].dtype
    torch.int64
    """
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)


__all__ = exported(globals())
