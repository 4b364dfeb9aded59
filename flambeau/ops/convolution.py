"""Convolutions and transposed convolutions in one to three dimensions.

The three kernels (result, gradient of the input, gradient of the weight) are each other's
derivatives: a transposed convolution is the gradient of an input, and every gradient of every one
of them is one of the three again.
"""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocast, autocasting
from flambeau.core.op import Op
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import convolution as kernels
from flambeau.ops.batching import is_shared
from flambeau.ops.convolution_arguments import (
    check_operands,
    checked_geometry,
    checked_transposed_geometry,
    hashable,
)
from flambeau.ops.direct import run
from flambeau.ops.pointwise.rules import conj
from flambeau.ops.spatial import follow

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
    if is_shared(weight) and is_shared(bias):
        shared = None if bias is None else bias[0]  # type: ignore[index]
        found = op(input.flatten(0, 1), weight[0], shared, stride, padding, dilation, groups)  # type: ignore
        return found.unflatten(0, (size, n))
    offsets = None if bias is None else bias.flatten(0, 1)  # type: ignore[attr-defined]
    found = op(
        _side_by_side(input),
        weight.flatten(0, 1),
        offsets,
        stride,
        padding,
        dilation,
        groups * size,
    )  # type: ignore
    return found.unflatten(1, (size, -1)).transpose(0, 1)


def _side_by_side(images: Tensor) -> Tensor:
    """``[B, N, C, *]`` as ``[N, B * C, *]``: the examples' channels next to each other."""
    return images.transpose(0, 1).flatten(1, 2)  # type: ignore[attr-defined]


def _batch_input_grad(op: Op, grad: Tensor, weight: Tensor, shape: Any, stride: Any, padding: Any,
                      dilation: Any, groups: int) -> Tensor:  # fmt: skip
    """Examples join the batch when they share the weight, else the groups."""
    size, (n, channels, *sides) = grad.shape[0], shape
    geometry = stride, padding, dilation
    if is_shared(weight):
        folded = (size * n, channels, *sides)
        found = run(op, (grad.flatten(0, 1), weight[0]), (folded, *geometry, groups))  # type: ignore
        return found.unflatten(0, (size, n))
    folded = (n, size * channels, *sides)
    tensors = _side_by_side(grad), weight.flatten(0, 1)  # type: ignore[attr-defined]
    found = run(op, tensors, (folded, *geometry, groups * size))
    return found.unflatten(1, (size, channels)).transpose(0, 1)


def _batch_weight_grad(op: Op, grad: Tensor, input: Tensor, shape: Any, stride: Any, padding: Any,
                       dilation: Any, groups: int) -> Tensor:  # fmt: skip
    """Examples join the groups."""
    size = grad.shape[0]
    params = (size * shape[0], *shape[1:]), stride, padding, dilation, groups * size
    found = run(op, (_side_by_side(grad), _side_by_side(input)), params)
    return found.unflatten(0, (size, shape[0]))


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

_input_grad = Op("convolution_input_grad", kernels.conv_input_grad, batch=_batch_input_grad,
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

_weight_grad = Op("convolution_weight_grad", kernels.conv_weight_grad, batch=_batch_weight_grad,
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
            check_operands(f"conv{n}d", n, input, weight, bias, False)
    except AttributeError:
        check_operands(f"conv{n}d", n, input, weight, bias, False)
    shapes = (input._array.shape, weight._array.shape, None if bias is None else bias._array.shape)
    try:
        geometry = checked_geometry(n, *shapes, stride, padding, dilation, groups)
    except TypeError:
        numbers = (hashable(stride), hashable(padding), hashable(dilation))
        geometry = checked_geometry(n, *shapes, *numbers, groups)
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
    """Convolution of ``[N, C, L]`` or ``[C, L]`` with ``[O, C / groups, K]``; see ``conv2d``.

    The dtype is one, floating or complex. RuntimeError where channels or groups do not fit.

    >>> torch.conv1d(torch.tensor([[[1., 2., 3., 4.]]]), torch.tensor([[[1., -1.]]]))
    tensor([[[-1., -1., -1.]]])
    """
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
    """Convolution of volumes ``[N, C, D, H, W]`` or ``[C, D, H, W]``; see ``conv2d``.

    The dtype is one, floating or complex. RuntimeError where channels or groups do not fit.

    >>> torch.conv3d(torch.ones(1, 2, 4, 4, 4), torch.ones(3, 2, 2, 2, 2)).shape
    torch.Size([1, 3, 3, 3, 3])
    """
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


def _transposed(
    n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
    output_padding: Any, groups: int, dilation: Any,
) -> Tensor:  # fmt: skip
    check_operands(f"conv_transpose{n}d", n, input, weight, bias, True)
    shapes = (input._array.shape, weight._array.shape, None if bias is None else bias._array.shape)
    numbers = [hashable(v) for v in (stride, padding, output_padding, dilation)]
    shape, *geometry = checked_transposed_geometry(n, *shapes, *numbers, groups)
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
    """A convolution, or a transposed one, in as many dimensions as the weight has windows.

    ``stride``, ``padding``, ``dilation`` and ``output_padding`` hold a number for each window.

    >>> x, kernel = torch.ones(1, 1, 4), torch.ones(1, 1, 2)
    >>> torch.convolution(x, kernel, None, [2], [0], [1], False, [0], 1)
    tensor([[[2., 2.]]])
    """
    n = weight.ndim - 2
    if transposed:
        return _transposed(
            n, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return _convolve(n, input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolution of sequences ``[T, N, C]`` with ``[K, C, O]`` and ``[O]``: ``[T', N, O]``.

    ``T'`` is ``T + 2 * pad - K + 1``. RuntimeError where channels do not fit.

    >>> torch.conv_tbc(torch.ones(4, 1, 2), torch.ones(3, 2, 1), torch.zeros(1)).shape
    torch.Size([2, 1, 1])
    """
    moved = input.permute(1, 2, 0), weight.permute(2, 1, 0)  # type: ignore[attr-defined]
    return conv1d(*moved, bias, 1, pad).permute(2, 0, 1)  # type: ignore[attr-defined]


__all__ = exported(globals())
