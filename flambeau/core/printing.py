"""``repr`` of tensors: numbers brought to a common width, edges of large tensors, suffixes.

Only what is shown is read: of a large tensor the edges, which is also what decides the format.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy

from flambeau.core.dtype import bool_, default, dtype, int64
from flambeau.core.flips import elements
from flambeau.core.sparse import is_sparse
from flambeau.core.tensor import PLAIN, Parameter
from flambeau.kernels.shared.sparse.arrays import Coo


@dataclass
class PrintOptions:
    """How tensors are printed; ``set_printoptions`` says what each option means."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PRINT_OPTS = PrintOptions()
_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are printed.

    ``precision``: digits behind the point (4). ``threshold``: tensors with more elements show
    their edges only (1000). ``edgeitems``: elements at each edge (3). ``linewidth``: characters
    in a line (80). ``profile``: ``"default"``, ``"short"`` or ``"full"`` sets these four at once.
    ``sci_mode``: scientific notation always (True), never (False), or where it reads better (None).

    >>> set_printoptions(precision=2)
    >>> torch.tensor([1.12345])
    tensor([1.12])
    """
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    if profile in _PROFILES:
        _assign(asdict(_PROFILES[profile]))
    _assign({name: value for name, value in given.items() if value is not None})
    PRINT_OPTS.sci_mode = sci_mode


def _assign(values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(PRINT_OPTS, name, value)


def get_printoptions() -> dict[str, Any]:
    """The options as a dictionary."""
    return asdict(PRINT_OPTS)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Other options inside a block; the arguments are those of ``set_printoptions``."""
    before = get_printoptions()
    set_printoptions(**{"sci_mode": before["sci_mode"], **options})
    try:
        yield
    finally:
        _assign(before)


# ---- the whole


def tensor_str(tensor: Any, contents: str | None = None) -> str:
    """What ``repr(tensor)`` shows; ``contents`` replaces the elements."""
    name = "tensor" if type(tensor) in PLAIN else type(tensor).__name__
    prefix = f"{name}("
    meta = tensor.device.type == "meta"
    sparse = is_sparse(tensor)
    if contents is None:
        show = _sparse_contents if sparse else _elements
        contents = "..." if meta else show(elements(tensor), tensor.kind.xp, len(prefix))
    suffixes = _sparse_suffixes(tensor) if sparse else _suffixes(tensor, meta)
    apart = sparse and tensor.is_sparse
    text = _with_suffixes(prefix + contents, suffixes, len(prefix), apart)
    return f"Parameter containing:\n{text}" if isinstance(tensor, Parameter) else text


def _suffixes(tensor: Any, meta: bool) -> list[str]:
    found = []
    of, array = tensor.dtype, tensor._array
    if tensor.device.type != "cpu":
        found.append(f"device='{tensor.device}'")
    hidden = PRINT_OPTS.edgeitems == 0 if array.size else array.ndim != 1
    if meta or hidden:
        found.append(f"size={tuple(array.shape)}")
    if of is not default.dtype if meta or array.size == 0 else not _goes_without_saying(of):
        found.append(f"dtype={of}")
    return found + _history(tensor)


def _sparse_suffixes(tensor: Any) -> list[str]:
    found = [] if tensor.device.type == "cpu" else [f"device='{tensor.device}'"]
    found += [f"size={tuple(tensor.shape)}", f"nnz={tensor._array.nnz}"]
    if not _goes_without_saying(tensor.dtype):
        found.append(f"dtype={tensor.dtype}")
    return [*found, f"layout={tensor.layout}", *_history(tensor)]


def _goes_without_saying(of: dtype) -> bool:
    """Whether the elements alone show the dtype."""
    return of in (default.dtype, int64, bool_) or (of.is_complex and of.to_real() is default.dtype)


def _history(tensor: Any) -> list[str]:
    try:
        maker = tensor.grad_fn
    except RuntimeError:  # a view whose history an in-place operation has made invalid
        return ["grad_fn=<Invalid>"]
    if maker is not None:
        return [f"grad_fn=<{type(maker).__name__}>"]
    return ["requires_grad=True"] if tensor.requires_grad else []


def _with_suffixes(text: str, suffixes: list[str], indent: int, apart: bool = False) -> str:
    """Adds the suffixes and the bracket, in new lines where a line would become too long; the first
    one stands ``apart`` in a line of its own if asked for."""
    parts = [text]
    used = len(text) - text.rfind("\n") + 1 if not apart else PRINT_OPTS.linewidth
    for suffix in suffixes:
        if used + len(suffix) + 2 > PRINT_OPTS.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            used = indent + len(suffix)
        else:
            parts.append(f", {suffix}")
            used += len(suffix) + 2
    return "".join(parts) + ")"


# ---- the elements


def _sparse_contents(array: Any, xp: Any, indent: int) -> str:
    """The parts of a sparse array, one below the other."""
    lines = []
    for name, part in _parts(array):
        prefix = f"{name}=tensor("
        text = _elements(part, xp, indent + len(prefix))
        if part.size == 0:
            text += f", size={tuple(part.shape)}"
        lines.append(f"{prefix}{text})")
    return (",\n" + " " * indent).join(lines)


def _parts(array: Any) -> list[tuple[str, Any]]:
    if isinstance(array, Coo):
        return [("indices", array.indices), ("values", array.values)]
    pointers, plain = ("crow", "col") if array.by_rows else ("ccol", "row")
    return [
        (f"{pointers}_indices", array.pointers),
        (f"{plain}_indices", array.plain),
        ("values", array.values),
    ]


def _elements(array: Any, xp: Any, indent: int) -> str:
    if array.size == 0:
        return "[]"
    shape = array.shape
    edge = PRINT_OPTS.edgeitems
    cut = [array.size > PRINT_OPTS.threshold and size > 2 * edge for size in shape]
    if any(cut):
        if edge == 0:
            return "[...]"
        array = _edges(array, cut, edge, xp)
    if not isinstance(array, numpy.ndarray):
        array = array.get()  # from a CUDA device
    words, width = _words(array)
    if not shape:
        return words[0]
    return _nested(words, array.shape, cut, indent, width + 2)


def _edges(array: Any, cut: Sequence[bool], edge: int, xp: Any) -> Any:
    """The first and last ``edge`` elements in every dimension that is cut."""
    for dim, is_cut in enumerate(cut):
        if is_cut:
            before = (slice(None),) * dim
            ends = [array[(*before, slice(edge))], array[(*before, slice(-edge, None))]]
            array = xp.concatenate(ends, dim)
    return array


def _nested(
    words: list[str], shape: Sequence[int], cut: Sequence[bool], indent: int, length: int
) -> str:
    """Words in brackets, one pair for each dimension; ``length`` is that of a word and a comma."""
    edge = PRINT_OPTS.edgeitems
    if len(shape) == 1:
        row = [*words[:edge], " ...", *words[edge:]] if cut[0] else words
        per_line = max(1, (PRINT_OPTS.linewidth - indent) // length)
        lines = [", ".join(row[i : i + per_line]) for i in range(0, len(row), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    step = len(words) // shape[0]
    parts = [
        _nested(words[i : i + step], shape[1:], cut[1:], indent + 1, length)
        for i in range(0, len(words), step)
    ]
    if cut[0]:
        parts.insert(edge, "...")
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(parts) + "]"


# ---- numbers


def _words(array: numpy.ndarray) -> tuple[list[str], int]:
    """The elements in row-major order, brought to a common width, and that width."""
    kind = array.dtype.kind
    if kind == "c":
        return _complex_words(array)
    if kind in "biu":
        words = [str(value) for value in array.ravel().tolist()]
        width = max(map(len, words))
    else:
        words, width = _floating_words(array)
    return [word.rjust(width) for word in words], width


def _complex_words(array: numpy.ndarray) -> tuple[list[str], int]:
    """Real and imaginary parts have formats of their own; only the real parts are aligned."""
    real, real_width = _floating_words(array.real)
    imaginary, imaginary_width = _floating_words(array.imag)
    words = [
        a.rjust(real_width) + (b if b[0] == "-" else f"+{b}") + "j"
        for a, b in zip(real, imaginary, strict=True)
    ]
    return words, real_width + imaginary_width + 1


class _Format(NamedTuple):
    """How floating numbers are written: a format specification, and whether a point follows."""

    spec: str
    point: bool


def _floating_words(array: numpy.ndarray) -> tuple[list[str], int]:
    """The numbers as words, not yet aligned, and the width of those that are neither 0 nor inf."""
    values = array.astype(numpy.float64).ravel().tolist()
    spec, point = _format([abs(v) for v in values if v and math.isfinite(v)])
    words = [format(value, spec) for value in values]
    if point:
        words = [f"{w}." if math.isfinite(v) else w for w, v in zip(words, values, strict=True)]
    counted = [len(w) for w, v in zip(words, values, strict=True) if v and math.isfinite(v)]
    return words, max(counted, default=1)


def _format(sizes: list[float]) -> _Format:
    """The format for numbers whose absolute values, without 0 and inf, are these."""
    whole = all([size.is_integer() for size in sizes])
    scientific = PRINT_OPTS.sci_mode if sizes else False
    if scientific is None:
        low, high = min(sizes), max(sizes)
        scientific = high / low > 1000.0 or high > 1e8 or (not whole and low < 1e-4)
    if scientific:
        return _Format(f".{PRINT_OPTS.precision}e", point=False)
    return _Format(".0f" if whole else f".{PRINT_OPTS.precision}f", point=whole)
