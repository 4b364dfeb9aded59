"""``dtype``: names, attributes, identity."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy
import pytest

from flambeau.core import dtype as dtypes
from flambeau.core.dtype import ALL, scalar_name


@pytest.fixture(autouse=True)
def _default_dtype() -> Iterator[None]:
    before = dtypes.get_default_dtype()
    yield
    dtypes.set_default_dtype(before)


def test_names_and_aliases() -> None:
    assert len({found.name for found in ALL.values()}) == 46
    aliases = ["half", "short", "int", "long", "float", "double", "chalf", "cfloat", "cdouble"]
    assert " ".join([ALL[alias].name for alias in aliases]) == (
        "float16 int16 int32 int64 float32 float64 complex32 complex64 complex128"
    )
    assert repr(ALL["half"]) == "torch.float16"
    assert ALL["float"] is ALL["float32"]


def test_attributes() -> None:
    def flags(name: str) -> tuple[int, bool, bool, bool]:
        found = ALL[name]
        return (
            found.itemsize,
            found.is_floating_point,
            found.is_complex,
            found.is_signed,
        )

    assert flags("bool") == (1, False, False, False)
    assert flags("uint32") == (4, False, False, False)
    assert flags("int64") == (8, False, False, True)
    assert flags("bfloat16") == (2, True, False, True)
    assert flags("float8_e4m3fn") == (1, True, False, True)
    assert flags("float8_e8m0fnu") == (1, True, False, False)
    assert flags("complex64") == (8, False, True, True)


def test_real_and_complex() -> None:
    pairs = {
        "float16": "complex32",
        "bfloat16": "complex64",
        "float32": "complex64",
        "float64": "complex128",
    }
    assert {name: ALL[name].to_complex().name for name in pairs} == pairs
    assert ALL["complex32"].to_complex() is ALL["complex32"]
    assert ALL["complex128"].to_real() is ALL["float64"]
    assert ALL["int8"].to_real() is ALL["int8"]
    with pytest.raises(RuntimeError, match=r"^Unknown Complex ScalarType for Long$"):
        ALL["int64"].to_complex()


def test_singletons() -> None:
    float32 = ALL["float32"]
    assert copy.copy(float32) is copy.deepcopy(float32) is float32
    assert {float32: 1}[ALL["float"]] == 1
    with pytest.raises(TypeError, match=r"^cannot create 'torch.dtype' instances$"):
        dtypes.dtype()


def test_arrays() -> None:
    for found in set(ALL.values()):
        if found.numpy is not None:
            assert dtypes.from_numpy_type(found.numpy) is found
            assert numpy.zeros(2, found.numpy).itemsize == found.itemsize


def test_names_in_messages() -> None:
    names = "bool uint8 int8 int16 float16 complex64 uint1 int4 quint4x2 qint8 bits1x8 float8_e5m2"
    assert " ".join([scalar_name(ALL[name]) for name in names.split()]) == (
        "Bool Byte Char Short Half ComplexFloat UInt1 Int4 QUInt4x2 QInt8 Bits1x8 Float8_e5m2"
    )


def test_default_dtype() -> None:
    dtypes.set_default_dtype(ALL["float64"])
    assert dtypes.get_default_dtype() is ALL["float64"]
    with pytest.raises(TypeError, match=r"^only floating-point types are supported as the default"):
        dtypes.set_default_dtype(ALL["int32"])
    with pytest.raises(TypeError, match=r"^invalid dtype object: only floating-point types"):
        dtypes.set_default_dtype("float32")  # type: ignore[arg-type]
