"""``flambeau.summary``: what a model is made of, what its parts return and cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any

from flambeau.autograd.grad_mode import no_grad
from flambeau.core.flops import count
from flambeau.core.interception import Interceptor
from flambeau.core.op import Op
from flambeau.core.tensor import Tensor
from flambeau.nn.modules.module import Module
from flambeau.nn.parameter import sized
from flambeau.ops.creation import zeros
from flambeau.ops.notebook import size

_HEADER = ("layer", "output", "parameters", "FLOPs")


@dataclass
class Layer:
    """One module of the model: one line of the table."""

    path: str
    depth: int
    leaf: bool
    kind: str = ""
    parameters: int = 0
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    output_bytes: int = 0
    flops: int = 0
    calls: int = 0

    @property
    def output(self) -> str:
        """The shapes of what it returned last; a dash if it was not called."""
        shown = ", ".join([str(list(shape)) for shape in self.shapes[:4]])
        return (shown or "-") + (f" x{self.calls}" if self.calls > 1 else "")


@dataclass
class Summary:
    """The lines and sums of one run; prints as a table, in a notebook as HTML.

    ``flops`` counts two for a multiplication and addition, in products, convolutions and
    attention. ``output_bytes`` is what the modules without submodules returned: about what
    training keeps for the backward pass.
    """

    layers: list[Layer]
    parameters: int
    trainable: int
    parameter_bytes: int
    buffer_bytes: int
    output_bytes: int
    flops: int

    def totals(self) -> list[tuple[str, str]]:
        """Names and values of the sums."""
        frozen = self.parameters - self.trainable
        return [
            ("parameters", f"{self.parameters:,}" + (f" ({frozen:,} frozen)" if frozen else "")),
            ("FLOPs", f"{self.flops:,}"),
            ("memory of parameters", size(self.parameter_bytes)),
            ("memory of buffers", size(self.buffer_bytes)),
            ("memory of outputs", size(self.output_bytes)),
        ]

    def rows(self) -> list[tuple[str, str, str, str]]:
        """The cells of the table, the layers indented by their depth."""
        return [
            (
                "  " * layer.depth + (f"{layer.path.rpartition('.')[2]}: " if layer.path else "")
                + layer.kind,
                layer.output,
                f"{layer.parameters:,}" if layer.parameters else "",
                f"{layer.flops:,}" if layer.flops else "",
            )
            for layer in self.layers
        ]  # fmt: skip

    def __str__(self) -> str:
        table = [_HEADER, *self.rows()]
        widths = [max([len(row[i]) for row in table]) for i in range(4)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip()
            for a, b, c, d in table
        ]
        rule = "-" * (sum(widths) + 6)
        totals = [f"{name}: {value}" for name, value in self.totals()]
        return "\n".join([lines[0], rule, *lines[1:], rule, *totals])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join([f"<th>{name}</th>" for name in _HEADER])
        lines = []
        for layer, (name, *cells) in zip(self.layers, self.rows(), strict=True):
            first = f'<td style="text-align:left;padding-left:{1 + layer.depth}em">'
            rest = "".join([f"<td>{escape(cell)}</td>" for cell in cells])
            lines.append(f"<tr>{first}{escape(name.strip())}</td>{rest}</tr>")
        totals = "<br>".join([f"{name}: <b>{value}</b>" for name, value in self.totals()])
        return f"<table><tr>{head}</tr>{''.join(lines)}</table><p>{totals}</p>"


def summary(model: Module, input: Any = None, *, depth: int | None = None) -> Summary:
    """Runs a model once and tells what its modules return and cost.

    The run is in evaluation mode and without gradients; the model is as before afterwards, except
    that lazy modules have their shapes. Without a run, parameters without a shape do not count.

    Args:
        model: any module.
        input: a tensor, a tuple of arguments, a dict of keyword arguments, or a tuple of ints: the
            shape of an input of zeros. None only lists the parameters.
        depth: how many levels of modules the table shows; None for all.

    Raises what the model raises for this input.

    Example::

        >>> print(torch.summary(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), (2, 3)))
        layer        output  parameters  FLOPs
        --------------------------------------
        Sequential   [2, 4]          16     48
          0: Linear  [2, 4]          16     48
          1: ReLU    [2, 4]
        --------------------------------------
        parameters: 16
        FLOPs: 48
        memory of parameters: 64 B
        memory of buffers: 0 B
        memory of outputs: 64 B
    """
    layers = {
        module: Layer(path, path.count(".") + bool(path), not module._modules)
        for path, module in model.named_modules()
    }
    if input is not None:
        _run(model, _arguments(model, input), layers)
    for module, layer in layers.items():  # after the run, which gives lazy ones their shapes
        layer.kind = module._get_name()
        layer.parameters = sum([p.numel() for p in sized(module.parameters())])
    parameters, buffers = sized(model.parameters()), sized(model.buffers())
    every = list(layers.values())
    return Summary(
        [layer for layer in every if depth is None or layer.depth <= depth],
        sum([p.numel() for p in parameters]),
        sum([p.numel() for p in parameters if p.requires_grad]),
        sum([_bytes(p) for p in parameters]),
        sum([_bytes(b) for b in buffers]),
        sum([layer.output_bytes for layer in every if layer.leaf]),
        layers[model].flops,
    )


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()  # type: ignore[attr-defined, no-any-return]


def _arguments(model: Module, input: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(input, dict):
        return (), input
    if isinstance(input, tuple) and input and all([isinstance(n, int) for n in input]):
        first = next(model.parameters(), None)
        options = {} if first is None else {"device": first.device}
        if first is not None and first.dtype.is_floating_point:
            options["dtype"] = first.dtype
        return (zeros(input, **options),), {}
    return (input if isinstance(input, tuple) else (input,)), {}


class _Counter(Interceptor):
    """Adds the operations of every call to the modules that are running."""

    def __init__(self) -> None:
        self.running: list[Layer] = []

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        result = self.proceed(op, tensors, params)
        operations = count(op.name, tensors, result)
        for layer in _distinct(self.running):
            layer.flops += operations
        return result


def _distinct(layers: list[Layer]) -> list[Layer]:
    """Each once: a module may be running within itself."""
    return list({id(layer): layer for layer in layers}.values())


def _run(
    model: Module,
    arguments: tuple[tuple[Any, ...], dict[str, Any]],
    layers: dict[Module, Layer],
) -> None:
    with _evaluating(model), no_grad(), _Counter() as counter, _watched(layers, counter):
        model(*arguments[0], **arguments[1])


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """In evaluation mode; afterwards every module is in the mode it was in."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


@contextmanager
def _watched(layers: dict[Module, Layer], counter: _Counter) -> Iterator[None]:
    """Hooks that note which modules run and what they return."""

    def enter(module: Module, args: Any) -> None:
        counter.running.append(layers[module])

    def leave(module: Module, args: Any, output: Any) -> None:
        layer = counter.running.pop()
        tensors = list(_tensors(output))
        layer.calls += 1
        layer.shapes = [tuple(t.shape) for t in tensors]
        layer.output_bytes += sum([_bytes(t) for t in tensors])

    handles = [module.register_forward_pre_hook(enter) for module in layers]
    handles += [module.register_forward_hook(leave) for module in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
