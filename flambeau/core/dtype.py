"""``dtype``: the type of a tensor's elements."""

from __future__ import annotations

import re
from typing import Any

import numpy


class dtype:
    """The type of a tensor's elements, such as ``torch.float32``; instances are singletons.

    ``numpy`` is the type of the arrays that hold it, or None for the types that exist by name
    only (NumPy and ``ml_dtypes`` have no counterpart). Those of ``ml_dtypes`` are filled in when
    one is first asked for: importing it takes a tenth of the library's own time.
    """

    __slots__ = (
        "is_complex",
        "is_floating_point",
        "is_signed",
        "itemsize",
        "name",
        "numpy",
        "rank",
    )
    __module__ = "torch"

    name: str
    numpy: numpy.dtype | None
    itemsize: int
    is_floating_point: bool
    is_complex: bool
    is_signed: bool
    rank: int  # 0 bool, 1 integer, 2 floating, 3 complex: the category of type promotion

    def __init__(self) -> None:
        raise TypeError("cannot create 'torch.dtype' instances")

    def __getattr__(self, name: str) -> Any:
        if name != "numpy":
            raise AttributeError(f"'torch.dtype' object has no attribute {name!r}")
        _load_ml_dtypes()
        return self.numpy

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    @property
    def abbr(self) -> str:
        """The name in short: ``f32``, ``bf16``, ``i64``, ``c128``, ``b8`` (bool)."""
        if self.name == "bool":
            return "b8"
        found = re.fullmatch(r"(b?)(float|complex|int|uint|bits)(\d.*)", self.name)
        if found is None or (found[2].endswith("int") and len(found[3]) == 1 and found[3] != "8"):
            return self.name  # ``int4`` and the quantised types
        rest = found[3] if found[2] != "bits" or "x" in found[3] else found[3] + "x1"
        return found[1] + found[2][0] + rest.replace("_", "")

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.name,)

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: object) -> dtype:
        return self

    def to_real(self) -> dtype:
        """The type of the real part: ``complex64`` gives ``float32``; others give themselves."""
        return _REAL.get(self, self)

    def to_complex(self) -> dtype:
        """The complex type with real parts of this type; RuntimeError where there is none."""
        if self in _COMPLEX:
            return _COMPLEX[self]
        if self.is_complex:
            return self
        raise RuntimeError(f"Unknown Complex ScalarType for {scalar_name(self)}")


ALL: dict[str, dtype] = {}  # every dtype by its name and its aliases


def named(name: str) -> dtype:
    """The dtype of a name; what pickles call."""
    return ALL[name]


_FROM_NUMPY: dict[numpy.dtype, dtype] = {}
_OF_ML_DTYPES: list[str] = []


def from_numpy_type(of: Any) -> dtype | None:
    """The dtype that arrays of a NumPy type hold, or None if there is none."""
    found = _FROM_NUMPY.get(of)
    if found is None and getattr(of, "kind", "") == "V":  # perhaps one of ml_dtypes
        _load_ml_dtypes()
        found = _FROM_NUMPY.get(of)
    return found


def _load_ml_dtypes() -> None:
    import ml_dtypes

    for name in _OF_ML_DTYPES:
        ALL[name].numpy = made = numpy.dtype(getattr(ml_dtypes, name))
        _FROM_NUMPY[made] = ALL[name]


def _define(
    names: str, array_type: str | None, itemsize: int, rank: int, signed: bool = True
) -> dtype:
    self = object.__new__(dtype)
    self.name, *aliases = names.split()
    if array_type == "ml_dtypes":
        _OF_ML_DTYPES.append(self.name)
    else:
        self.numpy = None if array_type is None else numpy.dtype(array_type)
        if self.numpy is not None:
            _FROM_NUMPY[self.numpy] = self
    self.itemsize, self.rank, self.is_signed = itemsize, rank, signed
    self.is_floating_point, self.is_complex = rank == 2, rank == 3
    ALL.update(dict.fromkeys((self.name, *aliases), self))
    return self


bool_ = _define("bool", "bool", 1, 0, False)
uint8 = _define("uint8", "uint8", 1, 1, False)
int8 = _define("int8", "int8", 1, 1)
int16 = _define("int16 short", "int16", 2, 1)
int32 = _define("int32 int", "int32", 4, 1)
int64 = _define("int64 long", "int64", 8, 1)
uint16 = _define("uint16", "uint16", 2, 1, False)
uint32 = _define("uint32", "uint32", 4, 1, False)
uint64 = _define("uint64", "uint64", 8, 1, False)
float16 = _define("float16 half", "float16", 2, 2)
bfloat16 = _define("bfloat16", "ml_dtypes", 2, 2)
float32 = _define("float32 float", "float32", 4, 2)
float64 = _define("float64 double", "float64", 8, 2)
complex32 = _define("complex32 chalf", None, 4, 3)
complex64 = _define("complex64 cfloat", "complex64", 8, 3)
complex128 = _define("complex128 cdouble", "complex128", 16, 3)
float8_e4m3fn = _define("float8_e4m3fn", "ml_dtypes", 1, 2)
float8_e5m2 = _define("float8_e5m2", "ml_dtypes", 1, 2)
float8_e4m3fnuz = _define("float8_e4m3fnuz", "ml_dtypes", 1, 2)
float8_e5m2fnuz = _define("float8_e5m2fnuz", "ml_dtypes", 1, 2)
float8_e8m0fnu = _define("float8_e8m0fnu", "ml_dtypes", 1, 2, False)
float4_e2m1fn_x2 = _define("float4_e2m1fn_x2", None, 1, 2)
for _bits in range(1, 8):
    _define(f"int{_bits}", None, 1, 1)
    _define(f"uint{_bits}", None, 1, 1, False)
for _name, _size, _signed in (
    ("quint8", 1, False),
    ("qint8", 1, True),
    ("qint32", 4, True),
    ("quint4x2", 1, False),
    ("quint2x4", 1, False),
    ("bits1x8", 1, False),
    ("bits2x4", 1, False),
    ("bits4x2", 1, False),
    ("bits8", 1, False),
    ("bits16", 2, False),
):
    _define(_name, None, _size, 1, _signed)

_REAL = {complex32: float16, complex64: float32, complex128: float64}
_COMPLEX = {
    float16: complex32,
    bfloat16: complex64,
    float32: complex64,
    float64: complex128,
}

NARROW = frozenset(  # floating types that kernels compute in float32
    {
        float16,
        bfloat16,
        float8_e4m3fn,
        float8_e5m2,
        float8_e4m3fnuz,
        float8_e5m2fnuz,
        float8_e8m0fnu,
    }
)
SCALAR_NAMES = {  # the names that PyTorch's messages use
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int",
    "int64": "Long", "float16": "Half", "bfloat16": "BFloat16", "float32": "Float",
    "float64": "Double", "complex32": "ComplexHalf", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
}  # fmt: skip


def scalar_name(of: dtype) -> str:
    """The name in PyTorch's messages: ``float32`` is ``Float``, ``int64`` is ``Long``."""
    if of.name in SCALAR_NAMES:
        return SCALAR_NAMES[of.name]
    return re.sub("^q?u?.", lambda start: start[0].upper(), of.name)


def cpp_name(of: dtype) -> str:
    """The C++ type in PyTorch's messages: ``float32`` is ``float``, ``int64`` is ``long int``."""
    return _CPP_NAMES.get(of.name, of.name)


_CPP_NAMES = {
    "float32": "float",
    "float64": "double",
    "int64": "long int",
    "int32": "int",
    "int16": "short int",
    "int8": "signed char",
    "uint8": "unsigned char",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}


class _Default:
    __slots__ = ("dtype",)
    dtype: dtype


default = _Default()
default.dtype = float32


def get_default_dtype() -> dtype:
    """The floating type of new tensors made from Python floats."""
    return default.dtype


def set_default_dtype(d: dtype) -> None:
    """Sets the floating type of new tensors made from Python floats; it must be floating."""
    if not isinstance(d, dtype):
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type"
        )
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    default.dtype = d
