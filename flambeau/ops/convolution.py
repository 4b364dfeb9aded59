"""Convolutions and transposed convolutions in one to three dimensions.

The three kernels (result, gradient of the input, gradient of the weight) are each other's
derivatives: a transposed convolution is the gradient of an input, and every gradient of every one
of them is one of the three again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flambeau.core.autocast import autocast, autocasting
from flambeau.core.dtype import scalar_name
from flambeau.core.op import Op
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import convolution as kernels
from flambeau.ops.direct import run
from flambeau.ops.pointwise.rules import conj
from flambeau.ops.spatial import follow, per_dimension

Ints = tuple[int, ...]
_GEOMETRY = ("stride", "padding", "dilation", "groups")


def _bias_grad(grad: Tensor) -> Tensor:
    return grad.sum([d for d in range(grad.ndim) if d != 1])  # type: ignore[attr-defined]


def _cropped(result: Tensor, shape: Any) -> Tensor:
    """The first results: output padding may leave room for one more window than there were."""
    for d in range(2, result.ndim):
        if result.shape[d] > shape[d]:
            result = result.narrow(d, 0, shape[d])  # type: ignore[attr-defined]
    return result


def _batch_conv(op: Op, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any,
                padding: Any,
                dilation: Any, groups: int) -> Tensor:  # fmt: skip
    """Examples join the batch when they share the weight, else the groups."""
    size, n = input.shape[:2]
    if weight.stride(0) == 0 and (bias is None or bias.stride(0) == 0):  # type: ignore
        shared = None if bias is None else bias[0]  # type: ignore[index]
        found = op(input.flatten(0, 1), weight[0], shared, stride, padding, dilation, groups)  # type: ignore
        return found.unflatten(0, (size, n))
    images = input.transpose(0, 1).flatten(1, 2)  # type: ignore[attr-defined]
    offsets = None if bias is None else bias.flatten(0, 1)  # type: ignore[attr-defined]
    found = op(images, weight.flatten(0, 1), offsets, stride, padding, dilation, groups * size)  # type: ignore
    return found.unflatten(1, (size, -1)).transpose(0, 1)


_conv = Op("convolution", kernels.conv_forward, batch=_batch_conv,
    inputs=("input", "weight", "bias"), params=_GEOMETRY,
    vjp={
        "input": lambda grad, weight, input_shape, stride, padding, dilation, groups: run(
            _input_grad, (grad, conj(weight)),
            (tuple(input_shape), stride, padding, dilation, groups)),
        "weight": lambda grad, input, weight_shape, stride, padding, dilation, groups: run(
            _weight_grad, (grad, conj(input)),
            (tuple(weight_shape), stride, padding, dilation, groups)),
        "bias": _bias_grad,
    },
    shape=lambda x, weight, bias, stride, padding, dilation, groups: (
        x.shape[0], weight.shape[0],
        *kernels.conv_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)))  # fmt: skip

_input_grad = Op("convolution_input_grad", kernels.conv_input_grad,
    inputs=("grad_output", "weight"), params=("shape", *_GEOMETRY), node="Convolution",
    vjp={
        "grad_output": lambda grad, weight, grad_output_shape, stride, padding, dilation, groups: (
            _cropped(run(_conv, (grad, conj(weight), None), (stride, padding, dilation, groups)),
                grad_output_shape)),
        "weight": lambda grad, grad_output, weight_shape, stride, padding, dilation, groups: run(
            _weight_grad, (conj(grad_output), grad),
            (tuple(weight_shape), stride, padding, dilation, groups)),
    },
    shape=lambda g, weight, shape, *geometry: shape)  # fmt: skip

_weight_grad = Op("convolution_weight_grad", kernels.conv_weight_grad,
    inputs=("grad_output", "input"), params=("shape", *_GEOMETRY), node="ConvolutionBackward",
    vjp={
        "grad_output": lambda grad, input, grad_output_shape, stride, padding, dilation, groups: (
            _cropped(run(_conv, (conj(input), grad, None), (stride, padding, dilation, groups)),
                grad_output_shape)),
        "input": lambda grad, grad_output, input_shape, stride, padding, dilation, groups: run(
            _input_grad, (conj(grad_output), grad),
            (tuple(input_shape), stride, padding, dilation, groups)),
    },
    shape=lambda g, x, shape, *geometry: shape)  # fmt: skip


# ---- arguments


def _each(value: Any, n: int, argument: str) -> Ints:
    """A number, or one number for each spatial dimension."""

    def refuse() -> Exception:
        return RuntimeError(
            f"expected {argument} to be a single integer value or a list of {n} values to match "
            "the "
            f"convolution dimensions, but got {argument}={list(value)}"
        )

    return per_dimension(value, n, refuse)


def _check_operands(
    name: str, n: int, input: Any, weight: Any, bias: Any, transposed: bool
) -> None:
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
def _geometry(
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


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _convolve(
    n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
    dilation: Any, groups: int,
) -> Tensor:  # fmt: skip
    try:
        kind = input._kind
        if (
            kind is not weight._kind
            or (bias is not None and kind is not bias._kind)
            or (kind is not None and kind.category == 1)
        ):
            input, weight, bias = autocast("convolution", (input, weight, bias))
            _check_operands(f"conv{n}d", n, input, weight, bias, False)
    except AttributeError:
        _check_operands(f"conv{n}d", n, input, weight, bias, False)
    shapes = (input._array.shape, weight._array.shape, None if bias is None else bias._array.shape)
    try:
        geometry = _geometry(n, *shapes, stride, padding, dilation, groups)
    except TypeError:
        numbers = (_hashable(stride), _hashable(padding), _hashable(dilation))
        geometry = _geometry(n, *shapes, *numbers, groups)
    stride, padding, dilation, before = geometry
    if before:
        input = input.constant_pad_nd(before)  # type: ignore[attr-defined]
    params = (stride, padding, dilation, groups)
    if len(shapes[0]) == n + 2:
        return follow(run(_conv, (input, weight, bias), params), input, weight)
    return run(_conv, (input.unsqueeze(0), weight, bias), params).squeeze(0)  # type: ignore


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution of ``[N, C, L]`` or ``[C, L]`` with ``[O, C / groups, K]``; see ``conv2d``."""
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution of images ``[N, C, H, W]`` or ``[C, H, W]`` with ``[O, C / groups, KH, KW]``.

    ``stride``, ``padding`` (zeros on both sides) and ``dilation`` are numbers, or one per
    dimension; ``padding`` also "valid" (none) and "same" (keeps the size, for stride 1). Channels
    and filters of different groups do not meet. Raises RuntimeError for shapes that do not fit.

    >>> torch.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)).shape
    torch.Size([1, 1, 2, 2])
    """
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution of volumes ``[N, C, D, H, W]`` or ``[C, D, H, W]``; see ``conv2d``."""
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


# ---- transposed


@lru_cache(512)
def _transposed_geometry(
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


def _transposed(
    n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
    output_padding: Any, groups: int, dilation: Any,
) -> Tensor:  # fmt: skip
    _check_operands(f"conv_transpose{n}d", n, input, weight, bias, True)
    shapes = (input._array.shape, weight._array.shape, None if bias is None else bias._array.shape)
    numbers = [_hashable(v) for v in (stride, padding, output_padding, dilation)]
    shape, *geometry = _transposed_geometry(n, *shapes, *numbers, groups)
    if single := input.ndim == n + 1:
        input = input.unsqueeze(0)  # type: ignore[attr-defined]
    result = run(_input_grad, (input, weight), (shape, *geometry, groups))
    if bias is not None:
        result = result + bias.reshape(-1, *(1,) * n)  # type: ignore[attr-defined]
    return result.squeeze(0) if single else follow(result, input, weight)


@autocasting("convolution")
def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv1d`` with respect to its input; see ``conv_transpose2d``."""
    return _transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@autocasting("convolution")
def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv2d`` with respect to its input, as an operator of its own.

    ``[N, O, H, W]`` with ``[O, C / groups, KH, KW]`` gives ``[N, C, *]``; ``output_padding`` adds
    rows and columns at the end, to choose among the sizes that the convolution would map to
    ``H x W``.
    """
    return _transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@autocasting("convolution")
def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """The gradient of ``conv3d`` with respect to its input; see ``conv_transpose2d``."""
    return _transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any,
    transposed: bool, output_padding: Any, groups: int,
) -> Tensor:  # fmt: skip
    """A convolution, or a transposed one, in as many dimensions as the weight has windows."""
    n = weight.ndim - 2
    if transposed:
        return _transposed(
            n, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return _convolve(n, input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolution of sequences ``[T, N, C]`` with ``[K, C, O]`` and ``[O]``: ``[T', N, O]``."""
    moved = input.permute(1, 2, 0), weight.permute(2, 1, 0)  # type: ignore[attr-defined]
    return conv1d(*moved, bias, 1, pad).permute(2, 0, 1)  # type: ignore[attr-defined]


__all__ = exported(globals())
