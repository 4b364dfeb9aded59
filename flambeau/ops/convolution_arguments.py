"""The arguments of convolutions: checked, and one number for each dimension."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.tensor import Tensor
from flambeau.ops.spatial import per_dimension

Ints = tuple[int, ...]


def _each(value: Any, n: int, argument: str) -> Ints:
    """A number, or one number for each spatial dimension."""

    def refuse() -> Exception:
        return RuntimeError(
            f"expected {argument} to be a single integer value or a list of {n} values to match "
            "the "
            f"convolution dimensions, but got {argument}={list(value)}"
        )

    return per_dimension(value, n, refuse)


def check_operands(name: str, n: int, input: Any, weight: Any, bias: Any, transposed: bool) -> None:
    if not isinstance(input, Tensor) or not isinstance(weight, Tensor):
        given = ", ".join([type(t).__name__ for t in (input, weight)])
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({given}), but expected "
            "one "
            "of:\n * (Tensor input, Tensor weight, ...)"
        )
    if bias is not None and not isinstance(bias, Tensor):
        raise TypeError(f"{name}(): argument 'bias' must be Tensor, not {type(bias).__name__}")
    if bias is not None and bias.dtype is not input.dtype:
        if transposed:
            raise RuntimeError(
                f"Input type ({input.kind.type_name}) and bias type ({bias.kind.type_name}) "
                "should be "
                "the same or input should be a MKLDNN tensor and bias is a dense tensor"
            )
        raise RuntimeError(
            f"Input type ({_c_name(input)}) and bias type ({_c_name(bias)}) should be the same"
        )
    if weight.dtype is not input.dtype:
        raise RuntimeError(
            f"expected scalar type {scalar_name(input.dtype)} but found {scalar_name(weight.dtype)}"
        )
    if input.dtype.name == "bool":
        raise NotImplementedError(f"\"slow_conv{n}d_cpu\" not implemented for 'Bool'")


def _c_name(tensor: Tensor) -> str:
    """The C++ type in PyTorch's message."""
    name = tensor.dtype.name
    names = {"float32": "float", "float64": "double", "int64": "long long", "int32": "int",
             "float16": "c10::Half", "bfloat16": "c10::BFloat16"}  # fmt: skip
    return names.get(name, scalar_name(tensor.dtype))


def _check_ranks(name: str, n: int, shape: Ints, window: Ints, stride: Any) -> None:
    if len(shape) not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input "
            "of "
            f"size: {list(shape)}"
        )
    if len(window) < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if len(window) != n + 2:
        steps = [stride] * n if isinstance(stride, int) else list(stride)
        raise RuntimeError(
            f"expected stride to be a single integer value or a list of {len(window) - 2} values "
            "to "
            f"match the convolution dimensions, but got stride={steps}"
        )


def _check_numbers(
    stride: Ints, padding: Ints, dilation: Ints, groups: int, output_padding: Ints = ()
) -> None:
    if min(stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(output_padding, default=0) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if min(dilation) <= 0:
        raise RuntimeError("non-positive dilation is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")


def _check_groups(window: Ints, groups: int) -> None:
    if window[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but "
            "got "
            f"weight of size {list(window)} instead"
        )
    if window[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            "but "
            f"got weight of size [{list(window)}] instead"
        )


def _check_bias(given: str, window: Ints, bias: Ints | None, filters: int) -> None:
    if bias is not None and bias != (filters,):
        raise RuntimeError(
            f"Given {given}weight of size {list(window)}, expected bias to be 1-dimensional with "
            f"{filters} elements, but got bias of size {list(bias)} instead"
        )


def _same_padding(window: Ints, stride: Ints, dilation: Ints) -> tuple[Ints, Ints]:
    """The padding that keeps the size, and the extra element at the end of each dimension."""
    if max(stride) != 1:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for d, k in zip(dilation, window[2:])]
    return tuple([t // 2 for t in totals]), tuple([t % 2 for t in totals])


@lru_cache(1024)
def checked_geometry(
    n: int, shape: Ints, window: Ints, bias: Ints | None, stride: Any, padding: Any, dilation: Any,
    groups: int,
) -> tuple[Ints, Ints, Ints, list[int]]:  # fmt: skip
    """The checked stride, padding and dilation, and what to pad the input with beforehand."""
    _check_ranks(f"conv{n}d", n, shape, window, stride)
    stride, dilation = _each(stride, n, "stride"), _each(dilation, n, "dilation")
    extra: Ints = ()
    if padding == "same":
        padding, extra = _same_padding(window, stride, dilation)
    elif isinstance(padding, str):
        if padding != "valid":
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        padding = (0,) * n
    else:
        padding = _each(padding, n, "padding")
    _check_numbers(stride, padding, dilation, groups)
    shape = shape if len(shape) == n + 2 else (1, *shape)
    _check_groups(window, groups)
    if shape[1] != window[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(window)}, expected input{list(shape)} to "
            f"have {window[1] * groups} channels, but got {shape[1]} channels instead"
        )
    _check_bias("", window, bias, window[0])
    windows = [d * (k - 1) + 1 for d, k in zip(dilation, window[2:])]
    image = [m + 2 * p + e for m, p, e in zip(shape[2:], padding, extra or (0,) * n)]
    if any([w > m for w, m in zip(windows, image)]):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, image))}). Kernel "
            "size: "
            f"({' x '.join(map(str, windows))}). Kernel size can't be greater than actual input "
            "size"
        )
    before = [p for e in reversed(extra) for p in (0, e)] if any(extra) else []
    return stride, padding, dilation, before


def hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@lru_cache(512)
def checked_transposed_geometry(
    n: int, shape: Ints, window: Ints, bias: Ints | None, stride: Any, padding: Any, extra: Any,
    dilation: Any, groups: int,
) -> tuple[Ints, Ints, Ints, Ints]:  # fmt: skip
    """The checked shape of the result, stride, padding and dilation."""
    _check_ranks(f"conv_transpose{n}d", n, shape, window, stride)
    stride, padding = _each(stride, n, "stride"), _each(padding, n, "padding")
    extra, dilation = _each(extra, n, "output_padding"), _each(dilation, n, "dilation")
    _check_numbers(stride, padding, dilation, groups, extra)
    shape = shape if len(shape) == n + 2 else (1, *shape)
    _check_groups(window, groups)
    if shape[1] != window[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(window)}, expected input{list(shape)} to "
            "have "
            f"{window[0]} channels, but got {shape[1]} channels instead"
        )
    _check_bias("transposed=1, ", window, bias, window[1] * groups)
    if any([e >= s and e >= d for e, s, d in zip(extra, stride, dilation)]):
        numbers = (("output_padding", extra), ("stride", stride), ("dilation", dilation))
        sides = ("depth", "height", "width")[-max(n, 2) :]
        told = [f"{a}_{b}: {v}" for a, vs in numbers for b, v in zip(sides, (1,) * (2 - n) + vs)]
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"{' '.join(told)}"
        )
    sides = zip(shape[2:], stride, padding, dilation, window[2:], extra)
    size = [(m - 1) * s - 2 * p + d * (k - 1) + e + 1 for m, s, p, d, k, e in sides]
    if min(size) < 0:
        raise RuntimeError(
            f"Given input size per channel: {list(shape[2:])}. Calculated output size per channel: "
            f"{size}. Output size is too small"
        )  # oneDNN's message in PyTorch says nothing of sizes
    return (shape[0], window[1] * groups, *size), stride, padding, dilation
