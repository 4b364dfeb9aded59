"""What a call of an operator means, layer by layer. The entries of ``families.py`` are shortcuts
of ``dispatch`` for plain tensors while nothing is active; both give the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from flambeau.core.anomaly import remember
from flambeau.core.autocast import autocast
from flambeau.core.dtype import bfloat16, bool_, default, dtype, float16
from flambeau.core.errors import explain, same_device
from flambeau.core.flips import flip, memory_of, settled
from flambeau.core.graph import record, record_outputs
from flambeau.core.kind import Kind
from flambeau.core.modes import flags, modes
from flambeau.core.promotion import result_dtype
from flambeau.core.sparse import is_plain_sparse, unsupported, wrap_any
from flambeau.core.tensor import INFERENCE, PLAIN, Tensor, wrap_view
from flambeau.core.views import refresh
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import CPU, META

if TYPE_CHECKING:
    from flambeau.core.op import Op


def dispatch(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """Carries out one call: interceptors, kind, kernel, wrapping, recording.

    `tensors` may hold Python numbers where the operator takes them, and None for absent ones.
    """
    if flags.active:
        if modes.interceptors:
            return modes.interceptors[-1].intercept(op, tensors, params)
        for tensor in tensors:
            if isinstance(tensor, Tensor) and tensor._base is not None:
                refresh(tensor)
    special, sparse = None, False
    for tensor in tensors:
        if isinstance(tensor, Tensor) and tensor._kind is None:
            if is_plain_sparse(tensor):
                sparse = True
            elif special is None or tensor.level > special.level or type(special) in PLAIN:
                special = tensor
    if special is not None:
        if type(special) in PLAIN:
            return _with_flips(op, tensors, params)
        return special.intercept(op, tensors, params)  # type: ignore[attr-defined]
    if sparse:
        if op.sparse is None:
            raise unsupported(op, tensors)
        op = op.sparse
    if flags.active and modes.autocast is not None:
        tensors = tuple(autocast(op.name, tensors))
    try:
        kind, arrays = operands(op, tensors)
        computed = op.kernels[kind.place](*arrays, *params)  # type: ignore[misc]
    except Exception as error:
        raise explain(error, op, tensors, params) from None
    results = _wrapped(op, computed, kind, tensors)
    if modes.grad and _has_history(tensors):
        if op.outputs != 1:
            record_outputs(op, results, tensors, params)
        elif results.kind.floating:
            record(op, results, tensors, params)
        if flags.active and flags.anomaly[0]:
            remember(results)
    return results


def _with_flips(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """A call with lazy conjugates: views pass their flips on, other operators see the elements."""
    if not op.view:
        return dispatch(op, tuple([settled(t) for t in tensors]), params)
    source = tensors[0]
    views = dispatch(op, (memory_of(source, source._array), *tensors[1:]), params)
    for view in views if isinstance(views, tuple) else (views,):
        view._base = source if source._base is None else source._base
        flip(view, source._flips ^ view._flips)
    return views


def _has_history(tensors: tuple[Any, ...]) -> bool:
    return any([isinstance(tensor, Tensor) and tensor._node is not None for tensor in tensors])


def _wrapped(op: Op, computed: Any, kind: Kind, tensors: tuple[Any, ...]) -> Any:
    """The results as tensors; narrow floats are rounded here, once."""
    family = kind.family
    if op.view:
        source = tensors[0]
        if op.outputs == 1:
            return flip(wrap_view(computed, family[computed.dtype], source), op.flips)
        return tuple([wrap_view(a, family[a.dtype], source) for a in computed])
    if op.outputs == 1:
        made = _narrowed(op, computed, kind)
        return _finish(wrap_any(made, family[_type_of(op, computed, kind)]))
    return tuple(
        [
            None if a is None  # a result that the parameters did not ask for
            else _finish(wrap_any(_narrowed(op, a, kind), family[_type_of(op, a, kind)]))
            for a in computed
        ]
    )  # fmt: skip


def _type_of(op: Op, array: Any, kind: Kind) -> Any:
    return kind.array_type if _rounds(op, array, kind) else array.dtype


def _narrowed(op: Op, array: Any, kind: Kind) -> Any:
    return array.astype(kind.array_type) if _rounds(op, array, kind) else array


def _rounds(op: Op, array: Any, kind: Kind) -> bool:
    return kind.narrow and op.widen and array.dtype == numpy.float32


def _finish(tensor: Tensor) -> Tensor:
    if flags.active and modes.inference:
        tensor._writes = INFERENCE
    return tensor


# ---- operands


def operands(op: Op, tensors: tuple[Any, ...]) -> tuple[Kind, list[Any]]:
    """The kind of the call, and its arrays, promoted and widened as the operator asks."""
    kind = _common_kind(op, tensors)
    if op.check is not None:
        op.check(*tensors)
    if op.promote is None:
        if not (op.accepts >> kind.dtype.rank & 1 or (op.empties and _without_elements(tensors))):
            raise op.refused(kind.dtype, kind.device.type)
        arrays = [t._array if isinstance(t, Tensor) else t for t in tensors]
    else:
        of = result_dtype(*[t for t in tensors if t is not None])
        if op.promote == "float" and of.rank < 2:
            of = default.dtype
        if not op.accepts >> of.rank & 1:
            raise op.refused(of, kind.device.type)
        kind = kind.family[of]
        arrays = [None if t is None else _promoted(t, kind) for t in tensors]
    if kind.narrow and op.widen:
        arrays = [_widened(a) for a in arrays]
    return kind, arrays


def _without_elements(tensors: tuple[Any, ...]) -> bool:
    return any([isinstance(t, Tensor) and 0 in t._array.shape for t in tensors])


def _common_kind(op: Op, tensors: tuple[Any, ...]) -> Kind:
    """The kind of the first tensor with dimensions; all tensors must share its device."""
    found: Kind | None = None
    settled = False
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            continue
        kind = tensor._kind or tensor.kind
        if found is None or (
            not settled and tensor._array.ndim and kind.device is not found.device
        ):
            found, settled = kind, tensor._array.ndim > 0
        elif kind.device is not found.device and (tensor._array.ndim or kind.place != CPU):
            raise same_device(found.device, kind.device)
    if found is None:
        raise TypeError(f"{op.name}(): expected at least one Tensor argument")
    return found


def _promoted(value: Any, kind: Kind) -> Any:
    """The array of an operand in the dtype of the call; a number becomes an array of it."""
    if not isinstance(value, Tensor):
        return number_array(value, kind)
    array = value._array
    if value.kind.place != kind.place:
        array = move_number(array, kind)
    return array if array.dtype == kind.array_type else cast(array, kind.dtype)


def move_number(array: Any, kind: Kind) -> Any:
    """A CPU tensor without dimensions as an operand on another device."""
    return _empty(kind) if kind.place == META else kind.xp.asarray(array)


def _empty(kind: Kind) -> Any:
    return numpy.zeros((), kind.array_type)


def number_array(value: Any, kind: Kind) -> Any:
    """A Python number in the dtype of the call: wrapped around for integers, as PyTorch does."""
    to = numpy.dtype(numpy.float32) if kind.narrow else kind.array_type
    if to.kind in "iu" and not isinstance(value, bool):
        value = wrapped_int(int(value), to)
    return kind.xp.asarray(value, to)


def wrapped_int(value: int, to: numpy.dtype) -> int:
    """The value modulo the range of an integer type."""
    bits = 8 * to.itemsize
    value &= (1 << bits) - 1
    return value - (1 << bits) if to.kind == "i" and value >> (bits - 1) else value


def _widened(array: Any) -> Any:
    if array is None or not hasattr(array, "dtype") or not is_narrow(array.dtype):
        return array
    return array.astype(numpy.float32)


def is_narrow(of: numpy.dtype) -> bool:
    """Whether an array type is one of the floats that kernels compute in float32."""
    return of.kind == "V" or (of.kind == "f" and of.itemsize < 4)


def cast(array: Any, to: dtype) -> Any:
    """The array in another dtype, converted as PyTorch does: complex loses its imaginary part."""
    assert to.numpy is not None
    source = array.dtype
    if source.kind == "c" and to.rank < 3:
        array = array.real if to is not bool_ else array.astype(bool)
    elif to.numpy.kind in "iu" and source.kind in "fV":
        array = _float_to_int(array, to.numpy)
    elif source.itemsize == 8 and source.kind in "fiu" and to in _HALVES:
        array = array.astype(numpy.float32)  # PyTorch rounds through float32
    return array.astype(to.numpy)


def _float_to_int(array: Any, to: numpy.dtype) -> Any:
    """Floats as 64-bit integers first, so that narrow integers wrap instead of saturating."""
    if array.dtype.kind == "V":
        array = array.astype(numpy.float32)
    return array.astype(numpy.int64) if to.itemsize < 4 or to.kind == "u" else array


_HALVES = frozenset({bfloat16, float16})
silence(globals())
