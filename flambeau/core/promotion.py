"""Which dtype an operation computes in: the table of two dtypes, and the rule of many operands.

The rule: tensors with dimensions decide. A tensor without dimensions, and after it a Python
number, counts only where its category (bool, integer, floating, complex) is higher.
"""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dtype import (
    bool_,
    complex128,
    default,
    dtype,
    float32,
    float64,
    int16,
    int64,
    scalar_name,
)

_PYTHON_TYPES = {bool: bool_, int: int64, float: float64, complex: complex128}
_TABLE: dict[tuple[dtype, dtype], dtype] = {}
_RESULTS: dict[tuple[Any, ...], dtype] = {}


# ---- two dtypes


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype, of the higher category, that holds values of both.

    Raises RuntimeError where the two do not combine, as float8 and other types do not.

    >>> promote_types(torch.int32, torch.float16)
    torch.float16
    """
    found = _TABLE.get((type1, type2))
    if found is None:
        a = _as_dtype(type1, "promote_types", "type1", 1)
        b = _as_dtype(type2, "promote_types", "type2", 2)
        found = _TABLE[type1, type2] = _promote(a, b)
    return found


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a result of dtype ``from_`` may be written to a tensor of dtype ``to``.

    A category may only grow: complex to real, floating to integer and number to bool are refused.

    >>> can_cast(torch.float64, torch.int64)
    False
    """
    source = _as_dtype(from_, "can_cast", "from_", 1)
    target = _as_dtype(to, "can_cast", "to", 2)
    if source.is_complex and not target.is_complex:
        return False
    if source.is_floating_point and target.rank < 2 and target.numpy is not None:
        return False
    return target is not bool_ or source is bool_


def cannot_cast(result: dtype, out: dtype) -> RuntimeError:
    """The error of a result that may not be written to a tensor of dtype ``out``."""
    return RuntimeError(
        f"result type {scalar_name(result)} can't be cast to the desired output type "
        f"{scalar_name(out)}"
    )


def _as_dtype(given: Any, function: str, argument: str, position: int) -> dtype:
    if isinstance(given, dtype):
        return given
    if given in _PYTHON_TYPES:
        return _PYTHON_TYPES[given]
    raise TypeError(
        f"{function}(): argument '{argument}' (position {position}) must be torch.dtype, not "
        f"{type(given).__name__}"
    )


def _promote(a: dtype, b: dtype) -> dtype:
    if a is b:
        return a
    _check_combine(a, b)
    if a.is_complex or b.is_complex:
        return promote_types(a.to_real(), b.to_real()).to_complex()
    if a.rank != b.rank:
        return a if a.rank > b.rank else b
    if a.itemsize != b.itemsize:
        return a if a.itemsize > b.itemsize else b
    return float32 if a.is_floating_point else int16  # float16 and bfloat16; uint8 and int8


def _check_combine(a: dtype, b: dtype) -> None:
    """Raises RuntimeError for two different dtypes that do not combine."""
    names = scalar_name(a), scalar_name(b)
    if a.name[0] == "q" or b.name[0] == "q":
        raise RuntimeError(
            "promoteTypes with quantized numbers is not handled yet; figure out what the correct "
            f"rules should be, offending types: {names[0]} {names[1]}"
        )
    if _either("bits", a, b):
        raise RuntimeError(f"Promotion from {names[0]} and {names[1]} is unsupported.")
    tried = f"is not supported, attempted to promote {names[0]} and {names[1]}"
    if _either("float8", a, b):
        raise RuntimeError(f"Promotion for Float8 Types {tried}")
    if _bare_unsigned(a) or _bare_unsigned(b):
        if not (a.is_floating_point or b.is_floating_point):
            raise RuntimeError(f"Promotion for uint16, uint32, uint64 types {tried}")
    elif (a.numpy is None and not a.is_complex) or (b.numpy is None and not b.is_complex):
        raise RuntimeError(f"Promotion from {names[0]} and {names[1]} is unsupported.")


def _either(start: str, a: dtype, b: dtype) -> bool:
    return a.name.startswith(start) or b.name.startswith(start)


def _bare_unsigned(of: dtype) -> bool:
    """The unsigned integers that combine with floating types only."""
    return of.name.startswith("uint") and of.name != "uint8"


# ---- operands


def result_dtype(*operands: Any) -> dtype:
    """The dtype in which an operation on these tensors and Python numbers computes.

    Tensors are anything with ``dtype`` and ``ndim``. Raises RuntimeError where dtypes do not
    combine.
    """
    key: list[Any] = [default.dtype]  # what a Python float means
    for operand in operands:
        kind = type(operand)
        if kind in _PYTHON_TYPES:
            key.append(kind)
        elif isinstance(operand, (int, float, complex, numpy.generic)):
            key.append(_number_type(operand))
        else:
            key += operand.dtype, operand.ndim == 0
    found = _RESULTS.get(entries := tuple(key))
    if found is None:
        found = _RESULTS[entries] = _combine_operands(entries)
    return found


def _number_type(number: Any) -> type:
    """The Python type that a number of a subclass, or of NumPy, stands for."""
    for kind in (bool, int, complex, float):
        if isinstance(number, kind):
            return kind
    if isinstance(number, numpy.integer):
        return int
    return complex if isinstance(number, numpy.complexfloating) else float


def _combine_operands(entries: tuple[Any, ...]) -> dtype:
    """The rule, for a default dtype followed by number types and (dtype, has no dimensions)."""
    dimensioned = zero_dim = number = None
    fallback, *rest = entries
    while rest:
        entry = rest.pop(0)
        if isinstance(entry, type):
            number = _join(number, _number_dtype(entry, fallback))
        elif rest.pop(0):
            zero_dim = _join(zero_dim, entry)
        else:
            dimensioned = _join(dimensioned, entry)
    result = _override(dimensioned, _override(zero_dim, number))
    assert result is not None, "an operation has at least one operand"
    return result


def _number_dtype(kind: type, fallback: dtype) -> dtype:
    """The dtype of a Python number where ``fallback`` is the default dtype."""
    if kind is float:
        return fallback
    return fallback.to_complex() if kind is complex else _PYTHON_TYPES[kind]


def _join(a: dtype | None, b: dtype) -> dtype:
    return b if a is None else promote_types(a, b)


def _override(strong: dtype | None, weak: dtype | None) -> dtype | None:
    """``strong``, unless the category of ``weak`` is higher."""
    if strong is None or weak is None:
        return weak if strong is None else strong
    if strong.rank >= 2:
        return strong.to_complex() if weak.is_complex else strong
    if weak.is_complex:
        return weak
    return promote_types(strong, weak) if strong is bool_ or weak.rank == 2 else strong


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of the result of an arithmetic operation on two tensors or Python numbers.

    >>> result_type(torch.tensor([1, 2], dtype=torch.int), 1.0)
    torch.float32
    """
    for given in (tensor1, tensor2):
        if not (isinstance(given, (int, float, complex, numpy.generic)) or hasattr(given, "ndim")):
            raise TypeError(
                "result_type() received an invalid combination of arguments - got "
                f"({_type_name(tensor1)}, {_type_name(tensor2)}), but expected one of:\n"
                " * (Tensor tensor, Tensor other)\n * (Number scalar, Tensor tensor)\n"
                " * (Tensor tensor, Number other)\n * (Number scalar1, Number scalar2)"
            )
    return result_dtype(tensor1, tensor2)


def _type_name(given: Any) -> str:
    return "Tensor" if hasattr(given, "ndim") else type(given).__name__
