"""``FlopCounterMode``: how many floating-point operations a program makes, by operator and module.

Two are counted for each multiplication with its addition, in products, convolutions and attention
(which is made of products). Gradients count with the modules that their forward ran in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

from flambeau.core import flops
from flambeau.core.interception import Interceptor
from flambeau.core.modes import modes
from flambeau.core.op import REGISTRY, Op
from flambeau.core.tensor import Tensor
from flambeau.utils._pytree import tree_map
from flambeau.utils.module_tracker import ModuleTracker

__all__ = ["FlopCounterMode", "register_flop_formula"]

Formula = Callable[..., int]
suffixes = ["", "K", "M", "B", "T"]


def get_shape(value: Any) -> Any:
    """The shape of a tensor; anything else as it is."""
    return value.shape if isinstance(value, Tensor) else value


def shape_wrapper(function: Formula) -> Formula:
    """The formula with shapes in the place of tensors."""

    def wrapped(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
        args, kwargs, out = tree_map(get_shape, (args, kwargs, out_val))
        return function(*args, out_shape=out, **kwargs)

    wrapped._get_raw = True  # type: ignore[attr-defined]
    return wrapped


def _of_core(name: str) -> Formula:
    def count(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
        return flops.count(name, args, out_val)

    return count


flop_registry: dict[Any, Formula] = {
    REGISTRY[name]: _of_core(name) for name in flops.COUNTS if name in REGISTRY
}


def _operator(target: Any) -> Op:
    found = target if isinstance(target, Op) else getattr(target, "op", None)
    found = found or REGISTRY.get(target if isinstance(target, str) else target.__name__)
    if not isinstance(found, Op):
        raise ValueError(
            f"register_flop_formula(targets): expected each target to be an operator, got {target}"
        )
    return found


def register_flop_formula(targets: Any, get_raw: bool = False) -> Callable[[Formula], Formula]:
    """Decorator: the formula of an operator, or of a list of them.

    The formula receives the shapes of the operands and ``out_shape``; with ``get_raw`` the operands
    themselves and ``out_val``. Operators are ``Op`` objects, public functions or names.

    >>> @register_flop_formula(torch.exp)
    ... def exp_flops(shape, *args, out_shape=None):
    ...     return 4 * shape.numel()
    """

    def register(formula: Formula) -> Formula:
        wrapped = formula if get_raw else shape_wrapper(formula)
        for target in targets if isinstance(targets, list | tuple) else [targets]:
            flop_registry[_operator(target)] = wrapped
        return formula

    return register


# ---- formulas by shapes


def mm_flop(a_shape: Any, b_shape: Any, *args: Any, out_shape: Any = None, **kwargs: Any) -> int:
    """The operations of a product of matrices."""
    m, k = a_shape
    k2, n = b_shape
    if k != k2:
        raise AssertionError(f"matmul: inner dimensions must match (k == k2), got {k} and {k2}")
    return m * n * 2 * k


def addmm_flop(
    self_shape: Any, a_shape: Any, b_shape: Any, out_shape: Any = None, **kwargs: Any
) -> int:
    """The operations of a product that is added to something."""
    return mm_flop(a_shape, b_shape)


def bmm_flop(a_shape: Any, b_shape: Any, out_shape: Any = None, **kwargs: Any) -> int:
    """The operations of a batch of products."""
    b, m, k = a_shape
    b2, k2, n = b_shape
    if (b, k) != (b2, k2):
        raise AssertionError(f"bmm: shapes {a_shape} and {b_shape} do not fit")
    return b * m * n * 2 * k


def baddbmm_flop(
    self_shape: Any, a_shape: Any, b_shape: Any, out_shape: Any = None, **kwargs: Any
) -> int:
    """The operations of a batch of products that are added to something."""
    return bmm_flop(a_shape, b_shape)


def conv_flop_count(x_shape: Any, w_shape: Any, out_shape: Any, transposed: bool = False) -> int:
    """The operations of a convolution."""
    positions = x_shape[2:] if transposed else out_shape[2:]
    return prod(positions) * prod(w_shape) * x_shape[0] * 2


def conv_flop(
    x_shape: Any, w_shape: Any, _bias: Any, _stride: Any, _padding: Any, _dilation: Any,
    transposed: bool, *args: Any, out_shape: Any = None, **kwargs: Any,
) -> int:  # fmt: skip
    """The operations of a call of a convolution."""
    return conv_flop_count(x_shape, w_shape, out_shape, transposed=transposed)


def sdpa_flop_count(query_shape: Any, key_shape: Any, value_shape: Any) -> int:
    """The operations of an attention: its two products."""
    b, h, s, d = query_shape
    length, width = key_shape[-2], value_shape[-1]
    return 2 * b * h * s * length * d + 2 * b * h * s * length * width


def sdpa_flop(
    query_shape: Any, key_shape: Any, value_shape: Any, *args: Any, out_shape: Any = None,
    **kwargs: Any,
) -> int:  # fmt: skip
    """The operations of a call of an attention."""
    return sdpa_flop_count(query_shape, key_shape, value_shape)


def sdpa_backward_flop_count(
    grad_out_shape: Any, query_shape: Any, key_shape: Any, value_shape: Any
) -> int:
    """The operations of the gradients of an attention, which computes its scores again."""
    b, h, s, d = query_shape
    length, width = key_shape[-2], value_shape[-1]
    return 2 * b * h * s * length * (3 * d + 2 * width)


# ---- numbers as text


def get_suffix_str(number: float) -> str:
    """The letter that shortens a number to at most four digits."""
    index = max(0, min(len(suffixes) - 1, (len(str(number)) - 2) // 3))
    return suffixes[index]


def convert_num_with_suffix(number: float, suffix: str) -> str:
    """The number in thousands, millions, ... as the letter says."""
    return f"{number / 1000 ** suffixes.index(suffix):.3f}{suffix}"


def convert_to_percent_str(num: float, denom: float) -> str:
    """The share as a percentage."""
    return "0%" if denom == 0 else f"{num / denom:.2%}"


# ---- the mode


class FlopCounterMode(Interceptor):
    """Counts the floating-point operations of the calls inside, by module and operator.

    Args:
        mods: accepted for compatibility: modules are found by themselves.
        depth: how deep modules are shown.
        display: prints the table when it ends.
        custom_mapping: formulas by operator, beside those of ``register_flop_formula``.

    >>> with FlopCounterMode(display=False) as counter:
    ...     _ = torch.ones(2, 3) @ torch.ones(3, 4)
    >>> counter.get_total_flops()
    48
    """

    def __init__(
        self,
        mods: Any = None,
        depth: int = 2,
        display: bool = True,
        custom_mapping: dict[Any, Any] | None = None,
    ) -> None:
        self.depth, self.display = depth, display
        own = {_operator(k): _formula(v) for k, v in (custom_mapping or {}).items()}
        self.flop_registry = {**flop_registry, **own}
        self.flop_counts: dict[str, dict[Any, int]] = defaultdict(lambda: defaultdict(int))
        self.mod_tracker = ModuleTracker()
        self._made_in: WeakKeyDictionary[Any, frozenset[str]] = WeakKeyDictionary()

    def __enter__(self) -> FlopCounterMode:
        self.flop_counts.clear()
        self.mod_tracker.__enter__()
        self._outer, modes.watcher = modes.watcher, self
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        modes.watcher = self._outer
        self.mod_tracker.__exit__(*exc)
        if self.display:
            print(self.get_table(self.depth))

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        result = self.proceed(op, tensors, params)
        formula = self.flop_registry.get(op)
        if formula is not None:
            counted = formula(*tensors, *params, out_val=result)
            for parent in self.mod_tracker.parents:
                self.flop_counts[parent][op] += counted
        first = result[0] if isinstance(result, tuple | list) and result else result
        node = getattr(first, "_node", None)
        if node is not None:
            self._made_in[node] = frozenset(self.mod_tracker.parents)
        return result

    def pull(self, node: Any, grad: Any) -> Any:
        """The gradients of a node, counted with the modules it was made in."""
        parents = self.mod_tracker.parents
        self.mod_tracker.parents = set(self._made_in.get(node, ("Global",)))
        try:
            return node.pull(grad) if self._outer is None else self._outer.pull(node, grad)
        finally:
            self.mod_tracker.parents = parents

    def get_total_flops(self) -> int:
        """All operations."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self) -> dict[str, dict[Any, int]]:
        """The operations by the name of the module, then by operator."""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """The operations as text."""
        depth = self.depth if depth is None else depth
        total = self.get_total_flops()
        suffix = get_suffix_str(total)
        names = sorted([n for n in self.flop_counts if n != "Global" and n.count(".") <= depth])
        rows = [("Module", "FLOP", "% Total")]
        for name in ["Global", *names]:
            counts, indent = self.flop_counts[name], " " * (name.count(".") + (name != "Global"))
            whole = sum(counts.values())
            rows.append((indent + name, convert_num_with_suffix(whole, suffix),
                         convert_to_percent_str(whole, total)))  # fmt: skip
            for op, number in counts.items():
                rows.append((f"{indent} - aten.{op.name}", convert_num_with_suffix(number, suffix),
                             convert_to_percent_str(number, total)))  # fmt: skip
        return _aligned(rows)


def _formula(given: Any) -> Formula:
    return given if getattr(given, "_get_raw", False) else shape_wrapper(given)


def _aligned(rows: list[tuple[str, str, str]]) -> str:
    widths = [max([len(row[i]) for row in rows]) for i in range(3)]
    lines = [
        f"{name:<{widths[0]}}  {number:>{widths[1]}}  {share:>{widths[2]}}".rstrip()
        for name, number, share in rows
    ]
    lines.insert(1, "  ".join(["-" * width for width in widths]))
    return "\n".join(lines)
