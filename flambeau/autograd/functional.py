"""Jacobians, Hessians and their products with vectors, of functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.autograd.backward import grad as _grad
from flambeau.autograd.grad_mode import enable_grad
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import ones_like, zeros_like
from flambeau.ops.joining import stack

Function = Callable[..., Any]


# ---- arguments


def _as_tuple(value: Any, what: str, function: str) -> tuple[bool, tuple[Tensor, ...]]:
    """Whether a tuple was given, and the tuple; TypeError for anything but tensors."""
    given = isinstance(value, tuple)
    values = value if given else (value,)
    for index, item in enumerate(values):
        if not isinstance(item, Tensor):
            where = f"Value at index {index} in" if given else "The"
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors "
                "but the "
                f"value at index {index} has type {type(item)}."
                if given
                else f"{where} {what} given to {function} must be either a Tensor or a tuple "
                f"of Tensors but the given {what} has type {type(value)}."
            )
    return given, values


def _prepared(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs to differentiate with respect to: views with a graph, or fresh leaves."""
    if create_graph:
        return tuple(
            [i.view_as(i) if i.requires_grad else i.detach().requires_grad_() for i in inputs]
        )  # type: ignore
    return tuple([i.detach().requires_grad_() for i in inputs])  # type: ignore[attr-defined]


def _called(
    func: Function, inputs: tuple[Tensor, ...], name: str
) -> tuple[bool, tuple[Tensor, ...]]:
    return _as_tuple(func(*inputs), "outputs of the user-provided function", name)


def _finished(values: Any, create_graph: bool) -> Any:
    if isinstance(values, tuple):
        return tuple([_finished(v, create_graph) for v in values])
    return values if create_graph or values is None else values.detach()


def _check_outputs(outputs: tuple[Tensor, ...], strict: bool) -> None:
    """RuntimeError, in strict mode, if an output has no gradient."""
    bare = [i for i, o in enumerate(outputs) if not o.requires_grad]  # type: ignore[attr-defined]
    if strict and bare:
        raise RuntimeError(
            f"Output {bare[0]} of the user-provided function does not require gradients. The "
            "outputs must be computed in a differentiable manner from the input when running in "
            "strict mode."
        )


_FIRST = "The output of the user-provided function is independent of input {}. {}"
_SECOND = (
    "While computing the hessian, found that the jacobian of the user-provided function with "
    "respect to input {} is independent of the input. {} You should ensure that your function is "
    "twice differentiable and that the jacobian depends on the inputs (this would be violated by "
    "a linear function for example)."
)


def _filled(
    grads: tuple[Any, ...], inputs: tuple[Tensor, ...], strict: bool, message: str = _FIRST
) -> tuple[Tensor, ...]:
    """The gradients, zeros for inputs without one; these are an error in strict mode."""
    absent = [i for i, g in enumerate(grads) if g is None]
    if strict and absent:
        raise RuntimeError(message.format(absent[0], "This is not allowed in strict mode."))
    return tuple([zeros_like(i) if g is None else g for g, i in zip(grads, inputs)])


def _vectors(
    v: Any, like: tuple[Tensor, ...], given: bool, name: str, what: str
) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single "
                "Tensor with a single element."
                if what == "output"
                else "The vector v can only be None if the input to the user-provided function "
                "is a single Tensor with a single element."
            )
        return (ones_like(like[0]),)
    _, vectors = _as_tuple(v, "v", name)
    if len(vectors) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}."
            if given
            else "The given v should contain a single Tensor."
        )
    for index, (vector, one) in enumerate(zip(vectors, like)):
        if vector.shape != one.shape:
            where = f"Entry {index} in v" if given else "v"
            raise RuntimeError(
                f"{where} has invalid size: should be {one.shape} but got {vector.shape}."
            )
    return tuple([x.detach() for x in vectors])  # type: ignore[attr-defined]


def _pull(
    outputs: tuple[Tensor, ...],
    inputs: tuple[Tensor, ...],
    vectors: tuple[Tensor, ...],
    create_graph: bool,
) -> tuple[Any, ...]:
    """Gradients of the outputs that have a history, weighed by vectors."""
    pairs = [(o, v) for o, v in zip(outputs, vectors) if o.requires_grad]  # type: ignore[attr-defined]
    if not pairs:
        return (None,) * len(inputs)
    return _grad([o for o, _ in pairs], inputs, [v for _, v in pairs], retain_graph=True,
                 create_graph=create_graph, allow_unused=True)  # fmt: skip


# ---- products


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """The outputs of ``func``, and the product of a vector with its Jacobian."""
    with enable_grad():
        given, tensors = _as_tuple(inputs, "inputs", "vjp")
        tensors = _prepared(tensors, create_graph)
        tuple_out, outputs = _called(func, tensors, "vjp")
        vectors = _vectors(v, outputs, tuple_out, "vjp", "output")
        _check_outputs(outputs, strict)
        grads = _filled(_pull(outputs, tensors, vectors, create_graph), tensors, strict)
    outs = outputs if tuple_out else outputs[0]
    return _finished(outs, create_graph), _finished(grads if given else grads[0], create_graph)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """The outputs of ``func``, and the product of its Jacobian with a vector.

    By differentiating the gradient as a function of the vector it is weighed by (J. Townsend, "A
    new trick for calculating Jacobian vector products", 2017).
    """
    with enable_grad():
        given, tensors = _as_tuple(inputs, "inputs", "jvp")
        tensors = _prepared(tensors, create_graph)
        vectors = _vectors(v, tensors, given, "jvp", "input")
        tuple_out, outputs = _called(func, tensors, "jvp")
        _check_outputs(outputs, strict)
        weights = tuple([zeros_like(o).requires_grad_() for o in outputs])  # type: ignore[attr-defined]
        pulled = _filled(_pull(outputs, tensors, weights, True), tensors, strict)
        pushed = _filled(_pull(pulled, weights, vectors, create_graph), outputs, False)
    outs = outputs if tuple_out else outputs[0]
    return _finished(outs, create_graph), _finished(
        pushed if tuple_out else pushed[0], create_graph
    )


def _scalar(outputs: tuple[Tensor, ...], tuple_out: bool, name: str) -> Tensor:
    if tuple_out or len(outputs) != 1:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {name} should contain a single element"
        )
    return outputs[0].squeeze()  # type: ignore[attr-defined]


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """The output of a scalar function, and the product of a vector with its Hessian."""
    with enable_grad():
        given, tensors = _as_tuple(inputs, "inputs", "vhp")
        tensors = _prepared(tensors, create_graph)
        vectors = _vectors(v, tensors, given, "vhp", "input")
        tuple_out, outputs = _called(func, tensors, "vhp")
        output = _scalar(outputs, tuple_out, "vhp")
        _check_outputs(outputs, strict)
        first = _filled(_pull((output,), tensors, (ones_like(output),), True), tensors, strict)
        second = _filled(_pull(first, tensors, vectors, create_graph), tensors, strict, _SECOND)
    return _finished(outputs[0], create_graph), _finished(
        second if given else second[0], create_graph
    )


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """The output of a scalar function, and the product of its Hessian with a vector."""
    return vhp(func, inputs, v, create_graph, strict)


# ---- whole matrices


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of ``func``: ``[*output, *input]`` for each pair of an output and an input.

    ``strategy="forward-mode"`` (with ``vectorize``) gives the same numbers column by column.
    """
    _check_strategy(strategy, create_graph, strict, vectorize)
    found = _jacobian(func, inputs, create_graph, strict)
    return _as_lists(found) if strategy == "forward-mode" and isinstance(inputs, tuple) else found


def _check_strategy(strategy: str, create_graph: bool, strict: bool, vectorize: bool) -> None:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode"')
    if strategy == "forward-mode" and create_graph:
        raise NotImplementedError(
            "torch.autograd.functional.jacobian: `create_graph=True` and "
            '`strategy="forward-mode"` are not supported together (yet). Please either set '
            '`create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly "
            "implemented for `vectorize=True`."
        )
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
            "supported together. Please either set `strict=False` or `vectorize=False`."
        )


def _as_lists(found: Any) -> Any:
    """Tuples as lists, which is how PyTorch returns what forward mode has found."""
    return [_as_lists(part) for part in found] if isinstance(found, tuple) else found


def _jacobian(func: Function, inputs: Any, create_graph: bool, strict: bool) -> Any:
    with enable_grad():
        given, tensors = _as_tuple(inputs, "inputs", "jacobian")
        tensors = _prepared(tensors, create_graph)
        tuple_out, outputs = _called(func, tensors, "jacobian")
        _check_outputs(outputs, strict)
        rows = tuple([_rows(i, o, tensors, create_graph, strict) for i, o in enumerate(outputs)])
    rows = _finished(rows, create_graph)
    inner = rows if given else tuple([r[0] for r in rows])
    return inner if tuple_out else inner[0]


def _rows(
    index: int, output: Tensor, inputs: tuple[Tensor, ...], create_graph: bool, strict: bool
) -> tuple[Tensor, ...]:
    """The Jacobian of one output with respect to each input, a row per element."""
    flat = output.reshape(-1)  # type: ignore[attr-defined]
    message = f"Output {index} of the user-provided function is independent of input {{}}. {{}}"
    columns: list[list[Tensor]] = [[] for _ in inputs]
    for k in range(flat.numel()):
        grads = _pull((flat[k],), inputs, (ones_like(flat[k]),), create_graph)
        for column, g in zip(columns, _filled(grads, inputs, strict, message)):
            if strict and create_graph and not g.requires_grad:  # type: ignore[attr-defined]
                raise RuntimeError(
                    "The jacobian of the user-provided function is independent of the inputs. "
                    "This is not allowed in strict mode when create_graph=True."
                )
            column.append(g)
    return tuple(
        [
            (stack(column) if column else zeros_like(i).expand(0, *i.shape)).reshape(
                *output.shape, *i.shape
            )  # type: ignore
            for column, i in zip(columns, inputs)
        ]
    )


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a scalar function: ``[*input_i, *input_j]`` for each pair of inputs."""
    given, tensors = _as_tuple(inputs, "inputs", "hessian")

    def gradient(*args: Tensor) -> Any:
        tuple_out, outputs = _called(func, args, "hessian")
        output = _scalar(outputs, tuple_out, "hessian")
        _check_outputs(outputs, strict)
        grads = _pull((output,), args, (ones_like(output),), True)
        return _filled(grads, args, strict, _SECOND)

    forward = outer_jacobian_strategy == "forward-mode"
    _check_strategy(outer_jacobian_strategy, create_graph, strict, vectorize)
    keeps_graph = create_graph or forward  # forward mode over reverse mode leaves it
    with enable_grad():
        found = _jacobian(gradient, _prepared(tensors, keeps_graph), keeps_graph, strict)
    return (_as_lists(found) if forward else found) if given else found[0][0]


__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
