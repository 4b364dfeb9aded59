"""How many floating-point operations a call makes: two for each multiplication and addition."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

Shape = tuple[int, ...]
Count = Callable[[list[Any], Shape], int]  # of the operands' shapes and the result's


def _product(shapes: list[Any], out: Shape) -> int:
    return 2 * prod(out) * shapes[0][-1]


def _addmm(shapes: list[Any], out: Shape) -> int:
    return 2 * prod(out) * shapes[1][-1]


def _convolution(shapes: list[Any], out: Shape) -> int:
    return 2 * prod(out) * prod(shapes[1][1:])


def _convolution_input(shapes: list[Any], out: Shape) -> int:
    return 2 * prod(shapes[0]) * prod(shapes[1][1:])


def _convolution_weight(shapes: list[Any], out: Shape) -> int:
    return 2 * prod(shapes[0]) * prod(out[1:])


def _dot(shapes: list[Any], out: Shape) -> int:
    return 2 * prod(shapes[0])


def _attention(shapes: list[Any], out: Shape) -> int:
    query, key, value = shapes[:3]
    return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _attention_backward(shapes: list[Any], out: Shape) -> int:
    query, key, value = shapes[:3]
    return 2 * prod(query[:-1]) * key[-2] * (3 * query[-1] + 2 * value[-1])


COUNTS: dict[str, Count] = {
    "mm": _product,
    "bmm": _product,
    "linear": _product,
    "addmm": _addmm,
    "dot": _dot,
    "convolution": _convolution,
    "convolution_input_grad": _convolution_input,
    "convolution_weight_grad": _convolution_weight,
    "scaled_dot_product_flash_attention_for_cpu": _attention,
    "scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward,
}


def shape_of(value: Any) -> Any:
    """The shape of a tensor; None for anything else."""
    shape = getattr(value, "shape", None)
    return None if shape is None else tuple(shape)


def count(name: str, tensors: Any, result: Any) -> int:
    """The operations of one call of the operator of that name; 0 where none are counted."""
    rule = COUNTS.get(name)
    if rule is None:
        return 0
    first = result[0] if isinstance(result, tuple | list) else result
    return rule([shape_of(t) for t in tensors], shape_of(first))
