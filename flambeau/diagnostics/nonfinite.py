"""``detect_nonfinite``: the operator, line and module where NaN or infinity begins."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from weakref import WeakKeyDictionary

import numpy

from flambeau.core.errors import describe_site, site
from flambeau.core.flips import elements
from flambeau.core.interception import Interceptor
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.optim.optimizer import register_optimizer_step_post_hook
from flambeau.utils.module_tracker import ModuleTracker
from flambeau.utils.weak import WeakTensorKeyDictionary

# Operators that give infinities on purpose, for masks.
MASKS = frozenset(("masked_fill", "where", "fill", "full_like"))


class NonFiniteError(FloatingPointError):
    """A result, a gradient or a parameter has NaN or infinity.

    Attributes: ``operator``, ``module`` (its path, or None), ``line``, ``position`` (of the first
    bad element), ``stage`` (``"forward"``, ``"backward"`` or ``"step"``) and ``producer`` (False if
    an operand had such values already).
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.operator: str = facts["operator"]
        self.module: str | None = facts["module"]
        self.line: str = facts["line"]
        self.position: tuple[int, ...] = facts["position"]
        self.stage: str = facts["stage"]
        self.producer: bool = facts["producer"]


class detect_nonfinite(Interceptor):  # noqa: N801 - used like ``detect_anomaly``
    """Raises :class:`NonFiniteError` at the first operator that makes NaN or infinity.

    Checks results in the forward pass, gradients in backward passes, and parameters after an
    optimizer's step. An operator that makes NaN from finite or infinite operands, or infinity from
    finite ones, is a producer; one whose operands come with such values from outside a propagator.
    Infinities from outside in tensors that ask for no gradient count as masks, and are allowed.
    For debugging: every result is read once more.

    Args:
        allow: names of operators and paths of modules that may give such values; what follows from
            these values is not an error either. By default operators that make masks.

    >>> with detect_nonfinite():
    ...     torch.tensor([1.0, 0.0]).log()
    Traceback (most recent call last):
        ...
    flambeau.diagnostics.nonfinite.NonFiniteError: log made -inf at position (1,) ...
    """

    def __init__(self, allow: Collection[str] = MASKS) -> None:
        self.allow = frozenset(allow)
        self.tracker = ModuleTracker()
        self.excused = WeakTensorKeyDictionary()
        self.made: WeakKeyDictionary[Any, tuple[str, str | None]] = WeakKeyDictionary()
        self.node: Any = None

    def __enter__(self) -> detect_nonfinite:
        self.tracker.__enter__()
        self.outer, modes.watcher = modes.watcher, self
        self.hook = register_optimizer_step_post_hook(self._check_step)
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        self.hook.remove()
        modes.watcher = self.outer
        self.tracker.__exit__(*exc)

    # ---- forward

    def intercept(self, op: Any, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        result = self.proceed(op, tensors, params)
        results = result if isinstance(result, tuple | list) else (result,)
        for made in results:
            if isinstance(made, Tensor):
                self._check(op, made, tensors)
        node = getattr(results[0], "_node", None) if results else None
        if node is not None:
            self.made[node] = (describe_site(site()), self._module())
        return result

    def _check(self, op: Any, made: Tensor, tensors: tuple[Any, ...]) -> None:
        bad = _kind_of_trouble(made)
        if bad is None:
            return
        sources = [t for t in tensors if isinstance(t, Tensor)]
        troubles = [_kind_of_trouble(t) for t in sources]
        meant = any([t in self.excused or (bad == k == "inf" and t._node is None)
                     for t, k in zip(sources, troubles) if k])  # fmt: skip
        if meant or self._allows(op):
            self.excused[made] = True
            return
        propagated = "nan" in troubles if bad == "nan" else any(troubles)
        self._raise(op.name, made, sources, not propagated)

    def _allows(self, op: Any) -> bool:
        module = self._module() or ""
        return op.name in self.allow or any([module == a or module.startswith(f"{a}.")
                                             for a in self.allow])  # fmt: skip

    def _module(self) -> str | None:
        names = self.tracker.parents - {"Global"}
        return max(names, key=lambda name: name.count("."), default=None)

    def _raise(self, name: str, made: Tensor, sources: list[Tensor], producer: bool) -> None:
        position, value = _first(made)
        line, module, stage = describe_site(site()), self._module(), "forward"
        verb = "made" if producer else "passed on"
        lines = [f"{name} {verb} {value} at position {position} of a result of shape "
                 f"{tuple(made.shape)}"]  # fmt: skip
        if self.node is not None:
            stage = "backward"
            line, module = self.made.get(self.node, (line, module))
            lines.append(f"  in the gradient of {self.node.name()}, whose forward ran")
        lines.append(f"  at {line}")
        if module is not None:
            lines.append(f"  in module {module}")
        lines += [f"  operand {i}: {_described(t)}" for i, t in enumerate(sources)]
        if not producer:
            lines.append("  the values came from outside: from data, parameters or an earlier step")
        raise NonFiniteError("\n".join(lines), operator=name, module=module, line=line,
                             position=position, stage=stage, producer=producer)  # fmt: skip

    # ---- backward and step

    def pull(self, node: Any, grad: Any) -> Any:
        """The gradients of a node; errors inside name its forward line."""
        before, self.node = self.node, node
        try:
            return node.pull(grad) if self.outer is None else self.outer.pull(node, grad)
        finally:
            self.node = before

    def _check_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        for index, group in enumerate(optimizer.param_groups):
            for number, parameter in enumerate(group["params"]):
                if _kind_of_trouble(parameter) is None:
                    continue
                position, value = _first(parameter)
                name = f"{type(optimizer).__name__}.step"
                line = describe_site(site())
                raise NonFiniteError(
                    f"{name} made {value} at position {position} of parameter {number} in group "
                    f"{index}\n  at {line}\n  its gradient: {_described(parameter.grad)}",
                    operator=name, module=None, line=line, position=position, stage="step",
                    producer=True,
                )  # fmt: skip


def _values(tensor: Any) -> Any:
    array = elements(tensor)
    if array.dtype.kind == "V":
        array = array.astype(numpy.float32)
    return array if array.dtype.kind in "fc" else None


def _kind_of_trouble(tensor: Any) -> str | None:
    """``"nan"``, ``"inf"``, or None where all elements are finite."""
    values = _values(tensor) if tensor.device.type != "meta" else None
    if values is None or not values.size:
        return None
    xp = tensor.kind.xp
    if bool(xp.isfinite(values).all()):
        return None
    return "nan" if bool(xp.isnan(values).any()) else "inf"


def _first(tensor: Any) -> tuple[tuple[int, ...], Any]:
    """The position of the first element that is not finite, and its value."""
    values, xp = _values(tensor), tensor.kind.xp
    flat = int(xp.argmax(~xp.isfinite(values).reshape(-1)))
    position = tuple([int(i) for i in numpy.unravel_index(flat, values.shape)])
    return position, values.reshape(-1)[flat].item()


def _described(tensor: Any) -> str:
    """Shape, dtype and range of a tensor."""
    if tensor is None:
        return "none"
    values = _values(tensor)
    text = f"{tensor.dtype} {list(tensor.shape)}"
    if values is None or not values.size or values.dtype.kind == "c":
        return text
    finite = values[tensor.kind.xp.isfinite(values)]
    bad = values.size - finite.size
    span = f", from {finite.min():.4g} to {finite.max():.4g}" if finite.size else ""
    return text + span + (f", {bad} not finite" if bad else "")
