"""Writing to some elements of a tensor without computing all of it anew."""

from __future__ import annotations

from typing import Any

from flambeau.core.errors import explain
from flambeau.core.modes import flags
from flambeau.core.op import Op
from flambeau.core.storage import key, offset, strides
from flambeau.core.tensor import Tensor
from flambeau.core.views import bump, needs_history
from flambeau.core.writing import mutate
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META


def write_in_place(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Tensor:
    """The in-place form of an operator whose kernel can write to its first array itself.

    Where the write has a history, the result is computed out of place, and the target becomes it.
    """
    target = tensors[0]
    kind = target._kind
    if kind is None or flags.active or needs_history(target, tensors[1:]):
        return mutate(op, tensors, params)
    if kind.place == META:
        bump(target)
        return target
    check_apart(target._array)
    arrays = []
    for t in tensors:
        if isinstance(t, Tensor) and t._kind is None:
            return mutate(op, tensors, params)
        arrays.append(t._array if isinstance(t, Tensor) else t)
    try:
        op.kernels[kind.place](*arrays, *params, True)  # type: ignore[misc]
    except Exception as error:
        raise explain(error, op.name, tensors, params) from None
    bump(target)
    return target


def check_apart(array: Any) -> None:
    """RuntimeError if several elements of an array lie at one place."""
    if 0 not in array.strides or not array.size:
        return
    if any([s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True)]):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )


def check_no_overlap(out: Tensor | None, inputs: tuple[Tensor, ...], resized: bool = False) -> None:
    """RuntimeError if ``out`` lies over memory of the inputs, which are read while it is written.

    ``resized`` says that an empty ``out`` that is itself an input counts too.
    """
    if out is None:
        return
    for t in inputs:
        if (resized and t is out) or _meet(t._array, out._array):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to "
                "tensor refer to a single memory location. Please clone() the tensor before "
                "performing the operation."
            )


def _meet(a: Any, b: Any) -> bool:
    """Whether two arrays have a place in common, from the first element to the last."""
    if not a.size or not b.size or key(a) != key(b):
        return False
    starts = [offset(array) for array in (a, b)]
    return max(starts) < min([start + _reach(x) for start, x in zip(starts, (a, b), strict=True)])


def _reach(array: Any) -> int:
    return 1 + sum([(n - 1) * s for n, s in zip(array.shape, strides(array), strict=True)])


silence(globals())
