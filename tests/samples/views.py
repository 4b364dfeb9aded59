"""Arguments for the operators of ``ops/views.py``, ``reshaping.py``, ``splitting.py``,
``strided.py`` and ``view_copies.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Sample = tuple[tuple[Any, ...], dict[str, Any]]
Generator = Callable[[Callable[..., Any]], list[Sample]]


def each(*argument_lists: tuple[Any, ...], shape: tuple[int, ...] = (2, 3, 4)) -> Generator:
    """A generator of one sample for each list of arguments that follow a tensor of that shape."""
    return lambda make: [((make(shape), *arguments), {}) for arguments in argument_lists]


def slices(make: Callable[..., Any]) -> list[Sample]:
    """Input, source of the shape of its slice, and the slice."""
    return [
        ((make((2, 3, 4)), make((2, 1, 4)), 1, 1, 2), {}),
        ((make((5, 2)), make((2, 2)), 0, 1, 5, 2), {}),
    ]


SAMPLES: dict[str, Generator] = {
    "Tensor.view": each((6, 4), (-1,), (2, 3, 2, 2)),
    "reshape": each(((4, 6),), ((-1,),)),
    "Tensor.reshape_as": lambda make: [((make((2, 3)), make((6,))), {})],
    "Tensor.view_as": lambda make: [((make((2, 3)), make((6,))), {})],
    "flatten": each((), (1,), (0, 1)),
    "unflatten": each((2, (2, 2)), (1, (-1, 3))),
    "ravel": each(()),
    "transpose": each((0, 1), (-1, 0)),
    "t": each((), shape=(2, 3)),
    "permute": each(((2, 0, 1),), ((0, -1, 1),)),
    "movedim": each((0, 2), ((0, 1), (1, 2))),
    "adjoint": each(()),
    "squeeze": each((), (0,), ((0, 2),), shape=(1, 3, 1)),
    "unsqueeze": each((0,), (2,), (-1,)),
    "Tensor.expand": each((4, 3), (2, -1, 3), shape=(1, 3)),
    "broadcast_to": each(((2, 4, 3),), shape=(4, 1)),
    "broadcast_tensors": lambda make: [((make((3, 1)), make((4,))), {})],
    "narrow": each((1, 1, 2), (-1, 0, 1)),
    "ops.aten.slice": each((1, 1, -1), (0, None, None, 2), ()),
    "select": each((0, 1), (-1, -1)),
    "diagonal": each((), (1, 0, 2), (-1, 2, 1)),
    "Tensor.unfold": each((2, 2, 1), (1, 3, 2)),
    "as_strided": each(((2, 2), (1, 3)), ((3, 2), (2, 1), 1), ((3, 3), (1, 1))),
    "atleast_1d": each((), shape=()),
    "atleast_2d": each((), shape=(3,)),
    "atleast_3d": each((), shape=(3, 2)),
    "Tensor.sum_to_size": each((3, 1), (1, 1, 4), shape=(2, 3, 4)),
    "split": each((1,), (3, 2), ([1, 2], 1)),
    "split_with_sizes": each(([1, 3], 2)),
    "unsafe_split": each((2, 1)),
    "unsafe_split_with_sizes": each(([1, 1],)),
    "chunk": each((2,), (3, 2)),
    "unsafe_chunk": each((2, 2)),
    "tensor_split": each((2, 1), ((1, 3), 2)),
    "hsplit": each((3,)),
    "vsplit": each((2,)),
    "dsplit": each(((1, 2),)),
    "unbind": each((), (2,)),
    "select_scatter": lambda make: [((make((2, 3)), make((3,)), 0, 1), {})],
    "slice_scatter": slices,
    "diagonal_scatter": lambda make: [((make((3, 4)), make((3,)), 1), {})],
    "as_strided_scatter": lambda make: [((make((2, 3)), make((2, 2)), (2, 2), (1, 3), 1), {})],
    "diagonal_copy": each((), (1, 0, 2)),
    "expand_copy": each(((2, 2, 3, 4),)),
    "narrow_copy": each((1, 1, 2)),
    "permute_copy": each(((2, 0, 1),)),
    "select_copy": each((1, 2)),
    "slice_copy": each((1, 0, 3, 2)),
    "split_copy": each((1,)),
    "split_with_sizes_copy": each(([1, 2], 1)),
    "squeeze_copy": each((1,), shape=(2, 1)),
    "t_copy": each((), shape=(2, 3)),
    "transpose_copy": each((0, 2)),
    "unbind_copy": each((1,)),
    "unfold_copy": each((2, 2, 2)),
    "unsqueeze_copy": each((1,)),
    "view_copy": each(((6, 4),)),
    "as_strided_copy": each(((2, 2), (1, 3))),
    "alias_copy": each(()),
}
