"""Writing results where the caller asks: in-place forms and ``out=``."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.core.dispatch import cast, dispatch
from flambeau.core.dtype import cpp_name
from flambeau.core.flips import elements, flip, flipped
from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.promotion import can_cast, cannot_cast
from flambeau.core.sparse import is_sparse, wrap_any
from flambeau.core.storage import preserved_strides
from flambeau.core.tensor import Tensor, replace_array
from flambeau.core.views import become, bump, check_inference, check_write, needs_history
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META
from flambeau.kernels.shared.sparse.arrays import SparseArray


def mutate(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Tensor:
    """The in-place form of a call: the first tensor takes the values and history of the result."""
    target = tensors[0]
    if target.absorb is not None:
        return target.absorb(dispatch(op, (target.before(), *tensors[1:]), params))
    recorded = needs_history(target, tensors[1:])
    if recorded:
        check_write(target)
        # Only the target is left out: what else a rule saves of it is noticed as written to.
        tensors = (shadow(target, op.inputs[0] in op.saves), *tensors[1:])
    elif op.sparse is not None and op.sparse.accumulate and _takes_rows(target, tensors[1]):
        check_inference(target)
        op.sparse.accumulate[target.kind.place](target._array, tensors[1]._array, *params)
        bump(target)
        return target
    result = dispatch(op, tensors, params)
    return assign(target, result, recorded)


def _takes_rows(target: Tensor, other: Any) -> bool:
    """Whether a sparse tensor can be added to a dense one where it stands, row by row."""
    return (
        is_sparse(other)
        and target._kind is other.kind
        and target.shape == other.shape
        and target._array.flags.c_contiguous
    )


def overwrite(target: Tensor, function: Any, *args: Any, **kwargs: Any) -> Tensor:
    """The in-place form of a public function of `target` and other arguments."""
    if target.absorb is not None:
        return target.absorb(function(target.before(), *args, **kwargs))
    recorded = needs_history(target, args)
    before = target
    if recorded:
        check_write(target)
        before = shadow(target, True)
    return assign(target, function(before, *args, **kwargs), recorded)


def assign(target: Tensor, result: Tensor, recorded: bool) -> Tensor:
    """Writes a result over `target`, which also takes its history when it is recorded."""
    if result.dtype is not target.dtype:
        if not can_cast(result.dtype, target.dtype):
            raise cannot_cast(result.dtype, target.dtype)
        result = result.to(target.dtype)  # type: ignore[attr-defined]
    if result.shape != target.shape:
        raise RuntimeError(
            f"output with shape {list(target.shape)} doesn't match the broadcast shape "
            f"{list(result.shape)}"
        )
    if result.level > target.level:
        return result.seize(target)
    write(target, elements(result))
    if recorded:
        become(target, result)
    return target


def write(target: Tensor, array: Any) -> None:
    """Overwrites the elements of `target`, and counts the write."""
    check_inference(target)
    into = target._array
    if isinstance(into, SparseArray):
        _write_sparse(target, into, array)
        return
    if (
        0 in into.strides
        and into.size
        and any([s == 0 and n > 1 for s, n in zip(into.strides, into.shape)])
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )
    if target.kind.place != META:
        into[...] = flipped(array, target._flips) if target._flips else array
    bump(target)


def _write_sparse(target: Tensor, into: SparseArray, array: Any) -> None:
    """Writes the values where the places stay the same, so that all who share them see it;
    otherwise the tensor takes the other array."""
    if not isinstance(array, SparseArray):
        raise RuntimeError(
            f"cannot write dense elements into a tensor of layout torch.{into.layout}"
        )
    if into.same_places(array) and into.values.shape == array.values.shape:
        into.values[...] = array.values
    else:
        replace_array(target, array)
    bump(target)


def shadow(target: Tensor, copied: bool) -> Tensor:
    """The target as it is before the write: its history, and its values when rules need them."""
    before = wrap_any(target._array.copy() if copied else target._array, target.kind)
    before._node = target._node
    return flip(before, target._flips)


# ---- out=


def deliver(name: str, result: Any, out: Any, exact: bool = False) -> Any:
    """The result itself, or ``out`` filled with it; `exact` demands its very dtype."""
    if out is None:
        return result
    if isinstance(out, tuple | list):
        return type(result)([deliver(name, r, o, exact) for r, o in zip(result, out, strict=True)])
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if result.mapped or out.mapped:
        raise RuntimeError(
            f"Batching rule not implemented for aten::{name}.out; the fallback path doesn't work "
            "on out= or view ops."
        )
    if result.seize is not None:
        raise NotImplementedError(
            f"Trying to use forward AD with {name}_out that does not support it because it is an "
            "out= function"
        )
    if modes.grad and (result._node is not None or out._node is not None):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if result.device is not out.device:
        raise RuntimeError(
            f"Expected out tensor to have device {result.device}, but got {out.device} instead"
        )
    if exact and result.dtype is not out.dtype:
        raise RuntimeError(
            f"Expected out tensor to have dtype {cpp_name(result.dtype)}, but got "
            f"{cpp_name(out.dtype)} instead"
        )
    if not can_cast(result.dtype, out.dtype):
        raise cannot_cast(result.dtype, out.dtype)
    array = elements(result)
    if out.shape != result.shape:
        _resize_out(out, result.shape, array)
    write(out, array if result.dtype is out.dtype else cast(array, out.dtype))
    return out


def _resize_out(out: Tensor, shape: tuple[int, ...], like: Any) -> None:
    """Gives ``out`` the shape and memory order of the result; a warning unless it was empty."""
    if out.numel():
        warnings.warn(
            "An output with one or more elements was resized since it had shape "
            f"{list(out.shape)}, "
            f"which does not match the required output shape {list(shape)}. This behavior is "
            "deprecated, and in a future PyTorch release outputs will not be resized unless they "
            "have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, "
            "to zero elements with t.resize_(0).",
            stacklevel=3,
        )
    out.resize_(shape)  # type: ignore[attr-defined]
    if not (like.size and like.flags.c_contiguous):
        out.as_strided_(shape, preserved_strides(like))  # type: ignore[attr-defined]


silence(globals())
