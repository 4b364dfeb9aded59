"""Pooling to a given size: windows that cover the image evenly."""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import scalar_name
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.ops.direct import run
from flambeau.ops.pooling import _adaptive_avg_pool, _adaptive_max_pool
from flambeau.ops.spatial import Ints, batched, follow


def _size(name: str, output_size: Any, n: int, shape: Ints) -> Ints:
    """The spatial size asked for; None keeps the size of a dimension."""
    if n > 1 and isinstance(output_size, tuple | list) and len(shape) <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    if output_size is None or hasattr(output_size, "__index__"):
        output_size = (output_size,) * n
    if n == 1 and None in output_size:
        raise TypeError(
            f"{name}(): argument 'output_size' (position 2) must be tuple of ints, but found "
            "element "
            "of type NoneType at pos 0"
        )
    if len(output_size) != n:
        if n == 1:
            raise RuntimeError(
                f"{name}() argument 'output_size' should contain one int (got {len(output_size)})"
            )
        if name.startswith("adaptive_max"):
            raise RuntimeError(f"{name}(): internal error: output_size.size() must be {n}")
        raise RuntimeError(f"{name}: output_size must be {n}")
    return tuple([m if s is None else s.__index__() for s, m in zip(output_size, shape[-n:])])


def _check(name: str, input: Tensor, n: int) -> None:
    if not isinstance(input, Tensor):
        raise not_a_tensor(name, "input", 1, input)
    if input.ndim not in (n + 1, n + 2):
        if n == 1:
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for "
                "argument #1 "
                f"'self' (while checking arguments for {name})"
            )
        colon = ":" if name.startswith("adaptive_max") else ""
        raise RuntimeError(
            f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got{colon} {list(input.shape)}"
        )


def _check_full(name: str, shape: Ints, dims: range) -> None:
    for dim in dims:
        if shape[dim] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                "input "
                f"has sizes {list(shape)} with dimension {dim} being empty"
            )


def _check_dtype(name: str, input: Tensor) -> None:
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_name(input.dtype)}'")


def _average(name: str, n: int, input: Tensor, output_size: Any) -> Tensor:
    size = _size(name, output_size, n, input._array.shape)
    _check(name, input, n)
    if any([s < 0 for s in size]):
        if n == 1:
            name, size = "adaptive_avg_pool2d", (1, *size)
        shown = ", ".join(map(str, size[:2])) + "".join([f",{s}" for s in size[2:]])
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{shown}}}"
        )
    if size == (1,) * n:
        return input.mean(tuple(range(-n, 0)), True)  # type: ignore[attr-defined]
    shape = input._array.shape
    if n == 1:
        name, shape = "adaptive_avg_pool2d", (*shape[:-1], 1, shape[-1])
    _check_full(name, shape, range(len(shape) - max(n, 2), len(shape)))
    _check_dtype("adaptive_avg_pool3d_cpu" if n == 3 else "adaptive_avg_pool2d", input)
    if input.ndim == n + 2:
        result = run(_adaptive_avg_pool, (input,), (size,))
        return result if n == 3 else follow(result, input)
    return batched(_adaptive_avg_pool, n, input, size)


def _maximum(name: str, n: int, input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    size, shape = _size(name, output_size, n, input._array.shape), input._array.shape
    _check(name, input, n)
    _check_full(name, shape, range(len(shape) - n - (len(shape) == n + 2), len(shape)))
    if any([s < 0 for s in size]):
        lead, ones = shape[:-n], (1,) * (n == 1)
        raise RuntimeError(
            f"Trying to create tensor with negative dimension -1: {[*lead, *ones, *size]}"
        )
    _check_dtype("adaptive_max_pool3d_cpu" if n == 3 else "adaptive_max_pool2d", input)
    if input.ndim == n + 2:
        both = run(_adaptive_max_pool, (input,), (size,))
        return both if n == 3 else follow(both, input)
    return batched(_adaptive_max_pool, n, input, size)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of ``output_size`` windows that cover ``[N, C, L]`` or ``[C, L]`` evenly.

    ``input`` is floating; RuntimeError for other ranks.

    >>> torch.adaptive_avg_pool1d(torch.arange(6.).reshape(1, 1, 6), 2)
    tensor([[[1., 4.]]])
    """
    return _average("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of ``output_size`` windows that cover ``[N, C, H, W]`` or ``[C, H, W]`` evenly.

    ``output_size`` is a number, or one per dimension, None for the size of the input. RuntimeError
    for other ranks.

    >>> torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 5, 7), (2, None)).shape
    torch.Size([1, 2, 7])
    """
    return _average("adaptive_avg_pool2d", 2, input, output_size)


@autocasting("adaptive_avg_pool3d")
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The means of ``output_size`` windows that cover ``[N, C, D, H, W]`` evenly."""
    return _average("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of ``output_size`` windows that cover ``[N, C, L]`` evenly; also their indices.

    ``[N, C, L]`` or ``[C, L]`` gives ``[N, C, output_size]``; indices are int64. RuntimeError for
    other ranks.

    >>> F.adaptive_max_pool1d(torch.arange(6.).reshape(1, 1, 6), 2)
    tensor([[[2., 5.]]])
    """
    both = _maximum("adaptive_max_pool1d", 1, input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of ``output_size`` windows that cover ``[N, C, H, W]`` evenly; and indices.

    ``output_size`` is a number or two; None keeps a size. Indices are int64, in the flattened
    image. RuntimeError for other ranks.

    >>> F.adaptive_max_pool2d(torch.arange(16.).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    both = _maximum("adaptive_max_pool2d", 2, input, output_size)
    return both if return_indices else both[0]


@autocasting("adaptive_max_pool3d")
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of ``output_size`` windows that cover volumes evenly; also their indices."""
    both = _maximum("adaptive_max_pool3d", 3, input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool1d`` with ``return_indices=True``.

    >>> F.adaptive_max_pool1d_with_indices(torch.arange(6.).reshape(1, 1, 6), 2)[1]
    tensor([[[2, 5]]])
    """
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool2d`` with ``return_indices=True``.

    >>> F.adaptive_max_pool2d_with_indices(torch.arange(16.).reshape(1, 1, 4, 4), 2)[1]
    tensor([[[[ 5,  7],
              [13, 15]]]])
    """
    return adaptive_max_pool2d(input, output_size, True)


@autocasting("adaptive_max_pool3d")
def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool3d`` with ``return_indices=True``."""
    return adaptive_max_pool3d(input, output_size, True)


__all__ = exported(globals())
