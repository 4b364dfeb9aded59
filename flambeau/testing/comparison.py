"""``assert_close``: whether values agree within tolerances, and where they do not."""

from __future__ import annotations

import cmath
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import float64, int64
from flambeau.core.layout import strided
from flambeau.core.promotion import promote_types
from flambeau.ops.from_data import as_tensor

_NUMBERS = (int, float, complex, numpy.number)
_TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7), "complex32": (1e-3, 1e-5), "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}  # fmt: skip


@dataclass(frozen=True)
class _Terms:
    """How closely values have to agree, and in what."""

    rtol: float | None
    atol: float | None
    equal_nan: bool
    allow_subclasses: bool = True
    check_device: bool = True
    check_dtype: bool = True
    check_layout: bool = True
    check_stride: bool = False

    def for_dtypes(self, *dtypes: DType | None) -> _Terms:
        """With the tolerances of the least exact dtype, unless they are given."""
        if self.rtol is not None:
            return self
        each = [_TOLERANCES.get(of.name, (0.0, 0.0)) for of in dtypes if of is not None]
        rtol, atol = (max([pair[i] for pair in each], default=0.0) for i in (0, 1))
        return replace(self, rtol=rtol, atol=atol)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """AssertionError unless two values agree: ``|actual - expected| <= atol + rtol * |expected|``.

    Values are tensors and what becomes one (arrays), numbers, bools and None, also in sequences and
    mappings. Without ``rtol`` and ``atol``, which are given together, they follow from the dtype:
    float32 1.3e-6 and 1e-5, float64 1e-7 and 1e-7, float16 1e-3 and 1e-5, bfloat16 1.6e-2 and 1e-5,
    integers 0.

    Args:
        allow_subclasses: also takes tensors of which one's type is derived from the other's.
        equal_nan: takes NaN for equal to NaN.
        check_device, check_dtype, check_layout, check_stride: whether these have to agree, too.
        msg: the message of the error, or a function that makes it of the one that it would have.

    Raises:
        TypeError: values that cannot be compared, as strings.
        ValueError: one tolerance without the other.

    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))
    >>> torch.testing.assert_close([1, 2], [1, 3])
    Traceback (most recent call last):
    AssertionError: Scalars are not equal!
    <BLANKLINE>
    Expected 3 but got 2.
    Absolute difference: 1
    Relative difference: 0.3333333333333333
    <BLANKLINE>
    The failure occurred for item [1]
    """
    __tracebackhide__ = True
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
        )
    terms = _Terms(
        rtol, atol, equal_nan, allow_subclasses, check_device, check_dtype, check_layout,
        check_stride,
    )  # fmt: skip
    found = _difference(actual, expected, terms, "")
    if found is not None:
        raise AssertionError(msg(found) if callable(msg) else found if msg is None else msg)


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = True, msg: str = "",
) -> None:  # fmt: skip
    """Deprecated: ``assert_close``, of values that ``as_tensor`` takes, of any dtype and device."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12. Please use "
        "`torch.testing.assert_close()` instead.",
        FutureWarning,
        stacklevel=2,
    )
    actual, expected = as_tensor(actual), as_tensor(expected)
    if rtol is None and atol is None:
        of = promote_types(actual.dtype, expected.dtype).name
        looser = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}
        rtol, atol = looser.get(of, (0.0, 0.0))
    assert_close(
        actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True,
        check_dtype=False, check_stride=False, msg=msg or None,
    )  # fmt: skip


# ---- values in values


def _difference(actual: Any, expected: Any, terms: _Terms, item: str) -> str | None:
    """What differs first, or None. `item` is where the values are, as ``[1]['k']``."""
    if _are(Sequence, actual, expected) and not isinstance(actual, str):
        if len(actual) != len(expected):
            return _at(
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", item
            )
        keys: list[Any] = list(range(len(actual)))
    elif _are(Mapping, actual, expected):
        if set(actual) != set(expected):
            return _at(_keys_differ(actual, expected), item)
        keys = list(actual)
    else:
        found = _leaf_difference(actual, expected, terms)
        return None if found is None else _at(found, item)
    for key in keys:
        found = _difference(actual[key], expected[key], terms, f"{item}[{key!r}]")
        if found is not None:
            return found
    return None


def _are(kind: Any, actual: Any, expected: Any) -> bool:
    return isinstance(actual, kind) and isinstance(expected, kind)


def _at(message: str, item: str) -> str:
    return f"{message}\n\nThe failure occurred for item {item}" if item else message


def _keys_differ(actual: Any, expected: Any) -> str:
    missing = [key for key in expected if key not in actual]
    additional = [key for key in actual if key not in expected]
    return (
        f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {missing}\n"
        f"Additional keys in the actual mapping: {additional}"
    )


def _leaf_difference(actual: Any, expected: Any, terms: _Terms) -> str | None:
    if actual is None or expected is None:
        same = actual is expected
        return None if same else f"None mismatch: {actual} is not {expected}"
    if _are(bool | numpy.bool_, actual, expected):
        return None if bool(actual) is bool(expected) else _of_bools(actual, expected)
    if _are(_NUMBERS, actual, expected):
        return _number_difference(actual, expected, terms)
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related and (terms.allow_subclasses or type(actual) is type(expected)):
        try:
            tensors = as_tensor(actual), as_tensor(expected)
        except (TypeError, ValueError, RuntimeError):
            pass
        else:
            return _tensor_difference(*tensors, terms)
    raise TypeError(
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
    )


def _of_bools(actual: Any, expected: Any) -> str:
    return f"Booleans mismatch: {bool(actual)} is not {bool(expected)}"


# ---- numbers


def _number_difference(actual: Any, expected: Any, terms: _Terms) -> str | None:
    actual, expected = (
        value.item() if isinstance(value, numpy.number) else value for value in (actual, expected)
    )
    if terms.check_dtype and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    exact = isinstance(actual, int) and isinstance(expected, int)
    return _compare_numbers(actual, expected, terms.for_dtypes(None if exact else float64))


def _compare_numbers(actual: Any, expected: Any, terms: _Terms) -> str | None:
    assert terms.rtol is not None and terms.atol is not None
    if actual == expected or (terms.equal_nan and _is_nan(actual) and _is_nan(expected)):
        return None
    difference = abs(actual - expected)
    finite = cmath.isfinite(actual) and cmath.isfinite(expected)
    if finite and difference <= terms.atol + terms.rtol * abs(expected):
        return None
    relative = difference / abs(expected) if expected != 0 else float("inf")
    exact = terms.rtol == terms.atol == 0
    allowed = [f" (up to {limit} allowed)" for limit in (terms.atol, terms.rtol)]
    absolute_limit, relative_limit = ("", "") if exact else allowed
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\n"
        f"Expected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{absolute_limit}\n"
        f"Relative difference: {relative}{relative_limit}"
    )


def _is_nan(value: Any) -> bool:
    return value != value


# ---- tensors


def _tensor_difference(actual: Any, expected: Any, terms: _Terms) -> str | None:
    found = _attribute_difference(actual, expected, terms)
    if found is not None or "meta" in (actual.device.type, expected.device.type):
        return found
    terms = terms.for_dtypes(actual.dtype, expected.dtype)
    actual, expected = _comparable(actual, expected)
    if not actual.ndim:
        return _compare_numbers(actual.item(), expected.item(), terms)
    if terms.rtol == terms.atol == 0 and not terms.equal_nan:
        matches = actual == expected
    else:
        matches = actual.isclose(expected, terms.rtol, terms.atol, terms.equal_nan)
    return None if matches.all() else _described(actual, expected, matches, terms)


def _attribute_difference(actual: Any, expected: Any, terms: _Terms) -> str | None:
    asked = {
        "shape": True, "layout": terms.check_layout, "device": terms.check_device,
        "dtype": terms.check_dtype,
    }  # fmt: skip
    for name, checked in asked.items():
        pair = getattr(actual, name), getattr(expected, name)
        if checked and pair[0] != pair[1]:
            return f"The values for attribute '{name}' do not match: {pair[0]} != {pair[1]}."
    if terms.check_stride and actual.stride() != expected.stride():
        return (
            "The values for attribute 'stride()' do not match: "
            f"{actual.stride()} != {expected.stride()}."
        )
    return None


def _comparable(actual: Any, expected: Any) -> tuple[Any, Any]:
    """Both without a history, dense, on one device, and of a dtype to compute differences in."""
    pair = [tensor.detach() for tensor in (actual, expected)]
    pair = [tensor if tensor.layout is strided else tensor.to_dense() for tensor in pair]
    of = promote_types(pair[0].dtype, pair[1].dtype)
    if of.itemsize == 1 and of.is_floating_point:
        of = promote_types(of, float64)
    return pair[0].to(pair[1].device, of), pair[1].to(of)


def _described(actual: Any, expected: Any, matches: Any, terms: _Terms) -> str:
    """How many elements differ, and where most."""
    if not (actual.is_floating_point() or actual.is_complex()):
        actual, expected = actual.to(int64), expected.to(int64)
    differences = (actual - expected).abs()
    relative = differences / expected.abs()
    count, total = int((~matches).sum()), matches.numel()
    exact = terms.rtol == terms.atol == 0
    lines = [
        f"Tensor-likes are not {'equal' if exact else 'close'}!",
        "",
        f"Mismatched elements: {count} / {total} ({count / total:.1%})",
    ]
    for name, values, limit in (
        ("absolute", differences, terms.atol),
        ("relative", relative, terms.rtol),
    ):
        place = int(values.masked_fill(matches, 0).argmax())
        index = tuple(int(i) for i in numpy.unravel_index(place, tuple(values.shape)))
        allowed = "" if exact else f" (up to {limit} allowed)"
        lines.append(
            f"Greatest {name} difference: {values[index].item()} at index {index}{allowed}"
        )
    return "\n".join(lines)
