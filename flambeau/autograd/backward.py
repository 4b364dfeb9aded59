"""``backward`` and ``grad``: what a user asks of the engine."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from flambeau.autograd.engine import run
from flambeau.autograd.graph import GradientEdge
from flambeau.core.graph import Leaf, Node
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.views import history
from flambeau.ops.creation import filled, ones, ones_like, zeros_like
from flambeau.ops.joining import stack

_SINGLE = (Tensor, GradientEdge, str)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Adds the gradients of ``tensors`` to the ``.grad`` of the leaves they were computed from.

    ``grad_tensors`` weighs each tensor; scalars need none. With ``inputs`` only those accumulate.
    The graph is released as the pass goes unless ``retain_graph`` (by default ``create_graph``).
    """
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning,
            stacklevel=2,
        )
        grad_tensors = grad_variables if grad_tensors is None else grad_tensors
    if inputs is not None and not isinstance(inputs, Tensor) and len(inputs) == 0:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    roots, seeds = _roots(_as_tuple(tensors), grad_tensors, create_graph)
    wanted = None
    if inputs is not None:
        wanted = {_node_of(t): None for t in _as_tuple(inputs)}
    found = run(
        roots, seeds,
        keep_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph, wanted=wanted,
    )  # fmt: skip
    if inputs is not None:
        _retain(_as_tuple(inputs), found)


def _retain(inputs: tuple[Any, ...], found: dict[Node, Tensor]) -> None:
    """Gradients of the given inputs that are not leaves go to ``.grad`` as well."""
    for tensor in inputs:
        node = _node_of(tensor)
        if type(node) is not Leaf and found.get(node) is not None and not tensor.retains_grad:
            old = tensor._grad
            tensor._grad = found[node] if old is None else old + found[node]


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The sum of the gradients of ``outputs`` with respect to each of ``inputs``.

    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> torch.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To "
            "accumulate "
            "gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning, stacklevel=2,
        )  # fmt: skip
    wanted_inputs = _as_tuple(inputs)
    keep = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        return _batched(_as_tuple(outputs), wanted_inputs, grad_outputs, keep, create_graph,
                        bool(allow_unused or materialize_grads))  # fmt: skip
    nodes = [_node_of(t) for t in wanted_inputs]
    roots, seeds = _roots(_as_tuple(outputs), grad_outputs, create_graph)
    found = run(
        roots, seeds, keep_graph=keep, create_graph=create_graph,
        wanted=dict.fromkeys(nodes), accumulating=False,
    )  # fmt: skip
    results = [found.get(node) for node in nodes]
    if materialize_grads:
        return tuple([zeros_like(t) if g is None else g for g, t in zip(results, wanted_inputs)])
    unused = [] if allow_unused else [i for i, g in enumerate(results) if g is None]
    if unused:
        raise RuntimeError(
            f"The differentiated Tensor at index {unused[0]} appears to not have been used in the "
            "graph. Set allow_unused=True if this is the desired behavior."
        )
    return tuple(results)


def _batched(
    outputs: Any, inputs: Any, grads: Any, keep: bool, create_graph: bool, unused: bool
) -> Any:
    """One pass for each row of the given gradients, stacked."""
    grads = _as_tuple(grads)
    rows = len(grads[0])
    passes = [
        grad(
            outputs,
            inputs,
            [g[i] for g in grads],
            keep or i + 1 < rows,
            create_graph,
            allow_unused=unused,
        )
        for i in range(rows)
    ]
    return tuple([
        None if column[0] is None else stack(column) for column in zip(*passes)
    ])  # fmt: skip


def _as_tuple(tensors: Any) -> tuple[Any, ...]:
    single = isinstance(tensors, _SINGLE) or not isinstance(tensors, Sequence)
    return (tensors,) if single else tuple(tensors)


def _node_of(tensor: Any) -> Node:
    """The node at which the gradient of an input arrives."""
    node = history(tensor) if isinstance(tensor, Tensor) else tensor.graph_node
    if node is None:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return node


def _roots(
    tensors: tuple[Any, ...], grads: Any, create_graph: bool
) -> tuple[list[Node], list[Tensor]]:
    """Where the pass starts, and with which gradients."""
    given = (None,) * len(tensors) if grads is None else _as_tuple(grads)
    if len(given) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(given)} gradients")
    roots, seeds = [], []
    for index, (tensor, seed) in enumerate(zip(tensors, given)):
        node = history(tensor) if isinstance(tensor, Tensor) else tensor.graph_node
        if seed is None:
            seed = _implicit_seed(tensor, node)
        else:
            _check_seed(tensor, seed, index)
        if node is None:
            raise RuntimeError(
                f"element {index} of tensors does not require grad and does not have a grad_fn"
            )
        roots.append(node)
        seeds.append(seed)
    return roots, seeds


def _implicit_seed(tensor: Any, node: Node | None) -> Tensor:
    if not isinstance(tensor, Tensor):
        return _seed_of_edge(tensor.graph_node)
    if tensor.numel() != 1:
        if node is not None or tensor.requires_grad:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
    elif not tensor.kind.floating and node is not None:
        raise RuntimeError(
            "grad can be implicitly created only for real scalar outputs but got "
            + str(tensor.dtype)
        )
    elif tensor.dtype.is_complex and node is not None:
        raise RuntimeError(
            f"grad can be implicitly created only for real scalar outputs but got {tensor.dtype}"
        )
    kind = tensor._kind
    return ones_like(tensor) if kind is None else wrap(filled(tensor.shape, kind, 1), kind)


def _seed_of_edge(node: Node) -> Tensor:
    if math.prod(node.shape) != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    return ones(node.shape, dtype=node.kind.dtype, device=node.kind.device)


def _check_seed(tensor: Tensor, seed: Any, index: int) -> None:
    if not isinstance(seed, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(seed).__name__}")
    if not isinstance(tensor, Tensor):
        return
    if seed.shape != tensor.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {seed.shape} and "
            f"output[{index}] "
            f"has a shape of {tensor.shape}."
        )
    if seed.dtype.is_complex != tensor.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. "
            f"Mismatch in dtype: grad_output[{index}] has a dtype of {seed.dtype} and "
            f"output[{index}] "
            f"has a dtype of {tensor.dtype}."
        )


@method("backward")
def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds the gradients of this tensor to the ``.grad`` of the leaves it was computed from."""
    backward(self, gradient, retain_graph, create_graph, inputs=inputs)
