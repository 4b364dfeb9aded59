"""Elements picked and written by masks."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import bool_, scalar_name
from flambeau.core.errors.messages import broadcast_error, broadcast_shape
from flambeau.core.op import Op
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import masking as kernels
from flambeau.ops.batching import aligned, is_shared, padded_to
from flambeau.ops.in_place import check_no_overlap, write_in_place
from flambeau.ops.index_writes import check_value, element_of

_C_NAMES = {
    "float32": "float", "float64": "double", "int64": "long long", "int32": "int",
    "uint8": "unsigned char", "int8": "signed char", "int16": "short",
}  # fmt: skip


def _common(array: Any, mask: Any, *rest: Any) -> tuple[int, ...]:
    return tuple(broadcast_shape([array.shape, mask.shape]) or ())


def _call(op: Op, tensors: tuple[Any, ...]) -> Any:
    return op(*tensors)


def _write(op: Op, tensors: tuple[Any, ...]) -> Tensor:
    input, mask = tensors[:2]
    common = broadcast_shape([input.shape, mask.shape])
    if common is not None and tuple(common) != tuple(input.shape):
        raise RuntimeError(
            f"output with shape {list(input.shape)} doesn't match the broadcast shape {common}"
        )
    return write_in_place(op, tensors, ())


def _check_together(input: Tensor, mask: Tensor, swapped: bool = False) -> None:
    shapes = [tuple(input.shape), tuple(mask.shape)]
    if broadcast_shape(shapes) is None:
        raise broadcast_error(shapes[::-1] if swapped else shapes)


# ---- masked_fill


def _batch_masked_fill(op: Op, input: Any, mask: Any, value: Any) -> Any:
    """One value for all examples, or each example's where the mask is true."""
    input, mask, spread = aligned(input, mask, value)
    return op(input, mask, value[0]) if is_shared(value) else spread.where(mask, input)


_masked_fill = Op(
    "masked_fill",
    kernels.mask_filled,
    batch=_batch_masked_fill,
    inputs=("input", "mask", "value"),
    shape=_common,
    vjp={
        "input": lambda grad, mask: grad.masked_fill(mask, 0),
        "value": lambda grad, mask: grad.masked_fill(~mask, 0).sum(),
    },
    jvp=lambda input_t, mask, value_t: input_t.masked_fill(mask, value_t),
    doc="One value where a mask is true.",
)


def _fill_call(call: Any, input: Tensor, mask: Tensor, value: Any) -> Tensor:
    if mask.dtype is not bool_:
        name = _C_NAMES.get(mask.dtype.name, mask.dtype.name)
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {name}"
        )
    check_value("masked_fill_", value)
    _check_together(input, mask, swapped=True)
    return call(_masked_fill, (input, mask, element_of(input, value)))


@method("masked_fill")
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy of ``input`` with one value where ``mask``, broadcast, is true.

    ``mask`` is a bool tensor whose shape broadcasts, ``value`` a number or a tensor without
    dimensions. RuntimeError otherwise.

    >>> torch.tensor([1.0, 2.0]).masked_fill(torch.tensor([True, False]), 0).tolist()
    [0.0, 2.0]
    """
    return _fill_call(_call, input, mask, value)


@method("masked_fill_")
def _masked_fill_in_place(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """In-place form of ``masked_fill``."""
    return _fill_call(_write, self, mask, value)


# ---- masked_select, masked_scatter


def _select_grad(grad: Any, input_shape: Any, mask: Any) -> Any:
    common = _common_of(input_shape, mask.shape)
    return grad.new_zeros(common).masked_scatter(mask.expand(common), grad)


def _common_of(first: Any, second: Any) -> tuple[int, ...]:
    return tuple(broadcast_shape([first, second]) or ())


def _unknown_shape(*arrays: Any) -> Any:
    raise NotImplementedError(
        "masked_select: the shape of the result depends on the elements, which tensors on the meta "
        "device do not have"
    )


def _batch_masked_select(op: Op, input: Any, mask: Any) -> Any:
    if not is_shared(mask):
        raise RuntimeError(
            "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot "
            "support this because for each batch this would return a differently shaped Tensor. "
            "Please file an issue at https://github.com/pytorch/pytorch/issues if you need this "
            "feature."
        )
    common = _common_of(input.shape[1:], mask.shape[1:])
    places = mask[0].expand(common).flatten().nonzero().flatten()
    rows = padded_to(input, len(common) + 1).expand(-1, *common).reshape(input.shape[0], -1)
    return rows.index_select(1, places)


_masked_select = Op("masked_select", kernels.mask_selected, inputs=("input", "mask"),
    batch=_batch_masked_select,
    shape=_unknown_shape,
    vjp={"input": _select_grad}, jvp=lambda input_t, mask: input_t.masked_select(mask),
    doc="The elements where a mask is true.")  # fmt: skip


@method("masked_select")
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements of ``input`` where ``mask`` is true, in one dimension; both are broadcast.

    RuntimeError for a mask that is not bool.

    >>> torch.tensor([1, 2, 3]).masked_select(torch.tensor([True, False, True])).tolist()
    [1, 3]
    """
    if mask.dtype is not bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    _check_together(input, mask, swapped=True)
    check_no_overlap(out, (input, mask))
    return deliver("masked_select", _masked_select(input, mask), out, exact=True)


def _scatter_source_grad(grad: Any, mask: Any, src_shape: Any) -> Any:
    picked, size = grad.masked_select(mask), 1
    for n in src_shape:
        size *= n
    if picked.numel() < size:
        whole = picked.new_zeros(size)
        picked = whole.slice_scatter(picked, 0, 0, picked.numel())
    return picked.reshape(src_shape)


_masked_scatter = Op("masked_scatter", kernels.mask_scattered, inputs=("input", "mask", "src"),
    shape=_common,
    vjp={"input": lambda grad, mask: grad.masked_fill(mask, 0), "src": _scatter_source_grad},
    jvp=lambda input_t, mask, src_t: input_t.masked_scatter(mask, src_t),
    doc="Elements of a source, in order, where a mask is true.")  # fmt: skip


def _scatter_call(call: Any, input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    if mask.dtype is not bool_:
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{scalar_name(mask.dtype)}"
        )
    if source.dtype is not input.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{scalar_name(input.dtype)} and {scalar_name(source.dtype)}"
        )
    _check_together(input, mask, swapped=True)
    return call(_masked_scatter, (input, mask, source))


@method("masked_scatter")
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of ``input`` with the elements of ``source``, in order, where ``mask`` is true.

    RuntimeError for too few elements of ``source``, or a mask that is not bool.

    >>> mask = torch.tensor([True, False, True])
    >>> torch.zeros(3).masked_scatter(mask, torch.tensor([1.0, 2.0])).tolist()
    [1.0, 0.0, 2.0]
    """
    return _scatter_call(_call, input, mask, source)


@method("masked_scatter_")
def _masked_scatter_in_place(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place form of ``masked_scatter``."""
    return _scatter_call(_write, self, mask, source)


__all__ = exported(globals())
silence(globals())
