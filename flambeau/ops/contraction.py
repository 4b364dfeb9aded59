"""Sums of products over named or numbered dimensions: einsum, tensordot, kron and their kin."""

from __future__ import annotations

import math
import string
from functools import lru_cache, reduce
from importlib.util import find_spec
from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import scalar_name
from flambeau.core.errors.messages import broadcast_shape
from flambeau.core.op import wrap_dim
from flambeau.core.promotion import result_dtype
from flambeau.core.publish import exported, method
from flambeau.core.size import Size
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.ops.joining import cat
from flambeau.ops.products import matmul, mm

Labels = tuple[Any, ...]


# ---- einsum


def einsum(*args: Any) -> Tensor:
    """The sum of products of tensors over the labels that the result does not have.

    ``einsum("ij,jk->ik", a, b)``, or with lists of ints: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.
    Pairs are contracted by matrix products; with ``opt_einsum`` installed, in the order of least
    work.
    >>> einsum("i,j->ij", torch.ones(2), torch.ones(3)).shape
    torch.Size([2, 3])
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least "
            "one operand and its subscripts list"
        )
    if isinstance(args[0], Tensor):
        equation, operands = _from_lists(args)
    else:
        equation, operands = args[0], list(args[1:])
        if len(operands) == 1 and isinstance(operands[0], list | tuple):
            operands = list(operands[0])
    labels, result = _parsed(equation, tuple([tuple(o.shape) for o in operands]))
    terms = [_diagonals(o, label) for o, label in zip(operands, labels)]
    for left, right in _path(labels, result, [t[0].shape for t in terms]):
        second, first = terms.pop(max(left, right)), terms.pop(min(left, right))
        if left > right:
            first, second = second, first
        kept = set(result).union(*[label for _, label in terms])
        terms.append(_contracted(first, second, kept))
    tensor, have = terms[0]
    extra = tuple([i for i, label in enumerate(have) if label not in result])
    if extra:
        tensor = tensor.sum(extra)  # type: ignore[attr-defined]
        have = tuple([label for label in have if label in result])
    return tensor.permute([have.index(label) for label in result]) if have else tensor  # type: ignore


def _from_lists(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    """The equation that lists of ints stand for."""

    def text(subscripts: Any) -> str:
        parts = []
        for s in subscripts:
            if s is Ellipsis:
                parts.append("...")
            elif not 0 <= s < 52:
                raise ValueError(f"einsum(): subscript {s} is not within the valid range [0, 52)")
            else:
                parts.append(string.ascii_letters[s])
        return "".join(parts)

    inputs = [text(s) for s in args[1::2]]
    equation = ",".join(inputs)
    if len(args) % 2:
        equation = ",".join([text(s) for s in args[1:-1:2]]) + "->" + text(args[-1])
    return equation, list(args[: len(args) - len(args) % 2 : 2])


@lru_cache(1024)
def _parsed(equation: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the result; "..." becomes numbers counted from the end."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        few = "fewer" if len(terms) > len(shapes) else "more"
        raise RuntimeError(f"einsum(): {few} operands were provided than specified in the equation")
    labels = [_labels(term, len(shape), k) for k, (term, shape) in enumerate(zip(terms, shapes))]
    sizes = _sizes(labels, shapes)
    broadcast = sorted(
        {label for ls in labels for label in ls if isinstance(label, int)}, reverse=True
    )
    if not arrow:
        counts = [label for ls in labels for label in ls if isinstance(label, str)]
        return labels, (
            *broadcast,
            *sorted({label for label in counts if counts.count(label) == 1}, key=_order),
        )
    if "..." in right:
        at = right.index("...")
        result = (*right[:at], *broadcast, *right[at + 3 :])
    else:
        result = tuple(right)
    for label in result:
        if result.count(label) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {label} appears more than once in the output"
            )
        if label not in sizes:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any "
                "input operand"
            )
    return labels, result


def _order(label: str) -> tuple[bool, str]:
    return label.islower(), label


def _labels(term: str, ndim: int, k: int) -> Labels:
    head, dots, tail = term.partition("...")
    for c in head + tail:
        if not c.isalpha():
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {term.index(c)} in the equation "
                "string, subscripts must be in [a-zA-Z]"
            )
    rest = ndim - len(head) - len(tail)
    if rest < 0 or (rest and not dots):
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(head) + len(tail)}) "
            f"{'is more than' if dots else 'does not match'} the number of dimensions "
            f"({ndim}) for operand {k}" + ("" if dots else " and no ellipsis was given")
        )
    return (*head, *range(rest - 1, -1, -1), *tail)


def _sizes(labels: list[Labels], shapes: tuple[tuple[int, ...], ...]) -> dict[Any, int]:
    sizes: dict[Any, int] = {}
    for k, (ls, shape) in enumerate(zip(labels, shapes)):
        for label, n in zip(ls, shape):
            old = sizes.get(label, 1)
            if n not in (1, old) and old != 1:
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {n} for operand {k} which does not "
                    f"broadcast with previously seen size {old}"
                )
            sizes[label] = n if old == 1 else old
    return sizes


def _diagonals(tensor: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """The operand with a label that stands twice reduced to its diagonal."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            if tensor.shape[i] != tensor.shape[j]:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand 0 but the sizes "
                    f"don't match, {tensor.shape[j]} != {tensor.shape[i]}"
                )
            tensor = tensor.diagonal(0, i, j)  # type: ignore[attr-defined]
            labels = (*[label for k, label in enumerate(labels) if k not in (i, j)], label)
    return tensor, labels


def _path(labels: list[Labels], result: Labels, shapes: list[Any]) -> list[tuple[int, int]]:
    """Which two terms to contract at each step: left to right, or as opt_einsum advises."""
    count = len(labels)
    if (
        count > 2
        and find_spec("opt_einsum") is not None
        and not any(isinstance(label, int) for ls in labels for label in ls)
    ):
        import opt_einsum

        equation = ",".join(["".join(dict.fromkeys(ls)) for ls in labels]) + "->" + "".join(result)
        steps = opt_einsum.contract_path(equation, *shapes, shapes=True, memory_limit=None)[0]
        return [tuple(s) for s in steps if len(s) == 2]
    # Each product goes to the end of the list: it is the left operand of the next.
    return [(0, 1)] + [(count - 1 - k, 0) for k in range(1, count - 1)] if count > 1 else []


def _contracted(
    first: tuple[Tensor, Labels], second: tuple[Tensor, Labels], kept: set[Any]
) -> tuple[Tensor, Labels]:
    """One pair as a stack of matrix products: ``[batch, left, sum] @ [batch, sum, right]``."""
    (a, a_labels), (b, b_labels) = _summed(first, second, kept), _summed(second, first, kept)
    shared = [label for label in a_labels if label in b_labels]
    size_a, size_b = dict(zip(a_labels, a.shape)), dict(zip(b_labels, b.shape))
    total = [label for label in shared if label not in kept and size_a[label] == size_b[label]]
    batch = [label for label in shared if label not in total]
    left = [label for label in a_labels if label not in shared]
    right = [label for label in b_labels if label not in shared]
    x = _arranged(a, a_labels, batch, left, total)
    y = _arranged(b, b_labels, batch, total, right)
    if x.dtype is not y.dtype:  # an integer operand that was summed
        of = result_dtype(x, y)
        x, y = x.to(of), y.to(of)  # type: ignore[attr-defined]
    product = matmul(x, y)
    sizes = [
        max(size_a[label], size_b[label]) if 0 not in (size_a[label], size_b[label]) else 0
        for label in batch
    ]
    shape = [*sizes, *[size_a[label] for label in left], *[size_b[label] for label in right]]
    out, labels = product.reshape(shape), (*batch, *left, *right)  # type: ignore[attr-defined]
    gone = tuple([i for i, label in enumerate(labels) if label not in kept])
    if gone:
        out = out.sum(gone, dtype=out.dtype)
    return out, tuple([label for label in labels if label in kept])


def _summed(
    term: tuple[Tensor, Labels], other: tuple[Tensor, Labels], kept: set[Any]
) -> tuple[Tensor, Labels]:
    """A term summed over the labels that nobody else has."""
    tensor, labels = term
    dims = tuple(
        [i for i, label in enumerate(labels) if label not in kept and label not in other[1]]
    )
    if not dims:
        return term
    return tensor.sum(dims), tuple([label for i, label in enumerate(labels) if i not in dims])  # type: ignore


def _arranged(
    tensor: Tensor, labels: Labels, batch: list[Any], rows: list[Any], columns: list[Any]
) -> Tensor:
    order = [labels.index(label) for label in (*batch, *rows, *columns)]
    moved = tensor.permute(order) if order else tensor  # type: ignore[attr-defined]
    sizes = list(moved.shape)
    n, m = len(batch), len(batch) + len(rows)
    return moved.reshape([*sizes[:n], math.prod(sizes[n:m]), math.prod(sizes[m:])])


# ---- numbered dimensions


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """The sum of products over pairs of dimensions: the last of ``a`` and the first of ``b``, or
    lists."""
    if isinstance(dims, Tensor):
        dims = dims.tolist() if dims.numel() > 1 else int(dims)  # type: ignore[attr-defined]
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        of_a, of_b = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        of_a, of_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    shown = [d - a.ndim for d in of_a] if isinstance(dims, int) else of_a
    of_a, of_b = [wrap_dim(d, a.ndim) for d in of_a], [wrap_dim(d, b.ndim) for d in of_b]
    if len(of_a) != len(of_b):
        raise RuntimeError("both dimension lists should have same length")
    for i, j, named in zip(of_a, of_b, shown):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[i]} in dim "
                f"{named} and second has size {b.shape[j]} in dim {j}"
            )
        if a.shape[i] != b.shape[j]:
            a = a.sum(i, True, dtype=a.dtype) if b.shape[j] == 1 else a  # type: ignore[attr-defined]
            b = b.sum(j, True, dtype=b.dtype) if a.shape[i] == 1 else b  # type: ignore[attr-defined]
    rows = [d for d in range(a.ndim) if d not in of_a]
    columns = [d for d in range(b.ndim) if d not in of_b]
    inner = math.prod([a.shape[d] for d in of_a])
    shape = [*[a.shape[d] for d in rows], *[b.shape[d] for d in columns]]
    x = a.permute([*rows, *of_a]).reshape(math.prod([a.shape[d] for d in rows]), inner)  # type: ignore
    y = b.permute([*of_b, *columns]).reshape(inner, math.prod([b.shape[d] for d in columns]))  # type: ignore
    return deliver("tensordot", mm(x, y).reshape(shape), out)  # type: ignore[attr-defined]


@method("inner")
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of products over the last dimensions of both."""
    if input.ndim == 0 or other.ndim == 0:
        return deliver("inner", input * other, out)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return deliver("inner", tensordot(input, other, ([-1], [-1])), out)


@method("kron")
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: each element of ``input`` times all of ``other``."""
    n = max(input.ndim, other.ndim)
    a = (1,) * (n - input.ndim) + tuple(input.shape)
    b = (1,) * (n - other.ndim) + tuple(other.shape)
    x = input.reshape([k for m in a for k in (m, 1)])  # type: ignore[attr-defined]
    y = other.reshape([k for m in b for k in (1, m)])  # type: ignore[attr-defined]
    return deliver("kron", (x * y).reshape([p * q for p, q in zip(a, b)]), out)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of several matrices."""
    given = (
        matrices[0] if len(matrices) == 1 and isinstance(matrices[0], list | tuple) else matrices
    )
    return deliver("chain_matmul", reduce(matmul, given), out)


@method("trace")
@autocasting("trace")
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return input.diagonal().sum()  # type: ignore[attr-defined]


@method("cross")
def cross(
    input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The vector product along a dimension of size 3, the first such one by default."""
    if dim is None:
        dim = next((d for d, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[dim]} "
            f"and {other.shape[dim]}"
        )
    a = input.roll(-1, dim) * other.roll(1, dim)  # type: ignore[attr-defined]
    return deliver("cross", a - input.roll(1, dim) * other.roll(-1, dim), out)  # type: ignore


@method("dist")
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The ``p``-norm of ``input - other``."""
    return (input - other).norm(p)  # type: ignore[attr-defined]


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which tensors of these shapes are broadcast."""
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    for shape in given:
        if any(n < 0 for n in shape):
            raise ValueError("Attempting to broadcast a dimension with negative length!")
    together: list[int] = []
    for index, shape in enumerate(given):
        wider = broadcast_shape([together, shape])
        if wider is None:
            raise _mismatch(together, shape, index)
        together = wider
    return Size(together)


def _mismatch(together: list[int], shape: tuple[int, ...], index: int) -> RuntimeError:
    pairs = zip(reversed(together), reversed(shape))
    dim = next(i for i, (n, m) in enumerate(pairs, 1) if n != m and 1 not in (n, m))
    return RuntimeError(
        f"Attempting to broadcast a dimension of length {shape[-dim]} at -{dim}! Mismatching "
        f"argument at index {index} had {shape}; but expected shape should be broadcastable to "
        f"{together}"
    )


# ---- differences and statistics


@method("diff")
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The ``n``-th differences of neighbours along ``dim``."""
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError("order must be non-negative but got " + str(n))
    dim = wrap_dim(dim, input.ndim)
    if n == 0:
        return deliver("diff", input.clone(), out)  # type: ignore[attr-defined]
    parts = [t for t in (prepend, input, append) if t is not None]
    result = parts[0] if len(parts) == 1 else cat(parts, dim)
    for _ in range(n):
        size = result.shape[dim]
        left = result.narrow(dim, 0, max(size - 1, 0))  # type: ignore[attr-defined]
        right = result.narrow(dim, min(1, size), max(size - 1, 0))  # type: ignore[attr-defined]
        result = right.logical_xor(left) if result.dtype.rank == 0 else right - left
    return deliver("diff", result, out)


def _check_weights(name: str, weights: Tensor | None, rank: int, rows: Tensor) -> None:
    """RuntimeError unless there is a weight of that category, not negative, per observation."""
    if weights is None:
        return
    if weights.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
            f"{weights.ndim} dimensions"
        )
    if weights.dtype.rank != rank:
        raise RuntimeError(
            f"cov(): expected {name} to have {'integral' if rank == 1 else 'floating point'} dtype "
            f"but got {name} with {scalar_name(weights.dtype)} dtype"
        )
    if weights.numel() != rows.shape[1]:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the "
            f"input but got {weights.numel()} != {rows.shape[1]}"
        )
    if weights.device.type == "cpu" and bool((weights < 0).any()):  # type: ignore
        raise RuntimeError(f"cov(): {name} cannot be negative")


@method("cov")
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariances of variables (rows) from observations (columns)."""
    if input.ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    if input.dtype.rank == 0:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input.view(1, -1) if input.ndim < 2 else input  # type: ignore[attr-defined]
    _check_weights("fweights", fweights, 1, rows)
    _check_weights("aweights", aweights, 2, rows)
    weights = (
        fweights if aweights is None else aweights if fweights is None else fweights * aweights
    )
    total: Any = rows.shape[1] if weights is None else weights.sum()  # type: ignore[attr-defined]
    if weights is None:
        centre = rows.sum(1, True) / total  # type: ignore[attr-defined]
        freedom = total - correction
    else:
        centre = (rows * weights).sum(1, True) / total
        extra = (weights * aweights).sum() / total if aweights is not None else 1  # type: ignore
        freedom = (
            total - correction * extra
            if aweights is not None and correction
            else total - correction
        )
    apart = rows - centre
    weighted = apart if weights is None else apart * weights
    freedom = max(freedom, 0) if not isinstance(freedom, Tensor) else freedom.clamp(min=0)  # type: ignore
    products = matmul(weighted, apart.conj().mT)  # type: ignore[attr-defined]
    return (products / freedom).squeeze()  # type: ignore[attr-defined]


@method("corrcoef")
def corrcoef(input: Tensor) -> Tensor:
    """The correlation coefficients of variables (rows) from observations (columns)."""
    if input.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    c = cov(input)
    if c.ndim == 0:
        return c / c
    scale = c.diagonal().real.sqrt() if c.dtype.is_complex else c.diagonal().sqrt()  # type: ignore
    found = c / scale.unsqueeze(1) / scale.unsqueeze(0)
    if found.dtype.is_complex:
        return found
    return found.clamp(-1, 1)


__all__ = exported(globals())
