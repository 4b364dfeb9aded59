"""Elements written and accumulated along a dimension by tensors of indices."""

from __future__ import annotations

from typing import Any

from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import LINEAR, Op, in_order, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import gather_scatter as kernels
from flambeau.ops.gathering import check_integers
from flambeau.ops.in_place import check_no_overlap, write_in_place

# ---- scatter: an index for each element


def _source_part(grad: Any, index: Any, src_shape: Any, dim: int) -> Any:
    """The gradient of a source: that of its elements that were used, zeros for others."""
    return _source_part_of(grad.gather(dim, index), src_shape)


def _corner(src: Any, shape: Any) -> Any:
    """The part of a source that an index of that shape covers."""
    for d, n in enumerate(shape):
        src = src.narrow(d, 0, n) if src.ndim else src
    return src


def _source_part_of(grad: Any, src_shape: Any) -> Any:
    if not src_shape:
        return grad.reshape(())
    for d, n in enumerate(grad.shape):
        if n < src_shape[d]:
            whole = [*grad.shape[:d], src_shape[d], *grad.shape[d + 1 :]]
            grad = grad.new_zeros(whole).slice_scatter(grad, d, 0, n)
    return grad


_scatter = Op("scatter", kernels.scattered, inputs=("input", "index", "src"), dims=("dim",),
    vjp={"input": lambda grad, index, dim: grad.scatter(dim, index, 0), "src": _source_part},
    jvp=LINEAR, shape=in_order, doc="Other elements at the places that an index says.")  # fmt: skip
_scatter_value = Op("scatter_value", kernels.scattered_value, inputs=("input", "index", "value"),
    dims=("dim",), vjp={"input": lambda grad, index, dim: grad.scatter(dim, index, 0)},
    shape=in_order, doc="One value at the places that an index says.")  # fmt: skip
_scatter_value.node_type.__name__ = _scatter_value.node_type.__qualname__ = "ScatterBackward1"
_scatter_add = Op("scatter_add", kernels.scatter_added, inputs=("input", "index", "src"),
    dims=("dim",), vjp={"input": lambda grad: grad, "src": _source_part},
    jvp=LINEAR, shape=in_order, doc="Elements added at the places that an index says.")  # fmt: skip


def _checked_dim(function: str, input: Tensor, dim: int, index: Tensor, src: Any = None) -> int:
    """The dimension, after the checks of sizes that gather and scatter share."""
    dim = wrap_dim(dim, input.ndim)
    if index.numel():
        check_integers(function, index)
    if isinstance(src, Tensor) and src.dtype is not input.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not index.numel():
        return dim
    if max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    if isinstance(src, Tensor) and max(index.ndim, 1) != max(src.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    _check_covered(input, dim, index, src)
    return dim


def _check_covered(input: Tensor, dim: int, index: Tensor, src: Any) -> None:
    shape, whole = tuple(index.shape), tuple(input.shape)
    given = tuple(src.shape) if isinstance(src, Tensor) else None
    for d, n in enumerate(shape):
        beyond = d != dim and whole and n > whole[d]
        if beyond or (given and n > given[d]):
            tail = "" if given is None else f" and to be no larger size than src {list(given)}"
            raise RuntimeError(
                f"Expected index {list(shape)} to be no larger than self {list(whole)} apart from "
                f"dimension {dim}{tail}"
            )


def _scatter_call(
    call: Any, input: Tensor, dim: int, index: Tensor, src: Any, value: Any, reduce: str | None
) -> Tensor:
    """Picks the operator of one of the forms of ``scatter``; `call` makes the call."""
    src = value if src is None else src
    dim = _checked_dim("scatter", input, dim, index, src)
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        if not isinstance(src, Tensor):
            src = input.new_full((), src).expand(index.shape)  # type: ignore[attr-defined]
        how = "sum" if reduce == "add" else "prod"
        return call(_scatter_reduce, (input, index, src), (dim, how, True))
    op = _scatter if isinstance(src, Tensor) else _scatter_value
    return call(op, (input, index, src), (dim,))


def _call(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    return op(*tensors, *params)


@method("scatter")
@numpy_names
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | complex | None = None,
    *,
    value: complex | None = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``input`` with the elements of ``src``, or a value, at the places that ``index``
    says along ``dim``: the reverse of ``gather``.

    RuntimeError for an index out of range, or another dtype of ``src``.

    >>> torch.zeros(3).scatter(0, torch.tensor([2, 0]), torch.tensor([1.0, 5.0])).tolist()
    [5.0, 0.0, 1.0]
    """
    check_no_overlap(out, (index, src) if isinstance(src, Tensor) else (index,))
    return deliver(
        "scatter", _scatter_call(_call, input, dim, index, src, value, reduce), out, exact=True
    )


@method("scatter_")
def _scatter_in_place(
    self: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | complex | None = None,
    *,
    value: complex | None = None,
    reduce: str | None = None,
) -> Tensor:
    """In-place form of ``scatter``."""
    return _scatter_call(write_in_place, self, dim, index, src, value, reduce)


def _add_call(call: Any, input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    dim = _checked_dim("scatter_add", input, dim, index, src)
    return call(_scatter_add, (input, index, src), (dim,))


@method("scatter_add")
@numpy_names
def scatter_add(
    input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy of ``input`` with the elements of ``src`` added at the places that ``index`` says.

    RuntimeError for an index out of range, or another dtype of ``src``.

    >>> torch.zeros(2).scatter_add(0, torch.tensor([1, 1]), torch.ones(2)).tolist()
    [0.0, 2.0]
    """
    check_no_overlap(out, (index, src))
    return deliver("scatter_add", _add_call(_call, input, dim, index, src), out, exact=True)


@method("scatter_add_")
def _scatter_add_in_place(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """In-place form of ``scatter_add``."""
    return _add_call(write_in_place, self, dim, index, src)


# ---- scatter_reduce


def _scatter_reduce_vjp(
    grad: Any, input: Any, index: Any, src: Any, result: Any, dim: int, reduce: str,
    include_self: bool,
) -> tuple[Any, Any, Any]:  # fmt: skip
    of_input, of_src = _REDUCED[reduce](grad, input, index, src, result, dim, include_self)
    return (of_input if include_self else of_input.scatter(dim, index, 0)), None, of_src


def _of_sum(grad: Any, input: Any, index: Any, src: Any, result: Any, dim: int, own: bool) -> Any:
    return grad, _source_part(grad, index, src.shape, dim)


def _of_mean(grad: Any, input: Any, index: Any, src: Any, result: Any, dim: int, own: bool) -> Any:
    counts = input.detach() * 0 + int(own)
    counts = counts.scatter_add(dim, index, (src.detach() * 0 + 1)).clamp(min=1)
    share = grad / counts
    return share, _source_part(share, index, src.shape, dim)


def _of_extreme(
    grad: Any, input: Any, index: Any, src: Any, result: Any, dim: int, own: bool
) -> Any:
    """The gradient is shared among all elements that are equal to the result."""
    hits = (input.detach() == result.detach()).to(grad.dtype)
    if not own:
        hits = hits.scatter(dim, index, 0)
    part = src.detach() if src.shape == index.shape else _corner(src.detach(), index.shape)
    src_hits = (part == result.detach().gather(dim, index)).to(grad.dtype)
    share = grad / hits.scatter_add(dim, index, src_hits).clamp(min=1)
    return hits * share, _source_part_of(share.gather(dim, index) * src_hits, src.shape)


def _of_product(
    grad: Any, input: Any, index: Any, src: Any, result: Any, dim: int, own: bool
) -> Any:
    """The product of all other factors, exact where a factor is zero."""
    part = src if src.shape == index.shape else _corner(src, index.shape)
    safe_input = input.masked_fill(input == 0, 1)
    others = safe_input.scatter_reduce(dim, index, part, "prod", include_self=own)
    of_input = grad * others / safe_input
    zero = part == 0
    zeros = (input * 0).detach().scatter_add(dim, index, zero.to(part.dtype)).gather(dim, index)
    single = zero & (zeros == 1)
    without = input.scatter_reduce(
        dim, index, part.masked_fill(single, 1), "prod", include_self=own
    )
    of_single = (grad * without).gather(dim, index)
    of_other = (grad * result).gather(dim, index) / part.masked_fill(zero, 1)
    return of_input, _source_part_of(of_single.where(single, of_other), src.shape)


_REDUCED = {"sum": _of_sum, "mean": _of_mean, "prod": _of_product, "amax": _of_extreme,
            "amin": _of_extreme}  # fmt: skip
_scatter_reduce = Op("scatter_reduce", kernels.scatter_reduced, inputs=("input", "index", "src"),
    dims=("dim",), params=("reduce", "include_self"), shape=in_order, vjp=_scatter_reduce_vjp,
    doc="Elements combined with those at the places that an index says.")  # fmt: skip


def _reduce_call(
    call: Any, input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool
) -> Tensor:
    reduce = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    if reduce not in _REDUCED:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    dim = _checked_dim("scatter_reduce", input, dim, index, src)
    return call(_scatter_reduce, (input, index, src), (dim, reduce, include_self))


@method("scatter_reduce")
@numpy_names
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``input`` with elements of ``src`` combined into the places that ``index`` says.

    ``reduce`` is ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"`` (``"max"`` and
    ``"min"`` are the same); ``include_self`` says whether the element that was there counts.

    >>> index = torch.tensor([0, 0, 1])
    >>> torch.ones(2).scatter_reduce(0, index, torch.tensor([2.0, 3.0, 4.0]), "sum").tolist()
    [6.0, 5.0]
    """
    result = _reduce_call(_call, input, dim, index, src, reduce, include_self)
    return deliver("scatter_reduce", result, out, exact=True)


@method("scatter_reduce_")
def _scatter_reduce_in_place(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place form of ``scatter_reduce``."""
    return _reduce_call(write_in_place, self, dim, index, src, reduce, include_self)


__all__ = exported(globals())
silence(globals())
