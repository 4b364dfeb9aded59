"""Derivatives as functions of functions: ``grad``, ``vjp``, ``jvp``, Jacobians and Hessians."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flambeau.autograd.grad_mode import enable_grad
from flambeau.core.graph import Leaf, Node
from flambeau.core.tensor import Tensor
from flambeau.core.views import history
from flambeau.func.batched import Batched, batched
from flambeau.func.dual import Dual, constant, dual
from flambeau.func.histories import leaf, pull, pull_or_zeros
from flambeau.func.levels import lifted, new_level
from flambeau.func.trees import flatten, mapped, unflatten
from flambeau.func.vmap import vmap
from flambeau.ops.creation import ones_like, zeros_like
from flambeau.ops.sequences import eye

Function = Callable[..., Any]
_NO_OUTPUT = "Expected f to be a function that has non-empty output (got output = [])"


# ---- arguments to differentiate with respect to


def _leaf(value: Any) -> Any:
    """An argument as a leaf that belongs to every transform around: its gradient may do so."""
    if not isinstance(value, Tensor) or not value.kind.floating:
        return value
    return leaf(lifted(value))


def _free(results: Any, leaves: list[Any]) -> Any:
    """Results without the history that ends in our own leaves only."""
    own = {id(n) for n in map(_node, leaves) if type(n) is Leaf}
    return mapped(lambda r: _freed(r, own), results)


def _freed(value: Any, own: set[int]) -> Any:
    if not isinstance(value, Tensor):
        return value
    if type(value) is Batched:
        return batched(_freed(value.value, own), value.level)
    if type(value) is Dual and (value._node is None or not _is_followed(value, own)):
        return dual(_freed(value.primal, own), _freed(value.tangent, own), value.level)
    node = history(value)
    if node is None or _reaches_others(node, own):
        return value
    return value.detach()  # type: ignore[attr-defined]


def _is_followed(value: Dual, own: set[int]) -> bool:
    """Whether a dual tensor has a history of its own that reaches other leaves."""
    return value.tracked and _reaches_others(value._node, own)  # type: ignore[arg-type]


def _node(value: Any) -> Node | None:
    return history(value) if isinstance(value, Tensor) else None


def _reaches_others(node: Node, own: set[int]) -> bool:
    seen, stack = {id(node)}, [node]
    while stack:
        one = stack.pop()
        if type(one) is Leaf and id(one) not in own:
            return True
        for target in one.edges:
            if target is not None and id(target) not in seen:
                seen.add(id(target))
                stack.append(target)
    return False


# ---- reverse mode


def grad_and_value(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """The gradient of a scalar function, and its value."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        several = isinstance(argnums, tuple)
        places = _places(argnums, args)
        trees = [flatten(args[n]) for n in places]
        with enable_grad():
            groups = [[_leaf(v) for v in values] for values, _ in trees]
            inner = list(args)
            for n, leaves, (_, spec) in zip(places, groups, trees):
                inner[n] = unflatten(spec, leaves)
            output = func(*inner, **kwargs)
            aux = None
            if has_aux:
                if not (isinstance(output, tuple) and len(output) == 2):
                    raise RuntimeError(
                        "grad_and_value(f)(*args): output of function f should be a tuple: "
                        "(output, aux) if has_aux is True"
                    )
                output, aux = output
            _check_scalar(output)
            leaves = [leaf for group in groups for leaf in group]
            wanted = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.kind.floating]
            found = pull_or_zeros([output], [ones_like(output)], wanted)
        by_leaf = iter(found)
        grads = [
            unflatten(
                spec,
                [next(by_leaf) if isinstance(v, Tensor) and v.kind.floating else v for v in group],
            )
            for group, (_, spec) in zip(groups, trees)
        ]
        result = tuple(grads) if several else grads[0]
        result, output, aux = (_free(x, leaves) for x in (result, output, aux))
        return (result, (output, aux)) if has_aux else (result, output)

    return wrapper


def _check_scalar(output: Any) -> None:
    if not isinstance(output, Tensor):
        raise RuntimeError(
            f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}"
        )
    if output.ndim != 0:
        raise RuntimeError(
            "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor "
            "with "
            f"{output.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
        )


def grad(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """The gradient of a scalar function, as a function.

    >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (result[0], result[1][1]) if has_aux else result[0]

    return wrapper


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """The outputs of ``func`` and a function from their weights to gradients of ``primals``."""
    values, spec = flatten(primals)
    with enable_grad():
        leaves = [_leaf(v) for v in values]
        output = func(*unflatten(spec, leaves))
        aux = None
        if has_aux:
            if not (isinstance(output, tuple) and len(output) == 2):
                raise RuntimeError(
                    "vjp(f, *primals): output of function f should be a tuple: "
                    "(output, aux) if has_aux is True"
                )
            output, aux = output
    outputs, out_spec = flatten(output)
    if not outputs:
        raise RuntimeError(f"vjp(f, *primals): {_NO_OUTPUT}")
    for one in outputs:
        if not isinstance(one, Tensor):
            raise RuntimeError(
                "vjp(f, *primals): Expected f(*primals) to return only "
                f"tensors, got unsupported type {type(one)}"
            )

    def pull(*weights: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given = flatten(weights[0] if len(weights) == 1 else weights)[0]
        if len(given) != len(outputs):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure "
                f"of outputs to the function. cotangents: {given}, primal output: {out_spec}"
            )
        with enable_grad():
            found = pull_or_zeros(outputs, given, leaves)
        return tuple(_free(unflatten(spec, found), leaves))

    freed = unflatten(out_spec, [_free(o, leaves) for o in outputs])
    return (freed, pull, _free(aux, leaves)) if has_aux else (freed, pull)


def jacrev(
    func: Function,
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:
    """The Jacobian by reverse mode, a row per element of the output: ``chunk_size`` of them at a
    time, or all at once.

    >>> torch.func.jacrev(torch.sin)(torch.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen, several, call = _bound(func, argnums, args, kwargs)
        result = vjp(call, *chosen, has_aux=has_aux)
        output, pull = result[0], result[1]
        outputs, out_spec = flatten(output)
        per_output = []
        for index, one in enumerate(outputs):

            def row(weight: Any, index: int = index) -> Any:
                weights = [weight if j == index else zeros_like(o) for j, o in enumerate(outputs)]
                return pull(unflatten(out_spec, weights))

            rows = vmap(row, chunk_size=chunk_size)(_basis(one))
            columns = [mapped(lambda c: c.reshape(*one.shape, *c.shape[1:]), r) for r in rows]  # noqa: B023
            per_output.append(tuple(columns) if several else columns[0])
        jacobian = unflatten(out_spec, per_output)
        return (jacobian, result[2]) if has_aux else jacobian

    return wrapper


def _places(argnums: Any, args: tuple[Any, ...]) -> list[int]:
    """The positions of the arguments to differentiate with respect to."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    for n in chosen:
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
    return [n % len(args) for n in chosen]


def _basis(like: Tensor) -> Tensor:
    """For each element of a tensor, one of its shape that is one there and zero elsewhere."""
    count = like.numel()
    return eye(count, dtype=like.dtype, device=like.device).reshape(count, *like.shape)  # type: ignore


def _bound(
    func: Function, argnums: Any, args: tuple[Any, ...], kwargs: Any
) -> tuple[list[Any], bool, Function]:
    """The chosen arguments, whether a tuple was asked for, and the function of them alone."""
    several = isinstance(argnums, tuple)
    places = _places(argnums, args)

    def call(*chosen: Any) -> Any:
        inner = list(args)
        for n, value in zip(places, chosen):
            inner[n] = value
        return func(*inner, **kwargs)

    return [args[n] for n in places], several, call


# ---- forward mode


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """The outputs of ``func``, and the product of its Jacobian with ``tangents``."""
    if not isinstance(primals, tuple):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals to be a tuple. E.g. "
            "it should be valid to call f(*primals)."
        )
    values, spec = flatten(primals)
    moves, tangent_spec = flatten(tangents)
    if len(values) != len(moves):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to have the same python "
            "structure. "
            "For example, if primals is a tuple of 3 tensors, tangents also must be. Got "
            f"primals with structure {spec} and tangents with structure {tangent_spec}"
        )
    if not values:
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals to contain at least one Tensor."
        )
    for value in values:
        if not isinstance(value, Tensor):
            raise RuntimeError(
                "jvp(f, primals, tangents): Expected primals to only contain Tensors, got "
                f"{type(value)}"
            )
    with new_level(constant) as level:
        output = func(*unflatten(spec, [dual(v, t, level) for v, t in zip(values, moves)]))
        aux = None
        if has_aux:
            output, aux = output
        outs, out_spec = flatten(output)
        if not outs:
            raise RuntimeError(f"jvp(f, primals, tangents): {_NO_OUTPUT}")
        split = [_parts(o, level) for o in outs]
        result = unflatten(out_spec, [p for p, _ in split])
        pushed = unflatten(out_spec, [t for _, t in split])
        aux = mapped(lambda o: _parts(o, level)[0], aux) if has_aux else None
    return (result, pushed, aux) if has_aux else (result, pushed)


def _parts(value: Any, level: int) -> tuple[Any, Any]:
    if type(value) is Dual and value.level == level:
        return value.primal, value.tangent
    if not isinstance(value, Tensor):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected f(*args) to return only "
            f"tensors, got unsupported type {type(value)}"
        )
    return value, zeros_like(value)


def jacfwd(
    func: Function, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Function:
    """The Jacobian by forward mode, a column per element of the input."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen, several, call = _bound(func, argnums, args, kwargs)
        aux: Any = None
        blocks = []
        out_spec: Any = None
        for k, one in enumerate(chosen):

            def push(tangent: Any, k: int = k) -> Any:
                moves = tuple([tangent if j == k else zeros_like(c) for j, c in enumerate(chosen)])
                return jvp(call, tuple(chosen), moves, has_aux=has_aux)

            columns = vmap(push, randomness=randomness)(_basis(one))
            if has_aux:
                aux = mapped(lambda a: a[0] if isinstance(a, Tensor) else a, columns[2])
            cells, out_spec = flatten(columns[1])
            blocks.append([c.movedim(0, -1).reshape(*c.shape[1:], *one.shape) for c in cells])
        per_output = [tuple(cells) if several else cells[0] for cells in zip(*blocks)]
        jacobian = unflatten(out_spec, per_output)
        return (jacobian, aux) if has_aux else jacobian

    return wrapper


def hessian(func: Function, argnums: Any = 0) -> Function:
    """The Hessian: forward mode over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)


def linearize(func: Function, *primals: Any) -> Any:
    """The output of ``func``, and the function that multiplies tangents with its Jacobian there.

    ``func`` is called once: its gradient is linear in the weight, and the gradient of that with
    respect to the weight is the Jacobian (J. Townsend, 2017). Tangents have the structure, shapes
    and dtypes of ``primals``; RuntimeError otherwise.

    >>> output, push = torch.func.linearize(torch.sin, torch.zeros(2))
    >>> push(torch.tensor([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    values, spec = flatten(primals)
    with enable_grad():
        leaves = [_leaf(v) for v in values]
        outputs, out_spec = flatten(func(*unflatten(spec, leaves)))
        weights = [_leaf(zeros_like(o)) if isinstance(o, Tensor) else o for o in outputs]
        weighted = [i for i, o in enumerate(outputs) if isinstance(o, Tensor) and o.kind.floating]
        pulled = pull([outputs[i] for i in weighted], [weights[i] for i in weighted], leaves)

    def push(*tangents: Any) -> Any:
        given = _checked_tangents(tangents, values, spec)
        pairs = [(g, t) for g, t in zip(pulled, given) if g is not None and g.requires_grad]
        with enable_grad():
            moved = pull([g for g, _ in pairs], [t for _, t in pairs], weights)
        made = [
            zeros_like(o) if m is None and isinstance(o, Tensor) else o if m is None else m
            for m, o in zip(moved, outputs)
        ]
        return unflatten(out_spec, _free(made, [*leaves, *weights]))

    return unflatten(out_spec, _free(outputs, leaves)), push


def _checked_tangents(tangents: tuple[Any, ...], primals: list[Any], spec: Any) -> list[Any]:
    """The tangents in a row; RuntimeError unless they fit the primals."""
    given, own = flatten(tangents)
    if repr(own) != repr(spec):
        raise RuntimeError(
            f"Expected the tangents {own} to have the same argspec as the primals {spec}"
        )
    for place, (tangent, primal) in enumerate(zip(given, primals)):
        for name in ("shape", "dtype"):
            if getattr(tangent, name) != getattr(primal, name):
                raise RuntimeError(
                    f"tangent:{place} with {name} {getattr(tangent, name)} in flattened pytree "
                    f"doesn't match the {name} {getattr(primal, name)} of the corresponding primal."
                )
    return given
