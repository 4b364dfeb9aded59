"""``Op``: everything the library knows about one operation, declared once."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from flambeau.core.dispatch import dispatch, number_array
from flambeau.core.dtype import dtype, scalar_name
from flambeau.core.graph import (
    INPUT,
    LITERAL,
    NOTHING,
    PARAM,
    RESULT,
    SHAPE,
    TWICE,
    Node,
    record,
    unsaved,
)
from flambeau.core.modes import flags, modes
from flambeau.core.tensor import Parameter, Tensor, wrap
from flambeau.core.virtual import virtual, virtual_like
from flambeau.kernels.select import META, places

Rule = Callable[..., Any]
REGISTRY: dict[str, Op] = {}

# Tangents and batches that a family derives instead of a rule.
LINEAR = "linear"  # the op applied to the tangents
LEADING = "leading"  # batching rule: the kernel treats all leading dimensions as a stack
FOLDED = "folded"  # batching rule: the hidden dimension joins the first, the batch of images
POINTWISE = "pointwise"  # the vjp formulas push tangents; batches are aligned by rank
UNUSED = "unused"  # of ``Op.linked``: to all inputs, as histories that find them unused
SAME = "same"  # shape rule: the result has the shape of the first input


def in_order(array: Any, *rest: Any) -> tuple[int, ...]:
    """Shape rule: the result has the shape of the first input, laid out in C order."""
    return array.shape


class Op:
    """One operation: ``forward(*arrays, *params)`` computes, the rules differentiate and predict.

    A rule receives exactly the values its parameters name: ``grad``, an input, a parameter,
    ``result`` (``result0``, ``result1``, ... of several), ``<input>_shape``, ``needs`` (which
    inputs' gradients are asked for), in a tangent rule also ``<input>_t``. The graph keeps what
    the rules of the inputs that require gradients name, and nothing else.

    * ``inputs``: the names of the tensor arguments. A single name with a star (``"*tensors"``)
      stands for any number of tensors: rules named ``tensors`` receive them all as a list, and
      return a list.
    * ``dims`` and ``params``: the other arguments in order; ``dims`` are dimensions, wrapped to
      be non-negative and checked when the Op is called.
    * ``vjp``: a formula per input (``{"input": lambda grad, other: grad * other}``), or one
      function that returns the gradients of all inputs.
    * ``jvp``: ``LINEAR``, ``POINTWISE`` or a function.
    * ``batch``: ``POINTWISE`` or a function; ops with ``dims`` derive it.
    * ``shape``: ``SAME`` or a function ``(*arrays, *params)`` of arrays without memory that
      returns the shape, ``(shape, NumPy dtype)`` or ``(shape, NumPy dtype, strides in bytes)`` of
      each result. Without one, the kernel itself is run on zeros.
    * ``promote``: ``"same"`` brings all inputs to their common dtype, ``"float"`` also makes
      integers floating, None leaves them alone.
    * ``accepts``: the categories of dtypes it computes in, of b(ool), i(nteger), f(loating) and
      c(omplex); others are refused with ``refusal``: the name of the kernel in PyTorch's message,
      or a function of the dtype that makes the error.
    * ``empties``: whether it takes tensors without elements of every dtype: there is nothing to
      compute.
    * ``check``: a function of the operands as they were given, which raises for what it refuses.
    * ``widen``: narrow floats (float16, bfloat16, float8) are computed in float32, rounded once.
    * ``outputs``: the number of results, or None for a variable number.
    * ``differentiable``: which of several results have gradients (all by default). With exactly
      one, rules receive its gradient as ``grad``; else a tuple, None where there is none.
    * ``view``: results share the memory of the first input.
    * ``flips``: what a view adds to what is to be done when elements are read: ``conj``.
    """

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *,
        inputs: tuple[str, ...] | str = ("input",),
        dims: tuple[str, ...] = (),
        params: tuple[str, ...] = (),
        vjp: dict[str, Rule] | Rule | None = None,
        jvp: str | Rule | None = None,
        batch: str | Rule | None = None,
        shape: str | Rule | None = None,
        promote: str | None = None,
        accepts: str = "bifc",
        refusal: str | Callable[[dtype], Exception] | None = None,
        empties: bool = False,
        check: Callable[..., None] | None = None,
        widen: bool = False,
        outputs: int | None = 1,
        differentiable: tuple[int, ...] | None = None,
        view: bool = False,
        flips: int = 0,
        node: str | None = None,
        doc: str | None = None,
    ) -> None:
        self.name, self.forward, self.kernels = name, forward, places(forward)
        self.random = "generator" in params
        # Whether gradients without a history are linked to the inputs (autograd/links.py): by
        # default to those that the rules name.
        self.linked: bool | str | None = None
        self.variadic = isinstance(inputs, str)
        self.inputs = (inputs.lstrip("*"),) if isinstance(inputs, str) else inputs
        self.params, self.n_dims = dims + params, len(dims)
        self.jvp_rule, self.batch_rule, self.shape_rule = jvp, batch, shape
        self.promote, self.widen, self.view, self.flips = promote, widen, view, flips
        self.accepts = categories(accepts)
        self.refusal, self.empties, self.check = refusal, empties, check
        plain = outputs == 1 and not (view or self.variadic or check)
        self.short = self.accepts & (12 if promote == "float" else 15) if plain else 0
        self.outputs, self.differentiable = outputs, differentiable
        self.main_output = differentiable[0] if differentiable else 0
        self.__doc__ = doc
        self.public: Callable[..., Any] | None = None  # the function that users call
        self.sparse: Op | None = None  # what a call with a sparse tensor runs
        self.accumulate: list[Any] | None = None  # of a sparse form: adds to a dense array in place
        self.node_type: type[Node] = type(
            node if node and node[-1].isdigit() else f"{node or camel(name)}Backward0",
            (Node,),
            {"__slots__": (), "op": self},
        )
        self.kernels[META] = self.kernels[0] if view else self.on_virtual
        self.set_vjp(vjp or {})
        REGISTRY[name] = self

    # ---- rules

    def set_vjp(self, rules: dict[str, Rule] | Rule) -> None:
        """Takes the gradient rules and works out what each of them needs."""
        self.formulas: dict[str, Rule] = {} if callable(rules) else rules
        self.joint: Rule | None = rules if callable(rules) else None
        every = [rules] if callable(rules) else list(rules.values())
        self.saves = tuple(dict.fromkeys(n for r in every for n in wants(r)))
        self.sources = tuple([self._source(n) for n in self.saves])
        self.keeps_tensors = any(source in (INPUT, RESULT) for source, _ in self.sources)
        self.joint_at = self._places(self.joint) if self.joint else ()
        self.rules = tuple(
            [(rules[i], self._places(rules[i])) if i in rules else None for i in self.inputs]
            if not callable(rules)
            else []
        )
        self._plans: dict[tuple[bool, ...], tuple[tuple[int, Any], ...]] = {}
        self.node_type.pull = self._make_pull()  # type: ignore[method-assign]

    def _places(self, rule: Rule) -> tuple[int, ...]:
        return tuple([self.saves.index(n) for n in wants(rule)])

    def _source(self, name: str) -> tuple[int, Any]:
        """Where the value that a rule calls `name` comes from."""
        if name in self.params:
            return PARAM, self.params.index(name)
        if name == "needs" or (self.variadic and name.startswith(self.inputs[0])):
            return LITERAL, name
        if name in self.inputs:
            return INPUT, self.inputs.index(name)
        if name.startswith("result"):
            return RESULT, int(name[6:] or self.main_output)
        owner = name.removesuffix("_shape")
        if owner in self.inputs and owner != name:
            return SHAPE, self.inputs.index(owner)
        raise ValueError(f"a rule of {self.name} names {name!r}, which is nothing that it has")

    def literal(self, name: str, edges: tuple[Any, ...], tensors: Any) -> Any:
        """The value of a name that concerns all inputs together."""
        if name == "needs":
            return tuple([e is not None for e in edges])
        if name.endswith("_shape"):
            return [t.shape for t in tensors]
        return list(tensors)

    def plan(self, edges: tuple[Any, ...]) -> tuple[tuple[int, Any], ...]:
        """What to save when these inputs require gradients: the rest is left out."""
        if self.joint is not None:
            return self.sources
        mask = tuple([e is not None for e in edges])
        found = self._plans.get(mask)
        if found is None:
            used = {i for rule, need in zip(self.rules, mask) if rule and need for i in rule[1]}
            found = self._plans[mask] = tuple(
                [s if i in used else (NOTHING, None) for i, s in enumerate(self.sources)]
            )
        return found

    def _make_pull(self) -> Rule:
        """``Node.pull`` of this operator: the gradients of the inputs, None where nobody asked.

        Rules that save nothing, a single input (whose gradient is asked for by whoever is here)
        and a pair of inputs have forms of their own: a pass spends its time here.
        """
        joint, rules = self.joint, self.rules
        if joint is not None:
            at = self.joint_at

            def pull(node: Node, grad: Any) -> Any:
                saved = node.saved
                if saved is None:
                    raise RuntimeError(TWICE)
                return joint(grad, *[unsaved(node, saved[i]) for i in at])

        elif not self.saves:

            def pull(node: Node, grad: Any) -> Any:
                return [
                    rule[0](grad) if edge and rule else None
                    for edge, rule in zip(node.edges, rules)
                ]

        elif len(rules) == 1 and rules[0] is not None:
            ((rule, at),) = rules

            def pull(node: Node, grad: Any) -> Any:
                saved = node.saved
                if saved is None:
                    raise RuntimeError(TWICE)
                return (rule(grad, *[unsaved(node, saved[i]) for i in at]),)

        elif len(rules) == 2 and rules[0] is not None and rules[1] is not None:
            (first, at_first), (second, at_second) = rules

            def pull(node: Node, grad: Any) -> Any:
                saved, edges = node.saved, node.edges
                if saved is None:
                    raise RuntimeError(TWICE)
                return (
                    first(grad, *[unsaved(node, saved[i]) for i in at_first]) if edges[0] else None,
                    second(grad, *[unsaved(node, saved[i]) for i in at_second])
                    if edges[1]
                    else None,
                )

        else:

            def pull(node: Node, grad: Any) -> Any:
                saved = node.saved
                if saved is None:
                    raise RuntimeError(TWICE)
                return [
                    rule[0](grad, *[unsaved(node, saved[i]) for i in rule[1]])
                    if edge and rule
                    else None
                    for edge, rule in zip(node.edges, rules)
                ]

        return pull

    def vjp(self, rule: Rule) -> Rule:
        """Decorator: the gradient rule of all inputs together."""
        self.set_vjp(rule)
        return rule

    def jvp(self, rule: Rule) -> Rule:
        """Decorator: the tangent rule."""
        self.jvp_rule = rule
        return rule

    def batch(self, rule: Rule) -> Rule:
        """Decorator: the batching rule."""
        self.batch_rule = rule
        return rule

    def shape(self, rule: Rule) -> Rule:
        """Decorator: the shape rule."""
        self.shape_rule = rule
        return rule

    def is_differentiable(self, index: int) -> bool:
        """Whether the result of that index has a gradient."""
        return self.differentiable is None or index in self.differentiable

    # ---- results without data

    def form(self, forward: Rule | list[Any], vjp: dict[str, Rule] | None = None) -> Op:
        """The same operation by another kernel, with gradient rules of its own or with these."""
        form = copy(self)
        form.kernels = forward if isinstance(forward, list) else places(forward)
        form.view = False
        form.kernels[META] = no_sparse_meta
        if vjp is not None:
            form.node_type = type(form.node_type.__name__, (Node,), {"__slots__": (), "op": form})
            form.set_vjp(vjp)
        return form

    def on_virtual(self, *arrays: Any) -> Any:
        """The kernel of ``device="meta"``: results without memory."""
        rule = self.shape_rule
        if rule == SAME:
            return virtual_like(arrays[0])
        if rule is None:
            return _emptied(self.kernels[0](*arrays))  # type: ignore[misc]
        assert callable(rule)
        predicted = rule(*arrays)
        first = next(a for a in arrays if hasattr(a, "dtype")).dtype
        if self.outputs == 1:
            predicted = [predicted]
        made = [virtual(*p) if _has_dtype(p) else virtual(p, first) for p in predicted]
        return made[0] if self.outputs == 1 else tuple(made)

    def refused(self, of: dtype, device: str) -> Exception:
        """The error for a dtype that the operator does not compute in."""
        if callable(self.refusal):
            return self.refusal(of)
        name = self.refusal or f"{self.name}_{device}"
        return NotImplementedError(f"\"{name}\" not implemented for '{scalar_name(of)}'")

    def __call__(self, *args: Any) -> Any:
        """The canonical call: tensors, then dimensions (wrapped here), then other parameters."""
        if self.short and not flags.active:
            result = self._of_one_kind(args)
            if result is not None:
                return result
        n = 1 if self.variadic else len(self.inputs)
        tensors = tuple(args[0]) if self.variadic else args[:n]
        return dispatch(
            self, tensors, self.wrap_dims(tensors[0].ndim, args[n:]) if self.n_dims else args[n:]
        )

    def _of_one_kind(self, args: tuple[Any, ...]) -> Tensor | None:
        """The shortcut of ``dispatch`` for tensors of one kind; None sends the call there."""
        kind = getattr(args[0], "_kind", None)
        if kind is None or not kind.category & self.short:
            return None
        n, history = len(self.inputs), False
        arrays: list[Any] = []
        for given in args[:n]:
            cls = type(given)
            if cls is Tensor or cls is Parameter:
                if given._kind is not kind:
                    return None
                arrays.append(given._array)
                history = history or given._node is not None
            elif given is None:
                arrays.append(None)
            elif self.promote is not None and cls in kind.scalars:
                arrays.append(number_array(given, kind))
            else:
                return None
        try:
            params = self.wrap_dims(args[0].ndim, args[n:]) if self.n_dims else args[n:]
            array = self.kernels[kind.place](*arrays, *params)  # type: ignore[misc]
        except Exception:
            return None  # dispatch raises it again, explained
        result = wrap(array, kind if array.dtype is kind.array_type else kind.family[array.dtype])
        if history and modes.grad and result._kind.floating:  # type: ignore[union-attr]
            record(self, result, args[:n], params)
        return result

    def wrap_dims(self, ndim: int, params: tuple[Any, ...]) -> tuple[Any, ...]:
        """The parameters with the dimensions among them counted from the front."""
        k = self.n_dims
        return tuple([wrap_dim(d, ndim) for d in params[:k]]) + params[k:] if k else params

    def __repr__(self) -> str:
        return f"<Op {self.name}>"


def no_sparse_meta(*arrays: Any) -> Any:
    """The kernel of sparse forms for ``device="meta"``: NotImplementedError."""
    raise NotImplementedError("there are no sparse tensors on the meta device to compute with")


def _has_dtype(predicted: Any) -> bool:
    return len(predicted) in (2, 3) and isinstance(predicted[0], tuple)


def _emptied(result: Any) -> Any:
    if isinstance(result, tuple | list):
        return tuple([_emptied(r) for r in result])
    return virtual(result.shape, result.dtype, result.strides if result.size else None)


def wants(rule: Rule) -> tuple[str, ...]:
    """The names of the values that a rule asks for."""
    code = rule.__code__
    names = code.co_varnames[: code.co_argcount]
    return tuple([name for name in names if name != "grad"])


def categories(letters: str) -> int:
    """Categories of dtypes as bits: b(ool) 1, i(nteger) 2, f(loating) 4, c(omplex) 8."""
    return sum([1 << "bifc".index(letter) for letter in letters])


def camel(name: str) -> str:
    """``log_softmax`` -> ``LogSoftmax``."""
    return "".join([word[:1].upper() + word[1:] for word in name.strip("_").split("_")])


def wrap_dim(dim: int, ndim: int) -> int:
    """A dimension counted from the front; IndexError when it is out of range."""
    limit = ndim or 1
    if -limit <= dim < limit:
        return dim + limit if dim < 0 else dim
    raise IndexError(
        f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got "
        f"{dim})"
    )


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor of this library."""
    return isinstance(value, Tensor)
