"""Borders around a tensor: constant, reflected, replicated, circular."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from flambeau.core.op import LEADING, Op
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import padding as kernels
from flambeau.ops.spatial import follow

Ints = tuple[int, ...]

_constant = Op("constant_pad_nd", kernels.constant, batch=LEADING, params=("pads", "value"),
    vjp={"input": lambda grad, pads: _constant(grad, tuple([-p for p in pads]), 0)},
    jvp=lambda input_t, pads: _constant(input_t, pads, 0),
    shape=lambda x, pads, value: kernels.padded_shape(x.shape, pads))  # fmt: skip

_NODES = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}


def _repeating(mode: str, n: int) -> Op:
    """The operator of a border that repeats pixels; its gradient is an operator as well."""
    name = f"{_NODES[mode][:-3].lower()}_pad{n}d"

    def vjp(grad: Tensor, pads: Ints) -> Tensor:
        return folded(grad, pads, mode)

    def vjp_of_vjp(grad: Tensor, pads: Ints) -> Tensor:
        return padded(grad, pads, mode)

    padded = Op(
        name,
        kernels.repeated,
        params=("pads", "mode"),
        jvp="linear",
        vjp={"input": vjp},
        batch=LEADING,
        node=f"{_NODES[mode]}{n}DBackward0",
        accepts="ifc" if mode != "circular" else "bifc",
        refusal=name,
        shape=lambda x, pads, mode: kernels.padded_shape(x.shape, pads),
    )
    folded = Op(f"{name}_backward", kernels.repeated_grad, inputs=("grad_output",),
        params=("pads", "mode"), jvp="linear", vjp={"grad_output": vjp_of_vjp}, batch=LEADING,
        shape=lambda g, pads, mode: (
            kernels.padded_shape(g.shape, tuple([-p for p in pads]))))  # fmt: skip
    padded.linked = mode != "circular"
    return padded


_OPS = {(mode, n): _repeating(mode, n) for mode in _NODES for n in (1, 2, 3)}


@method("constant_pad_nd")
def constant_pad_nd(input: Tensor, pad: Sequence[int], value: complex = 0) -> Tensor:
    """``input`` with a border of ``value``; ``pad`` holds two numbers per dimension, last first.

    A negative number cuts. RuntimeError for an odd count of numbers, or too many.

    >>> torch.constant_pad_nd(torch.ones(1, 2), (1, 1))
    tensor([[0., 1., 1., 0.]])
    """
    pads = tuple(pad)
    if len(pads) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pads)}")
    if len(pads) > 2 * input.ndim:
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad "
            f"length is {len(pads)} while the input has {input.ndim} dimensions."
        )
    for i in range(len(pads) // 2):
        before, after, size = *pads[2 * i : 2 * i + 2], input.shape[-1 - i]
        if size + min(before, 0) + min(after, 0) < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
    if isinstance(value, Tensor):
        value = value.item()  # type: ignore[attr-defined]
    return follow(_constant(input, pads, _filling(input, value)), input)


def _filling(input: Tensor, value: Any) -> Any:
    """The value in the dtype of the tensor: cut off for integers."""
    if input.dtype.is_complex or input.dtype.is_floating_point:
        return value
    if input.dtype.name == "bool":
        return bool(value)
    if value != value or abs(value) == math.inf:
        raise RuntimeError("value cannot be converted to type int64_t without overflow")
    return int(value)


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """``input`` with a border: ``pad`` holds two numbers per dimension, the last dimension first.

    ``mode`` is "constant" (of ``value``, 0 by default; negative numbers crop), "reflect",
    "replicate" or "circular"; the last three pad the last one to three dimensions of
    ``[N, C, *spatial]`` or ``[C, *spatial]``. NotImplementedError for another ``mode``.

    >>> torch.nn.functional.pad(torch.tensor([[1, 2, 3]]), (1, 1), mode="reflect")
    tensor([[2, 1, 2, 3, 2]])
    """
    if not isinstance(pad, Sequence):
        raise TypeError(
            f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type(pad).__name__}"
        )
    _check_length(tuple(pad), input.ndim)
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if mode not in _NODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    n, pads = len(pad) // 2, tuple(pad)
    if (mode, n) not in _OPS or input.ndim not in (n + 1, n + 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor."
        )
    (_check_circular if mode == "circular" else _check_border)(input, pads, mode, n)
    if mode == "circular" and min(pads, default=0) < 0:  # cropped before it is repeated
        input = constant_pad_nd(input, [min(p, 0) for p in pads])
        pads = tuple([max(p, 0) for p in pads])
    result = _OPS[mode, n](input, pads, mode)
    return result if mode == "circular" else follow(result, input)


def _check_length(pads: Ints, ndim: int) -> None:
    if len(pads) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pads) > 2 * ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(pads)} and input of dimension {ndim}"
        )


def _check_circular(input: Tensor, pads: Ints, mode: str, n: int) -> None:
    for i in range(n):
        size, before, after = input.shape[-1 - i], pads[2 * i], pads[2 * i + 1]
        if before > size or after > size:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if before + after + size < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")


def _check_border(input: Tensor, pads: Ints, mode: str, n: int) -> None:
    shape = list(input.shape)
    if 0 in shape[1:]:
        raise RuntimeError(
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with possibly 0 batch size and "
            "other "
            f"non-zero dimensions for input, but got: {shape}"
        )
    for i in range(n):
        dim, before, after = len(shape) - 1 - i, pads[2 * i], pads[2 * i + 1]
        if mode == "reflect" and (before >= shape[dim] or after >= shape[dim]):
            raise RuntimeError(
                f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input "
                f"dimension, but got: padding ({before}, {after}) at dimension {dim} of input "
                f"{shape}"
            )
    size = kernels.padded_shape(tuple(shape), pads)
    if min(size[-n:]) < (1 if n == 1 else 0):
        names = "DHW"[-n:]
        given = " ".join([f"{c}: {m}" for c, m in zip(names, shape[-n:])])
        made = " ".join([f"{c}: {m}" for c, m in zip(names, size[-n:])])
        raise RuntimeError(f"input ({given}) is too small. Calculated output {made}")


__all__ = exported(globals())
