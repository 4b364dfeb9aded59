"""The entry points that many operators share. Each is the readable shortcut of ``dispatch`` for
plain tensors, guarded by one identity test of their kinds; everything else takes the full road.

A family makes an operator's public function with its ``out=`` form, and its methods.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.dispatch import dispatch
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.op import LINEAR, POINTWISE, Op, Rule, wrap_dim
from flambeau.core.publish import not_a_tensor, publish
from flambeau.core.tensor import Parameter, Tensor, wrap, wrap_view
from flambeau.core.views import bump
from flambeau.core.virtual import virtual
from flambeau.core.writing import deliver, mutate
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META, places

Function = Callable[..., Any]
_bool = numpy.dtype(bool)
_UNSCALED = (1,)


# ---- pointwise operators of one and two tensors


def unary(
    name: str,
    kernel: Function,
    *,
    vjp: Rule | None = None,
    promote: str = "float",
    keeps_kind: bool = True,
    methods: str | None = None,
    doc: str = "",
    node: str | None = None,
) -> Function:
    """A pointwise operator of one tensor: ``exp``, ``neg``, ``isnan``.

    ``promote="float"`` makes integers floating first, ``"same"`` leaves them. ``keeps_kind=False``
    says that the result's dtype may differ from the input's (``isnan``, ``abs`` of complex).
    """
    op = Op(name, kernel, vjp={"input": vjp} if vjp else None, jvp=POINTWISE, batch=POINTWISE,
            shape=pointwise_shape(kernel), promote=promote, widen=True, node=node)  # fmt: skip
    kernels = op.kernels
    takes_integers = promote == "same"

    def entry(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        try:
            kind = input._kind
        except AttributeError:
            raise not_a_tensor(name, "input", 1, input) from None
        if keeps_kind and kind is not None and out is None and not flags.active:
            if (kind.floating or takes_integers) and not kind.narrow:
                try:
                    result = wrap(kernels[kind.place](input._array), kind)  # type: ignore[misc]
                except TypeError:
                    return dispatch(op, (input,))
                if input._node is not None and modes.grad and vjp is not None:
                    record(op, result, (input,))
                return result
        return deliver(name, dispatch(op, (input,)), out)

    def in_place(input: Tensor) -> Tensor:
        return mutate(op, (input,))

    return publish(op, entry, in_place, doc, f"{name} {name}_" if methods is None else methods)


def binary(
    name: str,
    kernel: Function,
    *,
    input: Rule | None = None,
    other: Rule | None = None,
    promote: str = "same",
    boolean: bool = False,
    jvp: str | Rule = POINTWISE,
    methods: str | None = None,
    doc: str = "",
    node: str | None = None,
) -> Function:
    """A pointwise operator of two tensors, or of a tensor and a number: ``mul``, ``gt``.

    ``boolean`` says that the result is bool whatever the operands are.
    """
    vjp = {k: v for k, v in (("input", input), ("other", other)) if v is not None}
    op = Op(name, kernel, inputs=("input", "other"), vjp=vjp, jvp=jvp, batch=POINTWISE,
            shape=pointwise_shape(kernel), promote=promote, widen=True, node=node)  # fmt: skip
    kernels = op.kernels
    takes_integers = promote == "same"

    def entry(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
        try:
            kind = input._kind
        except AttributeError:
            raise not_a_tensor(name, "input", 1, input) from None
        if kind is not None and out is None and not flags.active and not kind.narrow:
            cls = type(other)
            if cls is Tensor or cls is Parameter:
                if kind is other._kind and (kind.floating or takes_integers):  # type: ignore
                    try:
                        array = kernels[kind.place](input._array, other._array)  # type: ignore
                    except (TypeError, ValueError):
                        return dispatch(op, (input, other))
                    result = wrap(array, kind.family[_bool] if boolean else kind)
                    if input._node is None is other._node:  # type: ignore[union-attr]
                        return result
                    if modes.grad and vjp:
                        record(op, result, (input, other))
                    return result
            elif cls in kind.scalars and (kind.floating or takes_integers):
                try:
                    array = kernels[kind.place](input._array, other)  # type: ignore[misc]
                except (TypeError, OverflowError):
                    return dispatch(op, (input, other))
                result = wrap(array, kind.family[_bool] if boolean else kind)
                if input._node is not None and modes.grad and vjp:
                    record(op, result, (input, other))
                return result
        return deliver(name, dispatch(op, (input, other)), out)

    in_place = _binary_in_place(op, kernel, takes_integers and not boolean)
    return publish(op, entry, in_place, doc, f"{name} {name}_" if methods is None else methods)


def _binary_in_place(op: Op, kernel: Function, keeps_kind: bool) -> Function:
    kernels = op.kernels
    direct = isinstance(kernel, numpy.ufunc) and keeps_kind

    def in_place(input: Tensor, other: Tensor | complex) -> Tensor:
        kind = input._kind
        if direct and kind is not None and not flags.active and not kind.narrow:
            cls = type(other)
            if (
                (cls is Tensor or cls is Parameter)
                and kind is other._kind  # type: ignore[union-attr]
                and input._node is None is other._node  # type: ignore[union-attr]
                and input._base is None
                and kind.place != META
            ):
                array = input._array
                try:
                    kernels[kind.place](array, other._array, array)  # type: ignore
                except (TypeError, ValueError):
                    return mutate(op, (input, other))
                bump(input)
                return input
        return mutate(op, (input, other))

    return in_place


def scaled_binary(
    name: str,
    ufunc: Function,
    kernel: Function,
    *,
    input: Rule,
    other: Rule,
    methods: str,
    doc: str = "",
) -> Function:
    """``ufunc(input, alpha * other)``: ``add`` and ``sub``; ``kernel`` takes ``alpha`` too."""
    op = Op(name, kernel, inputs=("input", "other"), params=("alpha",),
            vjp={"input": input, "other": other}, jvp=LINEAR, batch=POINTWISE,
            shape=pointwise_shape(kernel), promote="same", widen=True)  # fmt: skip
    kernels = places(ufunc)
    kernels[META] = lambda x, y: op.kernels[META](x, y, 1)  # type: ignore[misc]

    def entry(
        input: Tensor, other: Tensor | complex, *, alpha: complex = 1, out: Tensor | None = None
    ) -> Tensor:
        try:
            kind = input._kind
        except AttributeError:
            raise not_a_tensor(name, "input", 1, input) from None
        if kind is not None and alpha == 1 and out is None and not flags.active and not kind.narrow:
            cls = type(other)
            if cls is Tensor or cls is Parameter:
                if kind is other._kind:  # type: ignore[union-attr]
                    try:
                        array = kernels[kind.place](input._array, other._array)  # type: ignore
                    except (TypeError, ValueError):
                        return dispatch(op, (input, other), _UNSCALED)
                    result = wrap(array, kind)
                    if input._node is None is other._node:  # type: ignore[union-attr]
                        return result
                    if modes.grad:
                        record(op, result, (input, other), _UNSCALED)
                    return result
            elif cls in kind.scalars:
                try:
                    array = kernels[kind.place](input._array, other)  # type: ignore[misc]
                except (TypeError, OverflowError):
                    return dispatch(op, (input, other), _UNSCALED)
                result = wrap(array, kind)
                if input._node is not None and modes.grad:
                    record(op, result, (input, other), _UNSCALED)
                return result
        return deliver(name, dispatch(op, (input, other), (alpha,)), out)

    def in_place(input: Tensor, other: Tensor | complex, *, alpha: complex = 1) -> Tensor:
        if alpha == 1 and (type(other) is Tensor or type(other) is Parameter):
            kind = input._kind
            if (
                kind is not None
                and kind is other._kind
                and input._node is None is other._node
                and input._base is None
                and not (flags.active or kind.narrow or kind.place == META)
            ):
                array = input._array
                try:
                    kernels[kind.place](array, other._array, array)  # type: ignore[misc]
                except (TypeError, ValueError):
                    return mutate(op, (input, other), _UNSCALED)
                bump(input)
                return input
        return mutate(op, (input, other), (alpha,))

    return publish(op, entry, in_place, doc, methods)


# ---- reductions


def reduction(
    name: str,
    kernel: Function,
    *,
    vjp: Rule | None = None,
    jvp: str | Rule | None = None,
    promote: str | None = None,
    takes_integers: bool = False,
    methods: str | None = None,
    doc: str = "",
) -> Function:
    """A reduction over some or all dimensions: ``kernel(array, dims, keepdim)``.

    ``dims`` is None (all), an int or a tuple. ``takes_integers`` says that integers are reduced in
    their own dtype.
    """
    op = Op(name, kernel, params=("dims", "keepdim"), vjp={"input": vjp} if vjp else None, jvp=jvp,
            shape=reduced, promote=promote, widen=True)  # fmt: skip
    kernels = op.kernels

    def entry(
        input: Tensor,
        dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False,
        *,
        dtype: Any = None,
        out: Tensor | None = None,
    ) -> Tensor:
        try:
            kind = input._kind
        except AttributeError:
            raise not_a_tensor(name, "input", 1, input) from None
        if dtype is not None and dtype is not input.dtype:
            return deliver(name, entry(input.to(dtype), dim, keepdim), out)  # type: ignore
        if (
            kind is not None
            and out is None
            and not (flags.active or kind.narrow)
            and (kind.floating or takes_integers)
            and kind.place != META
            and (dim is None or type(dim) is int)
        ):
            try:
                array = kernels[kind.place](input._array, dim, keepdim)  # type: ignore[misc]
            except (TypeError, ValueError, IndexError):
                return dispatch(op, (input,), (canonical(dim, input.ndim), keepdim))
            result = wrap(array, kind)
            if input._node is not None and modes.grad:
                record(op, result, (input,), (canonical(dim, input.ndim), keepdim))
            return result
        return deliver(name, dispatch(op, (input,), (canonical(dim, input.ndim), keepdim)), out)

    return publish(op, entry, None, doc, name if methods is None else methods)


# ---- views


class ViewOp(Op):
    """A linear operator whose result shares the memory of its input."""

    def __init__(self, name: str, forward: Function, **options: Any) -> None:
        super().__init__(name, forward, jvp=LINEAR, view=True, **options)

    def __call__(self, input: Tensor, *params: Any) -> Tensor:
        kind = input._kind
        if kind is None or flags.active:
            return super().__call__(input, *params)
        try:
            array = self.kernels[kind.place](input._array, *params)  # type: ignore[misc]
        except (ValueError, IndexError, TypeError):
            return super().__call__(input, *params)
        result = wrap_view(array, kind, input)
        if input._node is not None and modes.grad:
            record(self, result, (input,), self.wrap_dims(input._array.ndim, params))
        return result


# ---- rules the families share


def canonical(dim: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions of a reduction as a tuple counted from the front; all for None and ()."""
    if dim is None or (type(dim) is tuple and not dim) or (type(dim) is list and not dim):
        return tuple(range(ndim))
    if isinstance(dim, int):
        dim = wrap_dim(dim, ndim)
        return (dim,) if ndim else ()
    dims = tuple([wrap_dim(d, ndim) for d in dim])
    if len(set(dims)) != len(dims):
        twice = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return dims if ndim else ()


def reduced(array: Any, dims: tuple[int, ...] | None, keepdim: bool) -> tuple[int, ...]:
    """The shape rule of reductions."""
    shape = array.shape
    if dims is None:
        dims = tuple(range(len(shape)))
    return tuple([1 if i in dims else n for i, n in enumerate(shape) if keepdim or i not in dims])


def pointwise_shape(kernel: Function) -> Rule:
    """The shape rule of pointwise operators: broadcast shapes, and the dtype of one element."""

    def shape(*arrays: Any) -> tuple[tuple[int, ...], Any]:
        sizes = [a.shape for a in arrays if hasattr(a, "dtype")]
        elements = [virtual((), a.dtype) if hasattr(a, "dtype") else a for a in arrays]
        return numpy.broadcast_shapes(*sizes), kernel(*elements).dtype

    return shape



silence(globals())
