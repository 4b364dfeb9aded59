"""``finfo`` and ``iinfo``, against values measured on PyTorch 2.13."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from flambeau.core.dtype import ALL
from flambeau.core.limits import finfo, iinfo

FLOATS = {  # bits, max, eps, smallest_normal, resolution
    "float64": (64, 1.7976931348623157e308, 2.220446049250313e-16, 2.2250738585072014e-308, 1e-15),
    "float32": (32, 3.4028234663852886e38, 1.1920928955078125e-07, 1.1754943508222875e-38, 1e-06),
    "float16": (16, 65504.0, 0.0009765625, 6.103515625e-05, 0.001),
    "bfloat16": (16, 3.3895313892515355e38, 0.0078125, 1.1754943508222875e-38, 0.01),
    "float8_e4m3fn": (8, 448.0, 0.125, 0.015625, 1.0),
    "float8_e4m3fnuz": (8, 240.0, 0.125, 0.0078125, 1.0),
    "float8_e5m2": (8, 57344.0, 0.25, 6.103515625e-05, 1.0),
    "float8_e5m2fnuz": (8, 57344.0, 0.125, 3.0517578125e-05, 1.0),
    "float8_e8m0fnu": (8, 1.7014118346046923e38, 1.0, 5.877471754111438e-39, 1.0),
}
INTEGERS = {"uint8": 8, "int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint16": 16,
            "uint32": 32, "uint64": 64}  # fmt: skip


@pytest.mark.parametrize("name", FLOATS)
def test_finfo(name: str) -> None:
    info = finfo(ALL[name])
    found = info.bits, info.max, info.eps, info.smallest_normal, info.resolution
    assert found == FLOATS[name] and {type(value) for value in found[1:]} == {float}
    lowest = 5.877471754111438e-39 if name == "float8_e8m0fnu" else -info.max
    assert info.min == lowest and info.tiny == info.smallest_normal and info.dtype == name


@pytest.mark.parametrize("name", INTEGERS)
def test_iinfo(name: str) -> None:
    info, bits = iinfo(ALL[name]), INTEGERS[name]
    assert info.bits == bits and info.dtype == name
    expected = (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    assert (info.min, info.max) == expected


def test_repr() -> None:
    assert repr(finfo(ALL["half"])) == (
        "finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, "
        "smallest_normal=6.10352e-05, tiny=6.10352e-05, dtype=float16)"
    )
    assert (
        repr(finfo())
        == str(finfo(ALL["complex64"]))
        == (
            "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
            "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)"
        )
    )
    assert repr(iinfo(ALL["int64"])) == "iinfo(min=-9.22337e+18, max=9.22337e+18, dtype=int64)"
    assert repr(iinfo(type=ALL["uint8"])) == "iinfo(min=0, max=255, dtype=uint8)"


def test_python_types_and_parts() -> None:
    assert finfo(float).dtype == "float64" and iinfo(int).dtype == "int64"
    assert finfo(ALL["complex32"]) == finfo(ALL["float16"]) != finfo(ALL["bfloat16"])
    assert iinfo(ALL["qint8"]).min == -128 and iinfo(ALL["quint8"]).max == 255


def test_identity() -> None:
    assert finfo(ALL["half"]) == finfo(ALL["half"]) and iinfo(ALL["int8"]) != finfo(ALL["half"])
    for info in (finfo(), iinfo(int)):
        with pytest.raises(TypeError, match=r"^unhashable type"):
            hash(info)
        with pytest.raises(TypeError, match=r"^cannot pickle 'torch."):
            pickle.dumps(info)


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: finfo(int), TypeError, "torch.finfo() requires a floating point input type. Use "
         + "torch.iinfo to handle 'torch.finfo'"),
        (lambda: iinfo(ALL["float"]), TypeError, "torch.iinfo() requires an integer input type. "
         + "Use torch.finfo to handle 'torch.iinfo'"),
        (lambda: iinfo(ALL["bool"]), TypeError, "torch.bool is not supported by torch.iinfo"),
        (lambda: finfo("a"), TypeError, "finfo(): argument 'type' (position 1) must be "
         + "torch.dtype, not str"),
        (lambda: finfo(ALL["float4_e2m1fn_x2"]), NotImplementedError,
         "\"dtype\" not implemented for 'Float4_e2m1fn_x2'"),
    ],
)  # fmt: skip
def test_errors(run: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        run()
    assert str(caught.value) == message
