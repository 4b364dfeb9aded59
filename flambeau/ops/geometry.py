"""What the modules of views share: arrays of any strides, arguments, in-place forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy

from flambeau.core.graph import Leaf
from flambeau.core.modes import modes
from flambeau.core.publish import named
from flambeau.core.storage import as_strided as strided_array
from flambeau.core.storage import offset, strides
from flambeau.core.tensor import Tensor, replace_array
from flambeau.core.views import bump, history
from flambeau.core.writing import shadow
from flambeau.kernels.quiet import silence

_ndarray = numpy.ndarray


def strided(array: Any, shape: Sequence[int], steps: Sequence[int], start: int = 0) -> Any:
    """An array over the memory of ``array``; ``start`` counts from its first element."""
    if type(array) is _ndarray and array.flags.c_contiguous and 0 not in shape:
        size = array.itemsize
        return _ndarray(shape, array.dtype, array, start * size, tuple([s * size for s in steps]))
    return strided_array(array, shape, steps, offset(array) + start)


def geometry(array: Any) -> tuple[Any, ...]:
    """Shape, strides, offset and dtype of an array, as the kernels of gradients take them."""
    return array.shape, strides(array), offset(array), array.dtype


# ---- arguments


def ints(args: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes or dimensions given one by one or as one sequence; TypeError for anything else."""
    if len(args) == 1 and isinstance(args[0], tuple | list):
        args = tuple(args[0])
    return tuple([a if type(a) is int else int(a.__index__()) for a in args])


def all_ints(function: str, args: tuple[Any, ...]) -> tuple[int, ...]:
    """The sizes that a method was given; TypeError in PyTorch's words for anything else."""
    try:
        return ints(args)
    except (AttributeError, TypeError):
        types = ", ".join([type(a).__name__ for a in args])
        raise TypeError(
            f"{function}() received an invalid combination of arguments - got ({types}), but "
            "expected sizes: ints, or one tuple of ints"
        ) from None


def slice_bounds(size: int, start: int | None, end: int | None, step: int) -> tuple[int, int]:
    """Start and end of a slice of a dimension of that size, as Python clips them."""
    start, end, _ = slice(start, end, step).indices(size)
    return start, max(start, end)


def check_slice(src: Tensor, size: tuple[int, ...]) -> None:
    """RuntimeError unless ``src`` has the shape of the view that it is written to."""
    if src.shape != size:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(size)}"
        )


# ---- in-place forms: a tensor that looks at its memory in another way


def in_place_view(names: str) -> Callable[[Any], Any]:
    """Decorator: the view function also as methods that change the tensor itself."""

    def attach(function: Any) -> Any:
        @wraps(function)
        def in_place(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            return relook(self, function, *args, **kwargs)

        for name in names.split():
            setattr(Tensor, name, named(in_place, name, f"In-place form of ``{name[:-1]}``."))
        return function

    return attach


def relook(target: Tensor, function: Any, *args: Any, **kwargs: Any) -> Tensor:
    """Makes `target` the view of itself that a function returns; this counts as a write."""
    if modes.grad and type(target._node) is Leaf:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )
    if target.absorb is not None:
        made = function(target, *args, **kwargs)
        for name in (*type(target).__slots__, "_array", "_node"):
            setattr(target, name, getattr(made, name))
        target.__dict__.pop("shape", None)
        target.__dict__.update(made.__dict__)
        return target
    history(target)
    result = function(shadow(target, False), *args, **kwargs)
    replace_array(target, result._array)
    if modes.grad:
        target._node = result._node
    elif type(target._node) is Leaf:
        target._node.shape = target.shape
    bump(target)
    return target


silence(globals())
