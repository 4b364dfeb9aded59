"""Writing to some elements of a tensor without computing all of it anew."""

from __future__ import annotations

from typing import Any

from flambeau.core.errors import explain
from flambeau.core.modes import flags
from flambeau.core.op import Op
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
    _check_apart(target._array)
    arrays = [t._array if isinstance(t, Tensor) else t for t in tensors]
    try:
        op.kernels[kind.place](*arrays, *params, True)  # type: ignore[misc]
    except Exception as error:
        raise explain(error, op.name, tensors, params) from None
    bump(target)
    return target


def _check_apart(array: Any) -> None:
    if 0 not in array.strides:
        return
    if any([s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True)]):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )


silence(globals())
