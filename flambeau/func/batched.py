"""``Batched``: a tensor one of whose dimensions is hidden from the function being mapped.

The hidden dimension is always the first of ``value``. An operator called with a batched tensor is
called once, on the values, by its batching rule; the rules of families are here, those of other
operators stand with their declarations. An operator without a rule runs example by example, and
says so.
"""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.core.dispatch import dispatch
from flambeau.core.modes import modes
from flambeau.core.op import FOLDED, LEADING, POINTWISE, Op
from flambeau.core.tensor import Tensor
from flambeau.core.virtual import virtual
from flambeau.func.histories import leaf
from flambeau.func.levels import Special, outside
from flambeau.func.trees import flatten, unflatten
from flambeau.ops.examples import counts
from flambeau.ops.factories import sizes
from flambeau.ops.joining import stack

_DIMS = frozenset({"dim", "dims", "dim0", "dim1", "dim2"})


class Batched(Special):
    """A tensor with a hidden first dimension, at one level of nesting."""

    __slots__ = ("level", "value")

    value: Tensor
    level: int
    hidden = 1
    _flips = property(lambda self: self.value._flips)  # type: ignore[assignment]

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        """The call on the values of the batched tensors of this level."""
        level, size = self.level, self.value.shape[0]
        is_batched = [type(t) is Batched and t.level == level for t in tensors]
        values = [t.value if b else t for t, b in zip(tensors, is_batched)]
        return wrap_all(_run(op, values, is_batched, size, params, level), level)

    def alike(self, make: Any, size: Any = ()) -> Batched:
        """What ``make`` makes of the values, and of a size with the hidden dimension in front."""
        shape = sizes("size", size) if size else ()
        return batched(make(self.value, ((self.value.shape[0], *shape),)), self.level)

    def absorb(self, result: Tensor) -> Tensor:
        """Takes the values of an in-place operation's result."""
        if type(result) is Batched and result.level == self.level:
            self.value.copy_(result.value)  # type: ignore[attr-defined]
        else:
            self.value.copy_(result)  # type: ignore[attr-defined]
        self._node = self.value._node
        return self

    def seize(self, target: Tensor) -> Tensor:
        """Refused: a tensor that is not mapped has no place for the examples."""
        raise RuntimeError(
            "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a "
            "Tensor `other` in extra_args that has more elements than `self`. This happened due to "
            "`other` being vmapped over but `self` not being vmapped over at level "
            f"{self.level}. Please try to use out-of-place operators instead of inplace "
            "arithmetic. If said operator is being called inside the PyTorch framework, please "
            "file a bug report instead."
        )

    def detach(self) -> Batched:
        """The same values without history."""
        return batched(self.value.detach(), self.level)  # type: ignore[attr-defined]

    def rewrap(self, value: Tensor) -> Batched:
        """Another tensor of this level."""
        return batched(value, self.level)

    @property
    def parts(self) -> tuple[Tensor, ...]:  # type: ignore[override]
        """The values of all examples."""
        return (self.value,)

    @property
    def mapped(self) -> int:  # type: ignore[override]
        """The level of the vmap that maps it."""
        return self.level

    @property
    def inside(self) -> Tensor:  # type: ignore[override]
        """The values of all examples."""
        return self.value

    def leaf(self) -> Batched:
        """The same values as a leaf to differentiate with respect to.

        What was the same for all examples is copied: their gradients differ, and rules take one
        example of what they find expanded for all.
        """
        value: Any = self.value
        return batched(leaf(value if value.stride(0) else value.clone()), self.level)

    def take_in(self, weight: Tensor) -> Tensor:
        """A weight of this tensor as a weight of all values."""
        if type(weight) is Batched and weight.level == self.level:
            return weight.value
        return _expanded(weight, self.value.shape[0])

    def let_out(self, value: Tensor) -> Tensor:
        """Values of all examples, with their first dimension hidden."""
        return batched(value, self.level)

    def each(self, function: Any, given: int = 0, made: int = 0) -> Tensor:
        """A function of tensors of lower levels, of the values of all examples."""
        value = self.value.movedim(0, given) if given else self.value  # type: ignore[attr-defined]
        result = function(value)
        return batched(result.movedim(made, 0) if made else result, self.level)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Refused: gradients inside of transforms are those of ``torch.func``."""
        raise RuntimeError(
            "You are attempting to call Tensor.requires_grad_() (or perhaps using "
            "torch.autograd.functional.* APIs) inside of a function being transformed by a "
            "functorch transform. This is unsupported, please attempt to use the functorch "
            "transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call requires_grad_() "
            "outside of a function being transformed instead."
        )

    def __repr__(self) -> str:  # type: ignore[override]
        return f"BatchedTensor(lvl={self.level}, bdim=0, value=\n{self.value!r}\n)"

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over "
            "calling .item() on a Tensor, please try to rewrite what you're doing with other "
            "operations. If error is occurring somewhere inside PyTorch internals, please file "
            "a bug "
            "report."
        )

    def _refuse_control_flow(self) -> bool:
        raise RuntimeError(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control "
            "flow. We don't support that yet, please file an issue at "
            "https://github.com/pytorch/pytorch/issues ."
        )

    def _refuse_memory(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def _refuse_storage(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("Cannot access storage of BatchedTensorImpl")

    def _refuse_size(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("vmap: a mapped tensor cannot be resized in place")

    item = __float__ = __int__ = __index__ = __complex__ = _refuse
    __bool__ = _refuse_control_flow
    tolist = numpy = __array__ = data_ptr = _refuse_memory
    storage = untyped_storage = __deepcopy__ = _refuse_storage
    resize_ = resize_as_ = _refuse_size


def batched(value: Tensor, level: int) -> Batched:
    """A tensor whose first dimension is hidden."""
    made = object.__new__(Batched)
    made.value, made.level = value, level
    array = value._array
    made._array = virtual(array.shape[1:], array.dtype, array.strides[1:])
    made._kind, made._hidden_kind = None, value.kind
    made._node, made._base, made._writes = value._node, None, None
    return made


def mapped_over(value: Tensor, size: int, level: int) -> Batched:
    """A tensor that is the same for all examples as one of a level."""
    return batched(_expanded(value, size), level)


def wrap_all(result: Any, level: int) -> Any:
    """Results of a call on values, with their first dimension hidden again."""
    if isinstance(result, tuple | list):
        return type(result)([wrap_all(r, level) for r in result])
    return batched(result, level) if isinstance(result, Tensor) else result


# ---- rules


def _run(
    op: Op, values: list[Any], is_batched: list[bool], size: int, params: tuple[Any, ...],
    level: int,
) -> Any:  # fmt: skip
    rule = op.batch_rule
    if op.random:
        return _random(op, values, is_batched, size, params)
    if rule == POINTWISE:
        return dispatch(op, tuple(_aligned(values, is_batched)), params)
    full = [
        v if b or not isinstance(v, Tensor) else _expanded(v, size)
        for v, b in zip(values, is_batched)
    ]
    if rule == LEADING:
        return dispatch(op, tuple(full), params)
    if rule == FOLDED:
        return _folded(op, full, size, params)
    if callable(rule):
        result = rule(op, *([full] if op.variadic else full), *params)
    else:
        result = _by_dims(op, full, size, params)
    return _looped(op, full, size, params, level) if result is NotImplemented else result


def _by_dims(op: Op, values: list[Any], size: int, params: tuple[Any, ...]) -> Any:
    """The call with the dimensions among its parameters moved by one."""
    first = next(v for v in values if isinstance(v, Tensor))
    scalar = first.ndim == 1  # such examples have a dimension nevertheless
    if scalar:
        values = [v.unsqueeze(1) if isinstance(v, Tensor) and v.ndim == 1 else v for v in values]
    shifted = _shifted(op, params)
    if shifted is None:
        return NotImplemented
    result = dispatch(op, tuple(values), shifted)
    if not scalar:
        return result
    several = isinstance(result, tuple | list)
    flat = [r.reshape(-1) for r in (result if several else (result,))]
    if any([r.shape[0] != size for r in flat]):
        return NotImplemented
    return tuple(flat) if several else flat[0]


def _expanded(value: Tensor, size: int) -> Tensor:
    return value.unsqueeze(0).expand(size, *value.shape)  # type: ignore[attr-defined]


def _aligned(values: list[Any], is_batched: list[bool]) -> list[Any]:
    """Values of equal rank behind the hidden dimension, so that they broadcast."""
    rank = max([v.ndim - b for v, b in zip(values, is_batched) if isinstance(v, Tensor)])
    aligned = []
    for value, hidden in zip(values, is_batched):
        missing = rank - (value.ndim - 1) if hidden else 0
        if missing:
            shape = [value.shape[0], *[1] * missing, *value.shape[1:]]
            value = value.reshape(shape)
        aligned.append(value)
    return aligned


def _shifted(op: Op, params: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The parameters with the dimensions among them moved by one; None where there are none."""
    if not (op.n_dims or _DIMS.intersection(op.params)):
        return None
    moved = []
    for index, (name, value) in enumerate(zip(op.params, params)):
        if index >= op.n_dims and name not in _DIMS:
            moved.append(value)
        elif value is None:
            return None
        else:
            # A number has no dimensions to reduce, but comes as a vector of one element.
            moved.append(
                value + 1 if isinstance(value, int) else tuple([d + 1 for d in value]) or (1,)
            )
    return tuple(moved)


def _folded(op: Op, values: list[Any], size: int, params: tuple[Any, ...]) -> Any:
    """The hidden dimension and the first one as one, and apart again in the results."""
    flat = tuple([v.flatten(0, 1) if isinstance(v, Tensor) else v for v in values])
    result = dispatch(op, flat, params)
    if isinstance(result, tuple | list):
        return tuple([r.unflatten(0, (size, -1)) for r in result])
    return result.unflatten(0, (size, -1))


def _random(
    op: Op, values: list[Any], is_batched: list[bool], size: int, params: tuple[Any, ...]
) -> Any:
    """Random operators: one draw for all examples, or one for each."""
    counts()
    rule = op.batch_rule
    if modes.batches[-1].randomness == "same" and rule is None:
        raise RuntimeError(
            "Vmap does not currently support same randomness with a batched tensor input. "
            "Please file "
            "an issue with functorch"
        )
    full = [
        v if b or not isinstance(v, Tensor) else _expanded(v, size)
        for v, b in zip(values, is_batched)
    ]
    return rule(op, *full, *params) if callable(rule) else dispatch(op, tuple(full), params)


def loop(function: Any, *args: Any, **kwargs: Any) -> Any:
    """The call of a function that asks for elements example by example, and its results stacked."""
    _warn_slow(function.__name__)
    values, spec = flatten((args, kwargs))
    level = max([v.mapped for v in values if isinstance(v, Tensor)])
    size = next(s for s in [_size_at(v, level) for v in values] if s is not None)
    rows, made = [], None
    with outside(level):
        for i in range(size):
            inner, named = unflatten(spec, [_example(v, level, i) for v in values])
            row, made = flatten(function(*inner, **named))
            rows.append(row)
    return unflatten(made, [_together(list(column), level) for column in zip(*rows)])


def _size_at(value: Any, level: int) -> int | None:
    """How many examples of a level a value has."""
    if type(value) is Batched and value.level == level:
        return value.value.shape[0]
    if isinstance(value, Special) and value.mapped == level:
        return next(s for s in [_size_at(p, level) for p in value.parts] if s is not None)
    return None


def _example(value: Any, level: int, i: int) -> Any:
    if type(value) is Batched and value.level == level:
        return value.value[i]  # type: ignore[index]
    if isinstance(value, Special) and value.level > level:
        return value.each(lambda part: _example(part, level, i))
    return value


def _together(rows: list[Any], level: int) -> Any:
    return _hidden(stack(rows), level) if isinstance(rows[0], Tensor) else rows[0]


def _hidden(value: Any, level: int) -> Any:
    if value.level > level:
        return value.each(lambda part: _hidden(part, level))
    return batched(value, level)


def _looped(op: Op, values: list[Any], size: int, params: tuple[Any, ...], level: int) -> Any:
    """The call example by example."""
    _warn_slow(op.name)
    with outside(level):
        rows = [
            dispatch(op, tuple([v[i] if isinstance(v, Tensor) else v for v in values]), params)
            for i in range(size)
        ]
    if isinstance(rows[0], tuple):
        return tuple([_stacked(column) for column in zip(*rows)])
    return _stacked(rows)


def _stacked(rows: Any) -> Any:
    return stack(list(rows)) if isinstance(rows[0], Tensor) else rows[0]


_warned: set[str] = set()


def _warn_slow(name: str) -> None:
    if name not in _warned:
        _warned.add(name)
        warnings.warn(
            "There is a performance drop because we have not yet implemented the batching rule for "
            f"aten::{name}. Please file us an issue on GitHub so that we can prioritize its "
            "implementation.",
            stacklevel=6,
        )
