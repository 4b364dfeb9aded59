"""The entry points that many operators share. Each is the readable shortcut of ``dispatch`` for
plain tensors, guarded by one identity test of their kinds; everything else takes the full road.

A family makes an operator's public function with its ``out=`` form, and its methods.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.dispatch import dispatch, number_array
from flambeau.core.documentation import of_one, of_two
from flambeau.core.dtype import scalar_name
from flambeau.core.graph import record
from flambeau.core.kind import CPU_KINDS
from flambeau.core.modes import flags, modes
from flambeau.core.numpy_names import chosen
from flambeau.core.old_order import number_first
from flambeau.core.op import LINEAR, POINTWISE, Op, Rule, categories, wants, wrap_dim
from flambeau.core.promotion import result_dtype
from flambeau.core.publish import NUMBERS, OPERANDS, not_a_tensor, publish
from flambeau.core.tensor import Parameter, Tensor, wrap, wrap_view
from flambeau.core.views import bump
from flambeau.core.virtual import result_strides
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
    jvp: str | Rule = POINTWISE,
    promote: str = "float",
    accepts: str = "bifc",
    refusal: str | Function | None = None,
    changes: str = "",
    methods: str | None = None,
    doc: str = "",
    node: str | None = None,
) -> Function:
    """A pointwise operator of one tensor: ``exp``, ``neg``, ``isnan``.

    ``promote="float"`` makes integers floating first, ``"same"`` leaves them. ``changes``
    names the categories whose result has another dtype: ``"c"`` for ``abs``, all for ``isnan``.
    """
    op = Op(name, kernel, vjp={"input": vjp} if vjp else None, jvp=jvp, batch=POINTWISE,
            shape=pointwise_shape(kernel), promote=promote, accepts=accepts, refusal=refusal,
            widen=True, node=node)  # fmt: skip
    kernels = op.kernels
    short, changed = _shortcut(op), categories(changes)
    exact = promote == "same" and changes in ("", "c")  # the dtype of ``out``

    def entry(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        try:
            kind = input._kind
        except AttributeError:
            raise not_a_tensor(name, "input", 1, input) from None
        if kind is not None and kind.category & short and out is None and not flags.active:
            try:
                array = kernels[kind.place](input._array)  # type: ignore[misc]
            except Exception:
                return dispatch(op, (input,))
            result = wrap(array, kind.family[array.dtype] if kind.category & changed else kind)
            if input._node is not None and modes.grad and vjp is not None:
                record(op, result, (input,))
            return result
        result = dispatch(op, (input,))
        if out is not None and exact and isinstance(out, Tensor) and out.dtype is not result.dtype:
            raise RuntimeError(
                f"Found dtype {scalar_name(out.dtype)} but expected {scalar_name(result.dtype)}"
            )
        return deliver(name, result, out)

    def in_place(input: Tensor) -> Tensor:
        if changes == "c" and input.kind.dtype.is_complex:
            raise RuntimeError(f"In-place {name} is not supported for complex tensors.")
        return mutate(op, (input,))

    doc = of_one(op, doc, changes)
    return publish(op, entry, in_place, doc, f"{name} {name}_" if methods is None else methods)


def binary(
    name: str,
    kernel: Function,
    *,
    input: Rule | None = None,
    other: Rule | None = None,
    promote: str = "same",
    accepts: str = "bifc",
    refusal: str | Function | None = None,
    check: Function | None = None,
    numbers: str = "other",
    second: str = "other",
    boolean: bool = False,
    widen: bool = True,
    jvp: str | Rule = POINTWISE,
    methods: str | None = None,
    doc: str = "",
    node: str | None = None,
) -> Function:
    """A pointwise operator of two tensors, or of a tensor and a number: ``mul``, ``gt``.

    ``boolean`` says that the result is bool whatever the operands are; ``numbers``, whether
    Python numbers stand for ``other``, for ``"either"`` of the tensors, for ``"both"`` at once, or
    for ``"none"``; ``second`` is the public name of ``other``.
    """
    vjp = {k: v for k, v in (("input", input), (second, other)) if v is not None}
    op = Op(name, kernel, inputs=("input", second), vjp=vjp, jvp=jvp, batch=POINTWISE,
            shape=pointwise_shape(kernel), promote=promote, accepts=accepts, refusal=refusal,
            check=check, widen=widen, node=node)  # fmt: skip
    kernels = op.kernels
    short = _shortcut(op)
    operands = (Tensor,) if numbers == "none" else OPERANDS

    def make(refuse: Function) -> Function:
        def entry(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
            try:
                kind = input._kind
            except AttributeError:
                return deliver(name, _number_first(op, input, other, numbers), out)
            cls = type(other)
            if kind is not None and kind.category & short and out is None and not flags.active:
                if cls is Tensor or cls is Parameter:
                    if kind is other._kind:  # type: ignore[union-attr]
                        try:
                            array = kernels[kind.place](input._array, other._array)  # type: ignore
                        except Exception:
                            return dispatch(op, (input, other))
                        result = wrap(array, kind.family[_bool] if boolean else kind)
                        if input._node is None is other._node:  # type: ignore[union-attr]
                            return result
                        if modes.grad and vjp:
                            record(op, result, (input, other))
                        return result
                elif cls in kind.scalars and numbers != "none":
                    try:
                        array = kernels[kind.place](input._array, other)  # type: ignore[misc]
                    except Exception:
                        return dispatch(op, (input, other))
                    result = wrap(array, kind.family[_bool] if boolean else kind)
                    if input._node is not None and modes.grad and vjp:
                        record(op, result, (input, other))
                    return result
            if not isinstance(other, operands):
                return refuse(other)
            return deliver(name, dispatch(op, (input, other)), out)

        return entry

    return publish(
        op,
        make(lambda other: _refuse(op, other)),
        _binary_in_place(op, places(kernel), operands, not boolean, _refusal_in_place(op)),
        of_two(op, doc, numbers, boolean),
        f"{name} {name}_" if methods is None else methods,
        operator=make(_foreign),
        operator_in_place=_binary_in_place(op, places(kernel), operands, not boolean, _foreign),
    )


def _shortcut(op: Op) -> int:
    """The categories of dtypes whose tensors the shortcuts take: those without promotion."""
    return op.accepts & 12 if op.promote == "float" else op.accepts


def _refuse(op: Op, other: Any) -> Any:
    raise not_a_tensor(op.name, op.inputs[1], 2, other)


def _foreign(other: Any) -> Any:
    """What a Python operator answers to an operand of a type that it does not know."""
    return NotImplemented


def _number_first(op: Op, input: Any, other: Any, numbers: str) -> Any:
    if numbers not in ("either", "both") or not isinstance(input, NUMBERS):
        raise not_a_tensor(op.name, "input", 1, input)
    if not isinstance(other, OPERANDS if numbers == "both" else Tensor):
        raise not_a_tensor(op.name, "other", 2, other)
    return dispatch(
        op, (input, other) if isinstance(other, Tensor) else (wrap_number(input), other)
    )


def _refusal_in_place(op: Op) -> Function:
    def refuse(other: Any) -> Any:
        raise not_a_tensor(f"{op.name}_", op.inputs[1], 1, other)

    return refuse


def _binary_in_place(
    op: Op, kernels: list[Any], operands: tuple[type, ...], keeps_kind: bool, refuse: Function
) -> Function:
    """The in-place form: a ufunc writes straight into the array where nothing is recorded."""
    direct = isinstance(kernels[0], numpy.ufunc) and keeps_kind
    short = _shortcut(op) if direct else 0

    def in_place(input: Tensor, other: Tensor | complex) -> Tensor:
        kind = input._kind
        cls = type(other)
        if (
            kind is not None
            and kind.category & short
            and input._base is None
            and not flags.active
            and kind.place != META
            and (input._node is None or not modes.grad)
        ):
            if cls is Tensor or cls is Parameter:
                same = kind is other._kind and (  # type: ignore[union-attr]
                    other._node is None or not modes.grad  # type: ignore[union-attr]
                )
                value = other._array  # type: ignore[union-attr]
            else:
                same, value = cls in kind.scalars and Tensor is not operands[-1], other
            if same:
                array = input._array
                try:
                    kernels[kind.place](array, value, array)  # type: ignore[misc]
                except Exception:
                    return mutate(op, (input, other))
                bump(input)
                return input
        if not isinstance(other, operands):
            return refuse(other)
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
    check: Function | None = None,
    accepts: str = "bifc",
    doc: str = "",
    node: str | None = None,
) -> Function:
    """``ufunc(input, alpha * other)``: ``add`` and ``sub``; ``kernel`` takes ``alpha`` too."""
    # The common case, alpha = 1, has nothing to save.
    unscaled = Op(name, ufunc, inputs=("input", "other"), node=node, jvp=LINEAR, batch=POINTWISE,
                  vjp={"input": _at_one(input), "other": _at_one(other)})  # fmt: skip
    op = Op(name, kernel, inputs=("input", "other"), params=("alpha",),
            vjp={"input": input, "other": other}, jvp=LINEAR, batch=POINTWISE, accepts=accepts,
            shape=pointwise_shape(kernel), promote="same", check=check, widen=True,
            node=node)  # fmt: skip
    kernels = places(ufunc)
    kernels[META] = lambda x, y: op.kernels[META](x, y, 1)  # type: ignore[misc]
    short = _shortcut(op)

    def make(refuse: Function) -> Function:
        def entry(
            input: Tensor, other: Tensor | complex, scaled: Tensor | None = None, *,
            alpha: complex = 1, out: Tensor | None = None,
        ) -> Tensor:  # fmt: skip
            if scaled is not None:
                alpha, other = number_first(name, (other, scaled), alpha)
            try:
                kind = input._kind
            except AttributeError:
                return deliver(name, _scaled_number_first(op, input, other, alpha), out)
            cls = type(other)
            if (
                kind is not None
                and alpha == 1
                and kind.category & short
                and out is None
                and not flags.active
            ):
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
                            record(unscaled, result, (input, other))
                        return result
                elif cls in kind.scalars:
                    try:
                        array = kernels[kind.place](input._array, other)  # type: ignore[misc]
                    except (TypeError, OverflowError):
                        return dispatch(op, (input, other), _UNSCALED)
                    result = wrap(array, kind)
                    if input._node is not None and modes.grad:
                        record(unscaled, result, (input, other))
                    return result
            if not isinstance(other, OPERANDS):
                return refuse(other)
            return deliver(name, dispatch(op, (input, other), (plain_number(alpha),)), out)

        return entry

    return publish(
        op,
        make(lambda other: _refuse(op, other)),
        _scaled_in_place(op, kernels, _refusal_in_place(op)),
        of_two(op, doc, "other"),
        methods,
        operator=make(_foreign),
        operator_in_place=_scaled_in_place(op, kernels, _foreign),
    )


def _scaled_in_place(op: Op, kernels: list[Any], refuse: Function) -> Function:
    """The in-place form of ``add`` and ``sub``: ufuncs write straight into the array."""
    scale = places(numpy.multiply)
    short = _shortcut(op) if isinstance(kernels[0], numpy.ufunc) else 0

    def in_place(
        input: Tensor, other: Tensor | complex, scaled: Tensor | None = None, *, alpha: complex = 1
    ) -> Tensor:
        if scaled is not None:
            alpha, other = number_first(f"{op.name}_", (other, scaled), alpha)
        kind = input._kind
        cls = type(other)
        if (
            kind is not None
            and kind.category & short
            and input._node is None
            and input._base is None
            and not flags.active
            and kind.place != META
        ):
            if cls is Tensor or cls is Parameter:
                same = kind is other._kind and other._node is None  # type: ignore[union-attr]
                value = other._array  # type: ignore[union-attr]
            else:
                same, value = cls in kind.scalars, other
            if same and (alpha == 1 or type(alpha) in kind.scalars):
                array = input._array
                try:
                    if alpha != 1:
                        value = scale[kind.place](value, alpha)  # type: ignore[misc]
                    kernels[kind.place](array, value, array)  # type: ignore[misc]
                except Exception:
                    return mutate(op, (input, other), (alpha,))
                bump(input)
                return input
        if not isinstance(other, OPERANDS):
            return refuse(other)
        return mutate(op, (input, other), (plain_number(alpha),))

    return in_place


def _at_one(rule: Rule) -> Rule:
    """A rule of ``alpha`` when ``alpha`` is 1."""
    return (lambda grad: rule(grad, 1)) if wants(rule) else rule


def _scaled_number_first(op: Op, input: Any, other: Any, alpha: Any) -> Any:
    if not isinstance(input, NUMBERS):
        raise not_a_tensor(op.name, "input", 1, input)
    first = input if isinstance(other, Tensor) else wrap_number(input)
    return dispatch(op, (first, other), (plain_number(alpha),))


def wrap_number(value: complex) -> Tensor:
    """A Python number as a tensor without dimensions of the dtype that it stands for."""
    kind = CPU_KINDS[result_dtype(value)]
    return wrap(number_array(value, kind), kind)


def plain_number(value: Any) -> Any:
    """The Python number of a parameter, which may be given as a tensor of one element."""
    return value.item() if isinstance(value, Tensor) else value


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
            shape=reduced if takes_integers else reduced_as_int64, promote=promote,
            widen=True)  # fmt: skip
    kernels = op.kernels

    def entry(
        input: Tensor,
        dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False,
        *,
        dtype: Any = None,
        out: Tensor | None = None,
        axis: Any = None,
        keepdims: bool | None = None,
    ) -> Tensor:
        try:
            kind = input._kind
        except AttributeError:
            raise not_a_tensor(name, "input", 1, input) from None
        if axis is not None:
            dim = chosen(name, "axis", axis, dim)
        if keepdims is not None:
            keepdim = chosen(name, "keepdims", keepdims, keepdim, False)
        if dtype is not None and not (dtype is input.dtype and dtype.rank > 1):
            return deliver(name, entry(input.to(dtype), dim, keepdim).to(dtype), out)  # type: ignore
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


def reduced_as_int64(array: Any, dims: tuple[int, ...] | None, keepdim: bool) -> Any:
    """The shape rule of reductions that count integers and bools in int64."""
    of = array.dtype if array.dtype.kind in "fcV" else numpy.dtype(numpy.int64)
    return reduced(array, dims, keepdim), of


def pointwise_shape(kernel: Function) -> Rule:
    """The shape rule of pointwise operators: broadcast shapes, and the dtype of one element."""

    def shape(*arrays: Any) -> tuple[tuple[int, ...], Any, tuple[int, ...] | None]:
        operands = [a for a in arrays if hasattr(a, "dtype")]
        elements = [numpy.ones((), a.dtype) if hasattr(a, "dtype") else a for a in arrays]
        size, of = numpy.broadcast_shapes(*[a.shape for a in operands]), kernel(*elements).dtype
        return size, of, result_strides(size, of, operands)

    return shape


silence(globals())
