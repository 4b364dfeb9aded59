"""Type promotion, against tables measured on PyTorch 2.13."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy
import pytest

from flambeau.core import dtype as dtypes
from flambeau.core.promotion import (
    can_cast,
    cannot_cast,
    promote_types,
    result_dtype,
    result_type,
)

NAMES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex32",
    "complex64",
    "complex128",
]
CODES = dict(zip("bu1248hBfdHFD", NAMES, strict=True))
TABLE = [
    "bu1248hBfdHFD",
    "uu2248hBfdHFD",
    "121248hBfdHFD",
    "222248hBfdHFD",
    "444448hBfdHFD",
    "888888hBfdHFD",
    "hhhhhhhffdHFD",
    "BBBBBBfBfdFFD",
    "fffffffffdFFD",
    "ddddddddddDDD",
    "HHHHHHHFFDHFD",
    "FFFFFFFFFDFFD",
    "DDDDDDDDDDDDD",
]
WITH_ZERO_DIM = [
    "bu1248hBfdHFD",
    "uuuuuuhBfdHFD",
    "111111hBfdHFD",
    "222222hBfdHFD",
    "444444hBfdHFD",
    "888888hBfdHFD",
    "hhhhhhhhhhHHH",
    "BBBBBBBBBBFFF",
    "ffffffffffFFF",
    "ddddddddddDDD",
    "HHHHHHHHHHHHH",
    "FFFFFFFFFFFFF",
    "DDDDDDDDDDDDD",
]
WITH_NUMBERS = {  # by default dtype: a tensor of each dtype with True, 1, 1.0 and 1j
    "float32": "bu1248hBfdHFD 8u1248hBfdHFD ffffffhBfdHFD FFFFFFHFFDHFD",
    "float64": "bu1248hBfdHFD 8u1248hBfdHFD ddddddhBfdHFD DDDDDDHFFDHFD",
    "bfloat16": "bu1248hBfdHFD 8u1248hBfdHFD BBBBBBhBfdHFD FFFFFFHFFDHFD",
}


@dataclass
class Operand:
    """What promotion reads from a tensor."""

    dtype: Any
    ndim: int = 1


def named(name: str) -> dtypes.dtype:
    return dtypes.ALL[name]


@pytest.fixture(autouse=True)
def _default_dtype() -> Iterator[None]:
    before = dtypes.get_default_dtype()
    yield
    dtypes.set_default_dtype(before)


@pytest.mark.parametrize("row", range(len(NAMES)))
def test_table(row: int) -> None:
    a = named(NAMES[row])
    for other, code, weak in zip(NAMES, TABLE[row], WITH_ZERO_DIM[row], strict=True):
        b, expected = named(other), named(CODES[code])
        assert promote_types(a, b) is promote_types(b, a) is expected
        assert result_dtype(Operand(a), Operand(b)) is expected
        assert result_dtype(Operand(a, 0), Operand(b, 0)) is expected
        assert result_dtype(Operand(a, 2), Operand(b, 0)) is named(CODES[weak])
        assert result_dtype(Operand(b, 0), Operand(a, 2)) is named(CODES[weak])


@pytest.mark.parametrize("default", WITH_NUMBERS)
def test_python_numbers(default: str) -> None:
    dtypes.set_default_dtype(named(default))
    rows = WITH_NUMBERS[default].split()
    for number, row in zip((True, 1, 1.0, 1j), rows, strict=True):
        for name, code in zip(NAMES, row, strict=True):
            for ndim in (0, 1):
                assert result_dtype(Operand(named(name), ndim), number) is named(CODES[code])
    assert result_dtype(1, 2.0) is named(default)
    assert result_dtype(True, 2) is named("int64")


def test_subclasses_and_numpy_numbers() -> None:
    class Colour(enum.IntEnum):
        RED = 1

    int8 = Operand(named("int8"))
    assert result_dtype(int8, Colour.RED) is named("int8")
    assert result_dtype(int8, numpy.int64(1)) is named("int8")
    assert result_dtype(int8, numpy.float64(1)) is named("float32")
    assert result_dtype(int8, numpy.float16(1)) is named("float32")
    assert result_dtype(int8, numpy.complex64(1)) is named("complex64")


def test_many_operands() -> None:
    weak, strong = Operand(named("float64"), 0), Operand(named("int32"))
    assert result_dtype(strong, weak, 1j) is named("complex128")
    assert result_dtype(strong, 2, Operand(named("float16"))) is named("float16")
    assert result_dtype(strong, strong, strong) is named("int32")


def test_wide_unsigned() -> None:
    uint16 = named("uint16")
    assert promote_types(uint16, named("float16")) is named("float16")
    assert result_dtype(Operand(uint16), 1) is uint16
    assert result_dtype(Operand(uint16), 1.0) is named("float32")
    assert result_dtype(Operand(uint16), Operand(named("int64"), 0)) is uint16
    assert result_dtype(Operand(uint16), 1j) is named("complex64")
    for other in ("bool", "uint8", "int64", "uint32", "complex64"):
        with pytest.raises(
            RuntimeError, match=r"^Promotion for uint16, uint32, uint64 types is not"
        ):
            promote_types(uint16, named(other))


def test_types_that_do_not_combine() -> None:
    float8 = named("float8_e5m2")
    assert promote_types(float8, float8) is result_dtype(Operand(float8), 1.0) is float8
    message = (
        "Promotion for Float8 Types is not supported, attempted to promote Float and Float8_e5m2"
    )
    with pytest.raises(RuntimeError, match=rf"^{message}$"):
        promote_types(named("float32"), float8)
    with pytest.raises(RuntimeError, match=r"^Unknown Complex ScalarType for Float8_e5m2$"):
        result_dtype(Operand(float8), 1j)
    with pytest.raises(RuntimeError, match=r"offending types: Int QUInt4x2$"):
        promote_types(named("int"), named("quint4x2"))
    with pytest.raises(RuntimeError, match=r"^Promotion from Bits8 and UInt3 is unsupported.$"):
        promote_types(named("bits8"), named("uint3"))


def test_can_cast() -> None:
    categories = ("bool", "int32", "float32", "complex64")
    allowed = {(a, b) for a in categories for b in categories if can_cast(named(a), named(b))}
    lower = {(a, b) for i, a in enumerate(categories) for b in categories[i:]}
    assert allowed == lower
    assert can_cast(named("float64"), named("float8_e5m2")) and can_cast(
        named("int64"), named("int8")
    )
    assert not can_cast(named("float8_e5m2"), named("uint16"))
    assert can_cast(int, named("int8")) and can_cast(bool, bool)  # type: ignore[arg-type]


def test_messages() -> None:
    error = cannot_cast(named("float32"), named("int64"))
    assert str(error) == "result type Float can't be cast to the desired output type Long"
    assert result_type(Operand(named("int8")), 1.0) is named("float32")
    with pytest.raises(TypeError, match=r"^result_type\(\) received an invalid combination of arg"):
        result_type("a", 1)
    with pytest.raises(
        TypeError, match=r"argument 'type1' \(position 1\) must be torch.dtype, not"
    ):
        promote_types(1, named("int8"))  # type: ignore[arg-type]
