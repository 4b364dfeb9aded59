"""The likely fix of the most frequent errors, from their first line and the arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from flambeau.core.errors.messages import broadcast_shape

_FIXES: dict[str, str] = {
    r"expected .*to have (the )?same dtype|must have the same dtype|expected scalar type": (
        "bring both to one dtype, e.g. `x.to(weight.dtype)` (arrays from NumPy are float64, "
        "Python ints make int64)"
    ),
    r"Expected all tensors to be on the same device|is not on the expected device": (
        "move one of them with `.to(device)`"
    ),
    r"view size is not compatible": "`.reshape(...)` copies where it must; `.contiguous()` first",
    r"result type .* can't be cast": (
        "use the form that is not in place (`x = x + y`), or convert the tensor or `out=` first"
    ),
    r"output with shape .* doesn't match": (
        "an in-place result cannot grow: use the form that is not in place (`x = x + y`)"
    ),
    r"a leaf Variable that requires grad": (
        "update parameters under `with torch.no_grad():`, or use the form that is not in place"
    ),
    r".*could not infer output dtype|std and var only support": "convert with `.float()` first",
    r"ZeroDivisionError": "a divisor is 0: integers have no infinity, `.float()` has",
    r"Integers to negative integer powers": "convert the base with `.float()` first",
    r"only one dimension can be inferred": "only one size may be -1",
    r"Promotion for": "convert one of them with `.to(...)` first",
    r"Sizes of tensors must match except": "all other dimensions must be equal: check `dim=`",
    r".*Expected reduction dim": "the tensor is empty: check the selection that made it",
    r"DefaultCPUAllocator": "use smaller sizes or batches, or a smaller dtype",
    r"tensors used as indices must be": "convert the index with `.long()`",
    r"\"\w+\" not implemented for '(Float|Double|Half|BFloat16)'": (
        "integers or bools are needed: convert with `.long()` or `.bool()`"
    ),
    r"\"\w+\" not implemented for '(Long|Int|Short|Char|Byte|Bool)'": (
        "floating numbers are needed: convert with `.float()`"
    ),
    r"\"\w+\" not implemented for 'Complex": "use `.real`, `.imag` or `.abs()`",
    r"element 0 of tensors does not require grad": (
        "no input of the computation has `requires_grad=True`, or it ran under `torch.no_grad()`"
    ),
}


def likely_fix(first_line: str, arguments: Sequence[Any]) -> str | None:
    """The likely fix, or None where there is no good guess."""
    for pattern, make in _COMPUTED.items():
        match = re.match(pattern, first_line)
        if match:
            return make(match, _shapes(arguments))
    return next((fix for pattern, fix in _FIXES.items() if re.match(pattern, first_line)), None)


def _shapes(arguments: Sequence[Any]) -> list[list[int]]:
    return [list(a.shape) for a in arguments if hasattr(a, "shape")]


def _broadcast(match: re.Match[str], shapes: list[list[int]]) -> str:
    rule = "sizes broadcast where they are equal or 1, counted from the last dimension"
    if len(shapes) != 2:
        return rule
    for name, own, other in (("second", shapes[1], shapes[0]), ("first", shapes[0], shapes[1])):
        if not 0 < len(own) < len(other):
            continue
        for dim in range(1, len(own) + 1):
            if broadcast_shape([other, [*own[:dim], 1, *own[dim:]]]) is not None:
                return f"{rule}; `.unsqueeze({dim})` on the {name} would fit"
    if len(shapes[1]) == 2 and broadcast_shape([shapes[0], shapes[1][::-1]]) is not None:
        return f"{rule}; `.mT` on the second would fit"
    return rule


def _matmul(match: re.Match[str], shapes: list[list[int]]) -> str:
    rule = "the last size of the first must equal the last but one of the second"
    first, second = shapes[-2:] if len(shapes) > 1 else ([], [])
    if len(second) > 1 and first and first[-1] == second[-1]:
        return f"{rule}; `.mT` on the second would fit"
    if len(first) > 1 and len(second) > 1 and first[-2] == second[-2]:
        return f"{rule}; `.mT` on the first would fit"
    return rule


def _dimension(match: re.Match[str], shapes: list[list[int]]) -> str | None:
    if not shapes:
        return None
    return f"the shape is {shapes[0]}: dimensions count from 0, or from -1 backwards"


def _index(match: re.Match[str], shapes: list[list[int]]) -> str:
    size = int(match[1])
    return f"indices go from {-size} to {size - 1}" if size else "the dimension is empty"


def _reshape(match: re.Match[str], shapes: list[list[int]]) -> str:
    return f"the sizes must multiply to {match[1]}; one of them may be -1"


_COMPUTED: dict[str, Callable[[re.Match[str], list[list[int]]], str | None]] = {
    r"The size of tensor a": _broadcast,
    r"mat1 and mat2 shapes cannot be multiplied|size mismatch, got input|Expected size for first"
    r" two dimensions of batch2": _matmul,
    r"Dimension out of range": _dimension,
    r"index -?\d+ is out of bounds for dimension \d+ with size (\d+)": _index,
    r"shape '.*' is invalid for input of size (\d+)": _reshape,
}
