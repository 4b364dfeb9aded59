"""How operators get a form for sparse tensors.

``sparse_form`` gives an operator of ``ops/`` another kernel, whose arrays may be sparse; its
gradient rules, written with tensors, serve both forms. ``declare`` makes an operator that exists
for sparse tensors alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.op import REGISTRY, Op, no_sparse_meta
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import CPU, CUDA, META, places
from flambeau.kernels.shared.sparse.arrays import Coo
from flambeau.kernels.shared.sparse.coalescing import coalesce

Function = Callable[..., Any]
_united = places(coalesce)


def declare(name: str, forward: Function, **rules: Any) -> Op:
    """An operator whose kernel takes sparse arrays, or makes them."""
    op = Op(name, forward, **rules)
    op.sparse, op.kernels[META] = op, no_sparse_meta
    return op


def sparse_form(name: str, forward: Function, vjp: dict[str, Function] | None = None) -> None:
    """Gives the operator ``name`` a kernel for calls with a sparse tensor."""
    op = REGISTRY[name]
    op.sparse = op.form(forward, vjp)


def accumulates(name: str, kernel: Function) -> None:
    """Gives the sparse form of ``name`` a kernel that writes to a dense array in place, instead of
    making another array of its size: ``weight.add_(sparse_gradient)``."""
    form = REGISTRY[name].sparse
    assert form is not None
    form.accumulate = places(kernel)


def on_values(names: str, *, united: bool) -> None:
    """Forms of operators that keep zeros zero: their own kernels, on the values alone.

    ``united`` coalesces first, as operators have to that are not linear.
    """
    for name in names.split():
        op = REGISTRY[name]
        op.sparse = op.form([_on_values(op, CPU, united), _on_values(op, CUDA, united), None])


def _on_values(op: Op, place: int, united: bool) -> Function:
    def run(array: Any, *params: Any) -> Any:
        if united and isinstance(array, Coo):
            array = _united[place](array)  # type: ignore[misc]
        return array.with_values(op.kernels[place](array.values, *params))  # type: ignore[misc]

    return run


def refuse(name: str, message: str) -> None:
    """Makes calls of an operator with a sparse tensor raise RuntimeError; the message may name
    the ``{layout}``."""

    def run(array: Any, *params: Any) -> Any:
        raise RuntimeError(message.format(layout=array.title))

    REGISTRY[name].sparse = REGISTRY[name].form([run, run, run])


silence(globals())
