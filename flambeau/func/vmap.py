"""``vmap``: a function of one example as a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from flambeau.core.modes import modes
from flambeau.core.op import wrap_dim
from flambeau.core.tensor import Tensor
from flambeau.func.batched import Batched, batched, loop, mapped_over
from flambeau.func.levels import level_of, new_level
from flambeau.func.trees import flatten, spread, unflatten
from flambeau.ops.joining import cat

Function = Callable[..., Any]


class Batch(NamedTuple):
    """A ``vmap`` that is running: what hides the first dimension of its values, and what calls a
    function example by example."""

    level: int
    size: int
    randomness: str
    wrap: Callable[[Tensor, int], Batched]
    loop: Callable[..., Any]


def vmap(
    func: Function,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Function:
    """Maps ``func`` over a dimension of its arguments, without a loop.

    ``in_dims`` names the dimension of each argument (None: not mapped), ``out_dims`` where it goes
    in each output. ``randomness`` is "error", "different" (per example) or "same".

    >>> torch.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            + randomness
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        values, spec, dims, size = _inputs(func, in_dims, args)
        if chunk_size is None or chunk_size >= size:
            return _run(func, values, spec, dims, size, out_dims, randomness, kwargs)
        pieces = []
        for start in range(0, size, chunk_size):
            n = min(chunk_size, size - start)
            part = [v if d is None else v.narrow(d, start, n) for v, d in zip(values, dims)]
            pieces.append(_run(func, part, spec, dims, n, out_dims, randomness, kwargs))
        return _joined(pieces, out_dims)

    return mapped


def _name(func: Function) -> str:
    return getattr(func, "__name__", repr(func))


def _inputs(
    func: Function, in_dims: Any, args: tuple[Any, ...]
) -> tuple[list[Any], Any, list[Any], int]:
    """The values of the arguments, their structure, the mapped dimension of each, and its size."""
    if not isinstance(in_dims, int | tuple | list) or isinstance(in_dims, bool):
        raise ValueError(
            f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be "
            "int or a "
            f"(potentially nested) tuple matching the structure of inputs, got: {type(in_dims)}."
        )
    values, spec = flatten(args)
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or "
            "you are "
            "trying to vmap over a function with no inputs. The latter is unsupported."
        )
    dims = spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible "
            "with the "
            "structure of `inputs`. in_dims has structure "
            f"{in_dims} but inputs has structure {spec}."
        )
    wrapped = [_checked(func, in_dims, v, d) for v, d in zip(values, dims)]
    sizes = [v.shape[d] for v, d in zip(values, wrapped) if d is not None]
    if not sizes:
        raise ValueError("vmap: at least one of the arguments must be mapped over")
    if any([n != sizes[0] for n in sizes]):
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got "
            f"sizes {sizes} "
            "for the mapped dimension"
        )
    return values, spec, wrapped, sizes[0]


def _checked(func: Function, in_dims: Any, value: Any, dim: Any) -> int | None:
    if dim is None:
        return None
    where = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(dim, int):
        raise ValueError(
            f"{where}Got in_dim={dim} for an input but in_dim must be either an integer "
            "dimension or None."
        )
    if not isinstance(value, Tensor):
        raise ValueError(
            f"{where}Got in_dim={dim} for an input but the input is of type {type(value)}. We "
            "cannot vmap "
            "over non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -value.ndim <= dim < value.ndim:
        raise ValueError(
            f"{where}Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
            f"{value.ndim} so expected in_dim to satisfy -{value.ndim} <= in_dim < {value.ndim}."
        )
    return dim % value.ndim


def _run(func: Function, values: list[Any], spec: Any, dims: list[Any], size: int, out_dims: Any,
         randomness: str, kwargs: dict[str, Any]) -> Any:  # fmt: skip
    with new_level(lambda v, level: mapped_over(v, size, level)) as level:
        outer = modes.batches
        modes.batches = (*outer, Batch(level, size, randomness, batched, loop))
        try:
            inside = [
                v if d is None else batched(v if d == 0 else v.movedim(d, 0), level)
                for v, d in zip(values, dims)
            ]
            outputs = func(*unflatten(spec, inside), **kwargs)
        finally:
            modes.batches = outer
        return _outputs(func, outputs, out_dims, size, level)


def _outputs(func: Function, outputs: Any, out_dims: Any, size: int, level: int) -> Any:
    values, spec = flatten(outputs)
    dims = spread(out_dims, outputs)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not "
            "compatible with the "
            f"structure of `outputs`. out_dims has structure {out_dims} but outputs has "
            f"structure {spec}."
        )
    return unflatten(
        spec, [_output(func, v, d, out_dims, size, level) for v, d in zip(values, dims)]
    )


def _output(func: Function, value: Any, dim: Any, out_dims: Any, size: int, level: int) -> Any:
    """An output with its hidden dimension put where ``out_dims`` says."""
    if not isinstance(value, Tensor):
        if dim is None:
            return value
        raise ValueError(
            f"vmap({_name(func)}, ...): `{_name(func)}` must only return Tensors, got type "
            f"{type(value)}. Did you mean to set out_dims= to None for output?"
        )
    mapped = type(value) is Batched and level_of(value) == level
    if dim is None:
        if mapped:
            raise ValueError(
                f"vmap({_name(func)}, ...): `{_name(func)}` can not return a BatchedTensor "
                "when out_dim is None"
            )
        return value
    if not isinstance(dim, int):
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int or a Python "
            "collection of ints representing where in the outputs the vmapped dimension should "
            "appear."
        )
    whole = value.value if mapped else value.unsqueeze(0).expand(size, *value.shape)  # type: ignore
    dim = wrap_dim(dim, whole.ndim)
    return whole if dim == 0 else whole.movedim(0, dim)


def _joined(pieces: list[Any], out_dims: Any) -> Any:
    """The outputs of chunks put together again."""
    flat = [flatten(p)[0] for p in pieces]
    spec, dims = flatten(pieces[0])[1], spread(out_dims, pieces[0]) or []
    return unflatten(
        spec, [c[0] if d is None else cat(list(c), d) for c, d in zip(zip(*flat), dims)]
    )
