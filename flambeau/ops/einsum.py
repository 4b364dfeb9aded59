"""Einstein summation."""

from __future__ import annotations

import math
import string
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from flambeau.core.promotion import result_dtype
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops.contraction import Labels
from flambeau.ops.products import matmul


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


# Whether opt_einsum is asked for the order, and what it does; torch.backends.opt_einsum sets this.
planning: dict[str, Any] = {"enabled": True, "strategy": "auto"}


def _path(labels: list[Labels], result: Labels, shapes: list[Any]) -> list[tuple[int, int]]:
    """Which two terms to contract at each step: left to right, or as opt_einsum advises."""
    count = len(labels)
    if (
        count > 2
        and planning["enabled"]
        and find_spec("opt_einsum") is not None
        and not any(isinstance(label, int) for ls in labels for label in ls)
    ):
        import opt_einsum

        equation = ",".join(["".join(dict.fromkeys(ls)) for ls in labels]) + "->" + "".join(result)
        steps = opt_einsum.contract_path(
            equation, *shapes, shapes=True, memory_limit=None, optimize=planning["strategy"]
        )[0]
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


__all__ = exported(globals())
