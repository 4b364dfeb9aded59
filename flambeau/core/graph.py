"""The recorded history of tensors: nodes, and what they keep. The engine that walks it is
``autograd/engine.py``.

A tensor's ``_node`` is None (no gradient asked), a ``Leaf`` (gradients end in ``.grad``), the
``Node`` of the operation that made it, or an ``Output`` of an operation with several results.
"""

from __future__ import annotations

import re
import weakref
from typing import TYPE_CHECKING, Any

from flambeau.core.dtype import dtype
from flambeau.core.errors import describe_site, site
from flambeau.core.kind import Kind
from flambeau.core.modes import flags, modes
from flambeau.core.sparse import is_sparse, wrap_any
from flambeau.core.tensor import INFERENCE, Parameter, Tensor, Version, share_version

if TYPE_CHECKING:
    from flambeau.core.op import Op

_new = object.__new__
INPUT, PARAM, RESULT, SHAPE, LITERAL, NOTHING = range(6)  # where a saved value comes from


class Node:
    """One recorded operation: where gradients go, and the values that its rules named."""

    __slots__ = ("__dict__", "__weakref__", "edges", "hooks", "kind", "saved", "shape", "site")

    op: Op  # set on the class that each operator has of its own
    outputs = 1
    runs_without_grad = False  # whether `pull` is called when no gradient arrived

    edges: tuple[Node | None, ...]  # the histories of the inputs; None where no gradient is asked
    saved: tuple[Any, ...] | None  # None once released
    shape: tuple[int, ...]  # of the result: gradients arriving here have this shape and kind
    kind: Kind
    hooks: Any  # None, or the Hooks of autograd/graph.py
    site: Any  # the line that made it, where tensors are saved

    def pull(self, grad: Any) -> Any:
        """The gradients of the inputs, given that of the result; each operator makes its own."""
        raise NotImplementedError

    def release(self) -> None:
        """Drops what was saved; a second pass through this node raises."""
        if self.op.keeps_tensors:
            self.saved = None


TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you call "
    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
    "graph a second time or if you need to access saved tensors after calling backward."
)


class Leaf(Node):
    """Where gradients end: the history of a tensor that requires grad and was not computed."""

    __slots__ = ("ref",)

    ref: weakref.ref[Tensor]

    def release(self) -> None:
        pass


class Slot:
    """The gradient of one of several results, on its way to their node."""

    __slots__ = ("grad", "index")

    def __init__(self, index: int, grad: Any) -> None:
        self.index, self.grad = index, grad


class Output(Node):
    """One result of an operation that has several."""

    __slots__ = ("index",)

    index: int

    def pull(self, grad: Any) -> Any:
        return (Slot(self.index, grad),)

    @property
    def owner(self) -> Node:
        node = self.edges[0]
        assert node is not None
        return node

    def release(self) -> None:
        pass


def make_leaf(tensor: Tensor) -> Leaf:
    """The history of a tensor whose gradient is asked for."""
    leaf = _new(Leaf)
    leaf.edges, leaf.saved, leaf.hooks = (), (), None
    leaf.shape, leaf.kind = tensor.shape, tensor.kind
    if isinstance(tensor._grad_dtype, dtype):
        leaf.kind = leaf.kind.family[tensor._grad_dtype]  # gradients arrive in it
    leaf.ref = weakref.ref(tensor)
    return leaf


# ---- recording


class Saved:
    """A saved tensor with the number of writes that its memory had seen."""

    __slots__ = ("count", "tensor")

    def __init__(self, tensor: Tensor, version: Version) -> None:
        if version is INFERENCE:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created "
                "in inference mode in computation tracked by autograd. To work around this, you "
                "can make a clone to get a normal tensor and use it in autograd, or use "
                "`torch.no_grad()` instead of `torch.inference_mode()`."
            )
        self.tensor = tensor
        self.count = version.count


class SavedResult:
    """A saved result: not the tensor, which owns the node, but what it is made of."""

    __slots__ = ("array", "count", "index", "kind", "version")

    def __init__(self, result: Tensor, index: int) -> None:
        version = share_version(result)
        self.array, self.kind, self.version = result._array, result.kind, version
        self.count, self.index = version.count, index


def record(op: Op, result: Tensor, tensors: Any, params: tuple[Any, ...] = ()) -> None:
    """Makes `result` remember that `op` made it from `tensors`."""
    node = result._node = _new(op.node_type)
    if len(tensors) == 1:
        edges = node.edges = (tensors[0]._node,)
    elif len(tensors) == 2 and type(tensors[0]) is Tensor is type(tensors[1]):
        edges = node.edges = (tensors[0]._node, tensors[1]._node)
    else:
        edges = node.edges = tuple([t._node if isinstance(t, Tensor) else None for t in tensors])
    node.shape, node.kind, node.hooks = result._array.shape, result._kind or result.kind, None
    if op.saves:
        keep(node, op, edges, (result,), tensors, params)
    else:
        node.saved = ()


def record_outputs(
    op: Op, results: tuple[Tensor, ...], tensors: Any, params: tuple[Any, ...]
) -> None:
    """Makes the differentiable ones of several results remember the operation."""
    node = make_node(op, results, tensors, params)
    chosen = [i for i, r in enumerate(results) if op.is_differentiable(i) and r.kind.floating]
    if op.differentiable is not None and len(op.differentiable) == 1:
        results[chosen[0]]._node = node
        return
    node.outputs = len(results)
    node.__dict__["likes"] = tuple([(r.shape, r.kind) for r in results])
    for i in chosen:
        results[i]._node = make_output(node, i, results[i])


def make_output(node: Node, index: int, result: Tensor) -> Output:
    """The history of one of several results."""
    output = _new(Output)
    output.edges, output.saved, output.hooks = (node,), (), None
    output.index, output.shape, output.kind = index, result.shape, result.kind
    return output


def make_node(op: Op, results: tuple[Tensor, ...], tensors: Any, params: tuple[Any, ...]) -> Node:
    """The node of a call: its edges, and the values that the rules needed for them have named."""
    node = _new(op.node_type)
    edges = node.edges = tuple([t._node if isinstance(t, Tensor) else None for t in tensors])
    first = results[op.main_output]
    node.shape, node.kind, node.hooks = first._array.shape, first._kind or first.kind, None
    if op.saves:
        keep(node, op, edges, results, tensors, params)
    else:
        node.saved = ()
    return node


def keep(
    node: Node,
    op: Op,
    edges: Any,
    results: tuple[Tensor, ...],
    tensors: Any,
    params: tuple[Any, ...],
) -> None:
    """Saves on the node the values that the rules of the inputs with gradients name."""
    if op.keeps_tensors:
        node.site = site()
    saved: list[Any] = []
    for source, i in op.plan(edges) if None in edges else op.sources:
        if source == INPUT:
            t = tensors[i]
            written = isinstance(t, Tensor) and t._writes is not None
            saved.append(Saved(t, t._writes) if written else t)
        elif source == PARAM:
            saved.append(params[i])
        elif source == SHAPE:
            saved.append(tensors[i].shape if isinstance(tensors[i], Tensor) else ())
        elif source == RESULT:
            # A dual result is kept as it is: it cannot be rebuilt from its array.
            made = results[i]
            kept_whole = made._kind is None and not is_sparse(made)
            saved.append(made if kept_whole else SavedResult(made, i))
        else:
            saved.append(None if source == NOTHING else op.literal(i, edges, tensors))
    node.saved = tuple(saved)
    if flags.active and hooks_active():
        node.saved = tuple([packed(value) for value in saved])


# ---- saved values, on the way back


class Packed:
    """A saved tensor that the user's hooks have packed, and the history it had."""

    __slots__ = ("node", "payload", "unpack")

    def __init__(self, tensor: Tensor) -> None:
        pack, self.unpack = modes.saved_hooks[-1]
        before = tensor._writes.count if tensor._writes is not None else 0
        modes.grad, was = False, modes.grad
        try:
            self.payload = pack(tensor)
        finally:
            modes.grad = was
        if tensor._writes is not None and tensor._writes.count != before:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                "input to pack hook cannot be modified by in-place operations as this can lead to "
                "unexpected side-effects. Please open an issue if you need to perform in-place "
                "operations on the input to a pack hook."
            )
        self.node = tensor._node

    def unpacked(self, owner: Node) -> Tensor:
        """The tensor with the history that it had when `owner` saved it."""
        data = self.unpack(self.payload)
        if not isinstance(data, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                + type(data).__name__
            )
        if data._kind is None or (data._node is self.node and type(self) is Packed):
            return data
        fresh = wrap_any(data._array, data._kind)
        fresh._writes, fresh._node = share_version(data), self.history(owner, fresh)
        return fresh

    def history(self, owner: Node, tensor: Tensor) -> Node | None:
        """What the unpacked tensor's history becomes."""
        return self.node


class PackedResult(Packed):
    """A saved result that the user's hooks have packed: its history is the node that saved it."""

    __slots__ = ("index",)

    def __init__(self, value: SavedResult) -> None:
        bare = wrap_any(value.array, value.kind)
        bare._writes = value.version
        super().__init__(bare)
        self.index = value.index

    def history(self, owner: Node, tensor: Tensor) -> Node | None:
        return _history_of_result(owner, self.index, tensor)


def hooks_active() -> bool:
    """Whether saved tensors are packed by a user's hooks."""
    return bool(modes.saved_hooks and modes.saved_hooks[-1] is not None)


def packed(value: Any) -> Any:
    """A saved value, packed by the user's hooks if it is a tensor."""
    if isinstance(value, SavedResult):
        return PackedResult(value)
    if isinstance(value, Saved):
        return Packed(value.tensor)
    if isinstance(value, list):
        return [packed(v) for v in value]
    return Packed(value) if isinstance(value, Tensor) else value


def unsaved(node: Node, value: Any) -> Any:
    """The value that a rule receives for a saved one; RuntimeError if it was written to."""
    cls = type(value)
    if cls is Tensor or cls is Parameter:
        writes = value._writes
        if writes is not None and writes.count:
            raise_written(node, value._node, writes, value.shape, value.kind, 0)
        return value
    if cls is Saved:
        tensor = value.tensor
        if tensor._writes.count != value.count:
            raise_written(
                node, tensor._node, tensor._writes, tensor.shape, tensor.kind, value.count
            )
        return tensor
    if cls is SavedResult:
        if value.version.count != value.count:
            raise_written(node, node, value.version, value.array.shape, value.kind, value.count)
        return _revive(node, value)
    if cls is Packed or cls is PackedResult:
        return value.unpacked(node)
    if cls is list and value and type(value[0]) is Packed:
        return [unsaved(node, v) for v in value]
    return value


def _revive(node: Node, value: SavedResult) -> Tensor:
    tensor = wrap_any(value.array, value.kind)
    tensor._writes = value.version
    tensor._node = _history_of_result(node, value.index, tensor)
    return tensor


def _history_of_result(node: Node, index: int, result: Tensor) -> Node | None:
    """The history of a saved result, so that second derivatives flow through it."""
    if node.outputs == 1:
        return node if index == node.op.main_output else None
    return make_output(node, index, result)


def operation_name(node: Node) -> str:
    """What PyTorch's messages call a node: ``Exp`` for ``ExpBackward0``."""
    name = type(node).__name__
    if name in ("CopySlices", "CopyBackwards"):
        return f"torch::autograd::{name}"
    return re.sub(r"Backward\d+$", "", name)


def raise_written(
    node: Node, made: Node | None, version: Version, shape: Any, kind: Kind, expected: int
) -> None:
    """The error for a tensor that `made` made, `node` saved and an in-place operation modified."""
    source = ""
    if made is not None and type(made) is not Leaf:
        index, made = (made.index, made.owner) if isinstance(made, Output) else (0, made)
        source = f", which is output {index} of {operation_name(made)},"
    hint = (
        "the backtrace further above shows the operation that failed to compute its gradient. The "
        "variable in question was changed in there or anywhere later. Good luck!"
        if flags.anomaly[0]
        else "enable anomaly detection to find the operation that failed to compute its gradient, "
        "with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
    lines = [
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [{kind.type_name} {list(shape)}]{source} is at version {version.count}; "
        f"expected version {expected} instead. Hint: {hint}"
    ]
    if hasattr(node, "site"):
        lines.append(f"  saved by {node.op.name} at {describe_site(node.site)}")
    if version.site is not None:
        lines.append(f"  written at {describe_site(version.site)}")
    lines.append(
        "  fix: use the out-of-place form there (y = y + 1 instead of y += 1), or clone() first"
    )
    raise RuntimeError("\n".join(lines))
