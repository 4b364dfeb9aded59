"""Gradients of gradients that are zero.

The gradient of ``relu`` does not change with its input, so nothing is recorded for it; yet
``x.relu()`` is not linear, and a second derivative that is zero must be found as zeros, not as
"unused". A link gives such a gradient a history that ends in the operation's inputs with zeros.
"""

from __future__ import annotations

from typing import Any

from flambeau.core.graph import INPUT, RESULT, Node
from flambeau.core.op import UNUSED, Op
from flambeau.core.tensor import Tensor, wrap
from flambeau.ops.creation import zeros

_new = object.__new__


class ZeroLink(Node):
    """The history of a gradient that does not change with the values it was computed from."""

    __slots__ = ()

    def pull(self, grad: Any) -> Any:
        return [zeros(e.shape, dtype=e.kind.dtype, device=e.kind.device) for e in self.edges if e]

    def release(self) -> None:
        pass


class UnusedLink(ZeroLink):
    """The same where PyTorch finds the values unused, although the gradient has a history."""

    __slots__ = ()

    def pull(self, grad: Any) -> Any:
        return None


def linked(node: Node, pulled: Any) -> Any:
    """The gradients of an operation's inputs, those without a history linked to the inputs."""
    op = type(node).op if hasattr(type(node), "op") else None
    if op is None or op.view or op.linked is False or not pulled:
        return pulled
    link = UnusedLink if op.linked == UNUSED else ZeroLink
    return [_link(link, g, _named(op, node, i)) if _is_bare(g) else g for i, g in enumerate(pulled)]


def _named(op: Op, node: Node, index: int) -> tuple[Node, ...]:
    """The histories of the inputs whose values, or the result's, that gradient's rule names."""
    sources = op.sources
    if op.joint is None and not op.linked:
        rule = op.rules[index]
        sources = () if rule is None else tuple([sources[at] for at in rule[1]])
    every = op.linked or any([s == (RESULT, op.main_output) for s in sources])
    places = range(len(node.edges)) if every else [at for source, at in sources if source == INPUT]
    edges = [node.edges[at] for at in places]
    return tuple([e for e in edges if e is not None and e.outputs == 1])


def _is_bare(g: Any) -> bool:
    return isinstance(g, Tensor) and g._node is None and g._kind is not None and g._kind.floating


def _link(cls: type[ZeroLink], g: Tensor, inputs: tuple[Node, ...]) -> Tensor:
    if not inputs:
        return g
    link = _new(cls)
    link.edges, link.saved, link.hooks = inputs, (), None
    link.shape, link.kind = g._array.shape, g.kind
    result = wrap(g._array, g.kind)
    result._node = link
    return result
