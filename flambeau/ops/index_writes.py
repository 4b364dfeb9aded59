"""Slices along a dimension written and accumulated by a vector of indices."""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dispatch import wrapped_int
from flambeau.core.dtype import bool_, int32, int64, scalar_name
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import LINEAR, SAME, Op, in_order, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import indexing as kernels
from flambeau.ops.batching import along_dim, is_shared, of_flat
from flambeau.ops.in_place import write_in_place


def _call(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    return op(*tensors, *params)


# ---- slices by a vector of indices


def _source_grad(grad: Any, index: Any, src_shape: Any, dim: int) -> Any:
    return grad.index_select(dim, index).reshape(src_shape)


_index_add = Op("index_add", kernels.index_added, inputs=("input", "index", "src"), dims=("dim",),
    params=("alpha",), jvp=LINEAR, shape=in_order, batch=along_dim,
    vjp={"input": lambda grad: grad,
         "src": lambda grad, index, src_shape, dim, alpha:
            _source_grad(grad, index, src_shape, dim) * alpha},
    doc="Slices added at the indices of a vector.")  # fmt: skip
_index_copy = Op("index_copy", kernels.index_copied, inputs=("input", "index", "src"),
    dims=("dim",), jvp=LINEAR, shape=in_order, batch=along_dim,
    vjp={"input": lambda grad, index, dim: grad.index_fill(dim, index, 0), "src": _source_grad},
    doc="Slices written at the indices of a vector.")  # fmt: skip


def _batch_fill(op: Op, input: Any, index: Any, value: Any, dim: int) -> Any:
    """The same value everywhere, or each example's in the place of slices."""
    if is_shared(index) and is_shared(value) and input.ndim > 1:
        return op(input, index[0], value[0], dim + 1)
    if input.ndim == 1:
        return value.expand(input.shape) if index.shape[1] else input.clone()
    shape = [*input.shape]
    shape[dim + 1] = index.shape[1]
    slices = value.reshape(-1, *[1] * (input.ndim - 1)).expand(shape)
    return along_dim(_index_copy, input, index, slices, dim)


_index_fill = Op("index_fill", kernels.index_filled, inputs=("input", "index", "value"),
    dims=("dim",), shape=SAME, batch=_batch_fill,
    vjp={"input": lambda grad, index, dim: grad.index_fill(dim, index, 0),
         "value": lambda grad, index, dim: grad.index_select(dim, index.unique()).sum()},
    doc="One value at the indices of a vector.")  # fmt: skip


def _add_call(
    call: Any, input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any
) -> Tensor:
    dim = wrap_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(
            f"index_add_(): Index is supposed to be a vector, but got dim: {index.ndim} with type: "
            f"{scalar_name(index.dtype)} and size: {list(index.shape)}"
        )
    if index.dtype not in (int32, int64):
        raise RuntimeError(
            "index_add_(): Expected dtype int32/int64 for index but got: "
            f"{scalar_name(index.dtype)}"
        )
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"index_add_(): self ({scalar_name(input.dtype)}) and source "
            f"({scalar_name(source.dtype)}) must have the same scalar type"
        )
    _check_add_sizes(input, dim, index, source)
    if not (source.dtype.is_floating_point or source.dtype.is_complex):
        alpha = wrapped_int(int(alpha), source.kind.array_type)
    return call(_index_add, (input, index.reshape(-1), source), (dim, alpha))  # type: ignore


def _check_add_sizes(input: Tensor, dim: int, index: Tensor, source: Tensor) -> None:
    n = source.shape[dim] if source.ndim else 1
    if index.numel() != n:
        raise RuntimeError(
            f"index_add_(): Number of indices ({index.numel()}) should be equal to "
            f"source.size(dim): ({n}), for dim: {dim}"
        )
    own, given = list(input.shape), list(source.shape)
    if own and given and (own[:dim], own[dim + 1 :]) != (given[:dim], given[dim + 1 :]):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {own} source.shape = {given}"
        )


@method("index_add")
@numpy_names
def index_add(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: complex = 1,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``input`` with ``alpha * source`` added to the slices that ``index`` lists.

    ``index`` is an integer vector, as long as that dimension of ``source``. RuntimeError otherwise.

    >>> torch.zeros(3).index_add(0, torch.tensor([0, 0]), torch.ones(2)).tolist()
    [2.0, 0.0, 0.0]
    """
    return deliver("index_add", _add_call(_call, input, dim, index, source, alpha), out, exact=True)


@method("index_add_")
def _index_add_in_place(
    self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: complex = 1
) -> Tensor:
    """In-place form of ``index_add``."""
    return _add_call(write_in_place, self, dim, index, source, alpha)


def _copy_call(call: Any, input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    dim = wrap_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    if index.dtype is not int64:
        raise RuntimeError(
            f"index_copy_(): Expected a long tensor for index, but got {scalar_name(index.dtype)}"
        )
    if source.dtype is not input.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{scalar_name(input.dtype)} and (source) {scalar_name(source.dtype)}"
        )
    _check_copy_sizes(input, dim, index, source)
    return call(_index_copy, (input, index.reshape(-1), source), (dim,))  # type: ignore


def _check_copy_sizes(input: Tensor, dim: int, index: Tensor, source: Tensor) -> None:
    n, own, given = index.numel(), list(input.shape), list(source.shape)
    if not given and n != 1:
        raise IndexError(
            f"index_copy_(): When source is scalar, index should have one element (got {n})"
        )
    if own and given and len(own) != len(given):
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must "
            f"match. Source dimensionality ({len(given)}), destination dimensionality ({len(own)})"
        )
    if own and given and (own[:dim], own[dim + 1 :]) != (given[:dim], given[dim + 1 :]):
        text = " ".join([str(m) for m in own[:dim] + own[dim + 1 :]])
        other = " ".join([str(m) for m in given[:dim] + given[dim + 1 :]])
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
            f"slice shape: {text} at dimension {dim} and source slice shape: {other} at dimension "
            "0."
        )
    if given and n != given[dim]:
        raise IndexError(
            f"index_copy_(): Number of indices ({n}) should be equal to source.size(dim) "
            f"({given[dim]})"
        )


@method("index_copy")
@autocasting("index_copy")
@numpy_names
def index_copy(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy of ``input`` with ``source`` written over the slices that ``index`` lists.

    >>> torch.zeros(3).index_copy(0, torch.tensor([2, 0]), torch.tensor([1.0, 2.0])).tolist()
    [2.0, 0.0, 1.0]
    """
    return deliver("index_copy", _copy_call(_call, input, dim, index, source), out, exact=True)


@method("index_copy_")
def _index_copy_in_place(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """In-place form of ``index_copy``."""
    return _copy_call(write_in_place, self, dim, index, source)


def _fill_call(call: Any, input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    dim = wrap_dim(dim, input.ndim)
    if index.dtype is not int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.ndim > 1:
        raise IndexError("index_fill_(): Index is supposed to be a vector")
    check_value("index_fill_", value)
    value = element_of(input, value)
    return call(_index_fill, (input, index.reshape(-1), value), (dim,))  # type: ignore


def check_value(function: str, value: Any) -> None:
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"{function} only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )


def element_of(input: Tensor, value: Any) -> Any:
    """A value as an element of `input`: RuntimeError where a complex one would lose a part."""
    of = input.dtype
    loses = not of.is_complex and of is not bool_
    if isinstance(value, Tensor) and (of.is_complex or not value.dtype.is_complex):
        return value.to(device=input.device, dtype=of)  # type: ignore[attr-defined]
    if isinstance(value, Tensor) or (isinstance(value, complex) and value.imag and loses):
        raise RuntimeError(
            f"value cannot be converted to type {_C_NAMES.get(of.name, of.name)} without overflow"
        )
    if isinstance(value, complex) and loses:
        value = value.real
    return input.new_full((), value, requires_grad=False)  # type: ignore[attr-defined]


_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "double", "bfloat16": "double",
    "int64": "int64_t", "int32": "int", "int16": "int16_t", "int8": "int8_t", "uint8": "uint8_t",
}  # fmt: skip


@method("index_fill")
@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of ``input`` with one value in the slices that ``index`` lists.

    ``index`` is an integer vector; IndexError for one out of range.

    >>> torch.zeros(3).index_fill(0, torch.tensor([0, 2]), 1).tolist()
    [1.0, 0.0, 1.0]
    """
    return _fill_call(_call, input, dim, index, value)


@method("index_fill_")
def _index_fill_in_place(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """In-place form of ``index_fill``."""
    return _fill_call(write_in_place, self, dim, index, value)


@method("index_reduce index_reduce_")
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``input`` with ``source`` combined into the slices that ``index`` lists.

    ``reduce`` is ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``. ``index`` is an integer vector,
    as long as that dimension of ``source``. RuntimeError for another ``reduce``, IndexError for an
    index out of range.

    >>> source = torch.tensor([2.0, 3.0])
    >>> torch.ones(2).index_reduce(0, torch.tensor([0, 0]), source, "prod").tolist()
    [6.0, 1.0]
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    if index.dtype not in (int32, int64):
        raise RuntimeError("index_reduce(): Expected dtype int32/int64 for index")
    if index.ndim > 1:
        raise IndexError("index_reduce(): Index is supposed to be a vector")
    if source.dtype is not input.dtype:
        raise RuntimeError("index_reduce(): self and source must have the same scalar type")
    dim, n = wrap_dim(dim, input.ndim), source.shape[dim] if source.ndim else 1
    if index.numel() != n:
        raise RuntimeError("index_reduce(): Number of indices should be equal to self.size(dim)")
    if source.ndim:
        index = index.reshape((-1,) + (1,) * (source.ndim - dim - 1)).expand(source.shape)  # type: ignore
    try:
        result = input.scatter_reduce(dim, index, source, reduce, include_self=include_self)  # type: ignore
    except RuntimeError as error:
        if "is out of bounds for dimension" not in str(error):
            raise
        raise IndexError("index out of range in self") from None
    return deliver("index_reduce", result, out, exact=True)


# ---- put


_put = Op("put", kernels.put, inputs=("input", "index", "src"), params=("accumulate",),
    jvp=LINEAR, shape=SAME, batch=of_flat,
    vjp={"input": lambda grad, index, accumulate:
            grad if accumulate else grad.put(index, grad.new_zeros(index.shape)),
         "src": lambda grad, index, src_shape: grad.take(index).reshape(src_shape)},
    doc="Other elements at indices of the flattened tensor.")  # fmt: skip


def _put_call(call: Any, input: Tensor, index: Tensor, source: Tensor, accumulate: bool) -> Tensor:
    if index.dtype is not int64:
        raise RuntimeError(
            f"put_(): Expected a long tensor for index, but got {scalar_name(index.dtype)}"
        )
    if source.dtype is not input.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{scalar_name(input.dtype)} and source.dtype = {scalar_name(source.dtype)}"
        )
    if source.numel() != index.numel():
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.numel()}, index.numel() = {index.numel()}"
        )
    return call(_put, (input, index, source), (accumulate,))


@method("put")
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``source`` at ``index``, which counts in the flattened tensor.

    IndexError for an index out of range, RuntimeError for another number of values.

    >>> torch.zeros(2, 2).put(torch.tensor([3]), torch.ones(1)).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    return _put_call(_call, input, index, source, accumulate)


@method("put_")
def _put_in_place(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """In-place form of ``put``."""
    return _put_call(write_in_place, self, index, source, accumulate)


__all__ = [n for n in exported(globals()) if n not in ("check_value", "element_of")]
silence(globals())
