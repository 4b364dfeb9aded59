"""``run``: the shortcut of ``dispatch`` for operators of several plain tensors on one device."""

from __future__ import annotations

from typing import Any

from flambeau.core.dispatch import dispatch
from flambeau.core.graph import record, record_outputs
from flambeau.core.modes import flags, modes
from flambeau.core.op import Op
from flambeau.core.tensor import wrap


def run(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """As ``dispatch(op, tensors, params)``, without a look at what it need not look at.

    `tensors` are tensors, or None for absent ones; the first decides whether the operator takes it.
    """
    kind = tensors[0]._kind
    if kind is None or not kind.category & op.accepts or flags.active:
        return dispatch(op, tensors, params)
    family, history, arrays = kind.family, False, []
    for tensor in tensors:
        if tensor is None:
            arrays.append(None)
            continue
        own = tensor._kind
        if own is not kind and (
            op.promote or own is None or own.family is not family or own.narrow
        ):
            return dispatch(op, tensors, params)
        if tensor._node is not None:
            history = True
        arrays.append(tensor._array)
    try:
        computed = op.kernels[kind.place](*arrays, *params)  # type: ignore[misc]
    except Exception:
        return dispatch(op, tensors, params)  # which raises it again, explained
    if op.outputs == 1:
        result = wrap(computed, family[computed.dtype])
        if history and modes.grad:
            record(op, result, tensors, params)
        return result
    results = tuple([None if a is None else wrap(a, family[a.dtype]) for a in computed])
    if history and modes.grad:
        record_outputs(op, results, tensors, params)  # type: ignore[arg-type]
    return results
