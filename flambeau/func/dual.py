"""``Dual``: a tensor with its tangent, for forward-mode differentiation.

An operator called with dual tensors computes its result and the tangent of its result: by its
tangent rule, by the family's (linear operators apply themselves to the tangents; pointwise ones
push tangents through their gradient formulas), or by differentiating its gradient with respect to
the weight of the gradient (J. Townsend, "A new trick for calculating Jacobian vector products").
"""

from __future__ import annotations

from typing import Any

from flambeau.autograd.grad_mode import enable_grad
from flambeau.core.dispatch import dispatch
from flambeau.core.flips import flip, memory_of
from flambeau.core.graph import Leaf, Node, make_leaf, record, record_outputs
from flambeau.core.modes import modes
from flambeau.core.op import LINEAR, POINTWISE, Op, wants
from flambeau.core.tensor import Tensor, share_version
from flambeau.core.views import become, history
from flambeau.func.histories import leaf, pull
from flambeau.func.levels import Special, level_of, lifted
from flambeau.ops.creation import zeros_like
from flambeau.ops.pointwise.rules import conj


class Dual(Special):
    """A tensor and its tangent, at one level of nesting.

    Histories are those of the primals, unless a gradient was asked for inside of the forward mode:
    then the dual tensors themselves are ``tracked``, and gradients are dual too.
    """

    __slots__ = ()  # what it has is in __dict__, so that a plain tensor can become dual

    primal: Tensor
    tangent: Tensor
    level: int
    tracked: bool
    own: Node | None = None  # the history of a tracked one
    hidden = 0
    _flips = property(lambda self: self.primal._flips)  # type: ignore[assignment]

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        """The call on the primals, and the tangents of its results."""
        mine = [type(t) is Dual and t.level == self.level for t in tensors]
        primals = tuple([t.primal if d else t for t, d in zip(tensors, mine)])
        tangents = [t.tangent if d else None for t, d in zip(tensors, mine)]
        result = dispatch(op, primals, params)
        pushed = push(op, primals, tangents, params, result, self.level)
        if any([pushed is t for t in tangents if t is not None]):
            pushed = pushed.clone()  # a write to the result leaves the operand alone
        paired = _paired(op, result, pushed, self.level)
        if modes.grad and any([type(t) is Dual and t.tracked for t in tensors]):
            _track(op, paired, tensors, params)
        return paired

    @property
    def _node(self) -> Node | None:  # type: ignore[override]
        return self.own if self.tracked else history(self.primal)

    @_node.setter
    def _node(self, node: Node | None) -> None:
        self.own = node

    _writes = property(lambda self: share_version(self.primal))  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Tensor, ...]:  # type: ignore[override]
        """The primal and the tangent."""
        return self.primal, self.tangent

    @property
    def mapped(self) -> int:  # type: ignore[override]
        """The level of the innermost vmap that maps the primal or the tangent."""
        return max(self.primal.mapped, self.tangent.mapped)

    @property
    def inside(self) -> Tensor | None:  # type: ignore[override]
        """The primal, unless this tensor is tracked."""
        return None if self.tracked else self.primal

    def leaf(self) -> Dual:
        """The same values and tangents as a leaf at which dual gradients arrive."""
        if self.tracked:
            return self.view_as(self)  # type: ignore[attr-defined]
        made = dual(self.primal, self.tangent, self.level)
        made.tracked, made._node = True, make_leaf(made)
        return made

    def before(self) -> Tensor:
        """The same values, tangents and history."""
        history(self)  # renews it
        made = super().before()
        if made is not self:
            made.tracked, made.own = self.tracked, self.own  # type: ignore[attr-defined]
        return made

    def take_in(self, weight: Tensor) -> Tensor:
        """A weight of this tensor as a weight of its primal."""
        return weight.primal if type(weight) is Dual and weight.level == self.level else weight

    def let_out(self, value: Tensor) -> Tensor:
        """A gradient of the primal as it is: it has no tangent."""
        return value

    def each(self, function: Any, given: int = 0, made: int = 0) -> Tensor:
        """A function of tensors of lower levels, of the primal and the tangent."""
        return dual(function(self.primal), function(self.tangent), self.level)

    def requires_grad_(self, requires_grad: bool = True) -> Dual:
        """Asks for gradients inside of the forward mode: they will be dual.

        Those of tangents end here too, as tangents are computed from the primal.
        """
        if requires_grad and self._node is None:
            self._node = self.primal._node = make_leaf(self)
            self.tracked = True
        elif not requires_grad:
            self.tracked, self.primal._node = False, None
        return self

    def detach(self) -> Dual:
        """The same values and tangents without history."""
        return dual(self.primal.detach(), self.tangent.detach(), self.level)  # type: ignore

    def alike(self, make: Any, size: Any = ()) -> Tensor:
        """What ``make`` makes of the primal: it does not move."""
        return make(self.primal, size)

    def absorb(self, result: Tensor) -> Tensor:
        """Takes the values and tangents of an in-place operation's result."""
        if type(result) is not Dual or result.level != self.level:
            result = constant(result, self.level)
        self.primal.copy_(result.primal)  # type: ignore[attr-defined]
        self.tangent = _moved(self.tangent, result.tangent)
        if result.tracked:
            for one in (self, self._base):
                if one is not None:
                    one.tracked = True  # type: ignore[attr-defined]
            become(self, result)
        return self

    def seize(self, target: Tensor) -> Tensor:
        """Makes a plain tensor that is overwritten with this one dual, and the base of a view."""
        base = target._base
        if base is None:
            _turn_dual(target, self.level)
            return target.absorb(self)
        if type(base) is Tensor:
            _turn_dual(base, self.level)
        place = target.shape, target.stride(), target.storage_offset()  # type: ignore
        base.tangent = base.tangent.as_strided_scatter(self.tangent, *place)  # type: ignore
        _turn_dual(target, self.level, base.tangent.as_strided(*place))  # type: ignore
        return target.absorb(self)


def dual(primal: Tensor, tangent: Tensor, level: int) -> Dual:
    """A tensor with a tangent."""
    made = object.__new__(Dual)
    _fill(made, primal, tangent, level)
    return made


def _fill(made: Dual, primal: Tensor, tangent: Tensor, level: int) -> None:
    made.primal, made.tangent, made.level, made.tracked = primal, tangent, level, False
    made._array, made._kind, made._hidden_kind = primal._array, None, primal.kind
    made._base = None


def _turn_dual(target: Tensor, level: int, tangent: Tensor | None = None) -> None:
    """Makes a plain tensor dual in place: what it was becomes the primal."""
    if type(target) is not Tensor:
        raise RuntimeError(f"a {type(target).__name__} cannot be overwritten with dual numbers")
    base = target._base
    primal = memory_of(target, target._array)
    primal._base = base.primal if type(base) is Dual else None
    flip(primal, target._flips)
    target.__class__ = Dual
    target.__dict__.clear()
    _fill(target, primal, zeros_like(primal) if tangent is None else tangent, level)
    target._base = base


def _moved(old: Tensor, new: Tensor) -> Tensor:
    """A tangent overwritten in place, so that views of it see it, where that is possible."""
    leaf = modes.grad and type(old._node) is Leaf
    if leaf or level_of(new) > level_of(old) or 0 in old._array.strides:
        return new.clone()  # type: ignore[attr-defined]
    return old.copy_(new)  # type: ignore[attr-defined]


def constant(value: Tensor, level: int) -> Dual:
    """A tensor that does not move."""
    return dual(value, zeros_like(value), level)


def _track(op: Op, result: Any, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> None:
    """Records a call on dual tensors themselves."""
    results = result if isinstance(result, tuple | list) else (result,)
    for one in results:
        if type(one) is Dual:
            one.tracked = True
            if op.view:
                one._base = tensors[0] if tensors[0]._base is None else tensors[0]._base
    if op.outputs == 1:
        if type(result) is Dual:
            record(op, result, tensors, params)
    else:
        record_outputs(op, tuple(results), tensors, params)


def _paired(op: Op, result: Any, tangent: Any, level: int) -> Any:
    if isinstance(result, tuple | list):
        parts = [
            dual(r, t, level) if t is not None else r
            for r, t in zip(result, tangent or (None,) * len(result))
        ]
        return type(result)(parts)
    return result if tangent is None else dual(result, tangent, level)


def push(
    op: Op, primals: tuple[Any, ...], tangents: list[Any], params: tuple[Any, ...], result: Any,
    level: int,
) -> Any:  # fmt: skip
    """The tangent of each result; None where it has none."""
    rule = op.jvp_rule
    first = result[0] if isinstance(result, tuple | list) else result
    if not (op.formulas or op.joint) and not callable(rule) and rule != LINEAR:
        return None
    if isinstance(first, Tensor) and not first.kind.floating:
        return None
    if rule == LINEAR:
        moved = [_of_linear(op, t, p) for t, p in zip(tangents, primals)]
        return dispatch(op, tuple(moved), params)
    if rule == POINTWISE and op.formulas:
        return _pointwise(op, primals, tangents, params, result)
    if callable(rule):
        return _by_rule(op, rule, primals, tangents, params, result)
    return _twice(op, primals, tangents, params, result, level)


def _or_zero(tangent: Any, primal: Any) -> Any:
    if tangent is not None:
        return tangent
    return zeros_like(primal) if isinstance(primal, Tensor) else 0 if primal is not None else None


def _of_linear(op: Op, tangent: Any, primal: Any) -> Any:
    """What a linear operator is applied to: indices and masks stay what they are."""
    if tangent is None and isinstance(primal, Tensor) and op.promote is None:
        return zeros_like(primal) if primal.kind.floating else primal
    return _or_zero(tangent, primal)


def _environment(op: Op, primals: Any, tangents: Any, params: Any, result: Any) -> dict[str, Any]:
    names = dict(zip(op.inputs, primals)) | dict(zip(op.params, params))
    shapes = {f"{n}_shape": p.shape for n, p in zip(op.inputs, primals) if isinstance(p, Tensor)}
    several = isinstance(result, tuple | list)
    results = {f"result{i}": r for i, r in enumerate(result)} if several else {"result": result}
    moved = {f"{n}_t": _or_zero(t, p) for n, t, p in zip(op.inputs, tangents, primals)}
    return names | shapes | results | moved | {"needs": tuple([t is not None for t in tangents])}


def _pointwise(op: Op, primals: Any, tangents: Any, params: Any, result: Any) -> Any:
    """A diagonal Jacobian is its own transpose: tangents go through the gradient formulas."""
    known, total = _environment(op, primals, tangents, params, result), None
    for name, tangent in zip(op.inputs, tangents):
        formula = op.formulas.get(name)
        if tangent is None or formula is None:
            continue
        if tangent.shape != result.shape:
            tangent = tangent.expand(result.shape)
        real = tangent.dtype.is_complex and not result.dtype.is_complex
        if tangent.kind is not result.kind and not real:
            tangent = tangent.to(result.dtype)
        term = formula(conj(tangent), *[known[n] for n in wants(formula)])
        term = None if term is None else conj(term)
        if real and term is not None:
            term = term.real
        total = term if total is None else total if term is None else total + term
    return zeros_like(result) if total is None else total


def _by_rule(op: Op, rule: Any, primals: Any, tangents: Any, params: Any, result: Any) -> Any:
    known = _environment(op, primals, tangents, params, result)
    pushed = rule(*[known[n] for n in wants(rule)])
    if op.outputs == 1 or not isinstance(pushed, Tensor):
        return pushed
    return tuple([pushed if i == op.main_output else None for i in range(len(result))])


def _twice(op: Op, primals: Any, tangents: Any, params: Any, result: Any, level: int) -> Any:
    """The tangents by differentiating the gradient, which is linear in its weight."""
    moves = [t for t in tangents if t is not None]
    with enable_grad():
        leaves = [p if t is None else leaf(lifted(p, level)) for p, t in zip(primals, tangents)]
        outputs = dispatch(op, tuple(leaves), params)
        several = isinstance(outputs, tuple | list)
        results = list(outputs) if several else [outputs]
        moving = [i for i, r in enumerate(results) if isinstance(r, Tensor) and r._node is not None]
        weights = [leaf(lifted(zeros_like(results[i]), level)) for i in moving]
        inputs = [one for one, t in zip(leaves, tangents) if t is not None]
        pulled = pull([results[i] for i in moving], weights, inputs)
        pairs = [(g, t) for g, t in zip(pulled, moves) if g is not None and g.requires_grad]  # type: ignore
        pushed = pull([g for g, _ in pairs], [t for _, t in pairs], weights)
    given = [v for v in (*primals, *tangents) if isinstance(v, Tensor)]
    followed = any([v.requires_grad for v in given])  # type: ignore[attr-defined]
    made: list[Any] = [None] * len(results)
    for i, t in zip(moving, pushed):
        if t is None:
            t = zeros_like(results[i])
        made[i] = t if followed else t.detach()
    return made if several else made[0]
