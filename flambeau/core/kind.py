"""``Kind``: the dtype and device of a plain tensor, interned, so that one ``is`` compares both."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy

from flambeau.core.device import cpu, device
from flambeau.core.dtype import NARROW, dtype, from_numpy_type, scalar_name
from flambeau.kernels.select import CPU, CUDA, META

PLACES = {"cpu": CPU, "cuda": CUDA, "meta": META}


class Kind:
    """The dtype and device of a plain tensor; ``a._kind is b._kind`` compares both at once."""

    __slots__ = (
        "array_type",
        "category",
        "device",
        "dtype",
        "family",
        "floating",
        "narrow",
        "place",
        "scalars",
    )

    dtype: dtype
    device: device
    array_type: numpy.dtype  # of the arrays
    category: int  # 1 bool, 2 integer, 4 floating, 8 complex; 0 for narrow floats
    place: int  # CPU, CUDA or META: which kernel
    floating: bool  # real or complex floating
    narrow: bool  # floats that kernels compute in float32
    scalars: tuple[type, ...]  # Python numbers that an operation takes without promotion
    family: dict[Any, Kind]  # the kinds on this device, by NumPy dtype and by dtype

    def __repr__(self) -> str:
        return f"Kind({self.dtype}, {self.device})"

    @property
    def type_name(self) -> str:
        """The name of the legacy tensor type: ``torch.FloatTensor``, ``torch.cuda.LongTensor``."""
        where = "" if self.place == CPU else f"{self.device.type}."
        return f"torch.{where}{scalar_name(self.dtype)}Tensor"

    @property
    def xp(self) -> ModuleType:
        """The library of the arrays: numpy, or cupy."""
        return array_library(self.place)

    def of(self, other: dtype) -> Kind:
        """The kind with another dtype on the same device."""
        return self.family[other]


class _Family(dict):
    """The kinds of one device, by dtype and by NumPy dtype, made when first asked for."""

    def __init__(self, device: device) -> None:
        self.device = device

    def __missing__(self, key: Any) -> Kind:
        of = key if isinstance(key, dtype) else from_numpy_type(key)
        if of is None:
            raise TypeError(f"no tensor can hold elements of the NumPy type {key}")
        if of.numpy is None:
            raise NotImplementedError(
                f"{of} exists by name only: there are no tensors of it (NumPy has no such type)"
            )
        if self.device.type == "cuda" and of.numpy.kind == "V" and of.name != "bfloat16":
            raise NotImplementedError(f"CuPy has no arrays of {of}: keep such tensors on the CPU")
        kind = self[of] if key is not of and of in self else _make(of, self.device, self)
        self[of] = self[of.numpy] = kind
        return kind


def _make(of: dtype, where: device, family: _Family) -> Kind:
    kind = object.__new__(Kind)
    kind.dtype, kind.device, kind.family = of, where, family
    assert of.numpy is not None
    kind.array_type, kind.place = of.numpy, PLACES[where.type]
    kind.floating, kind.narrow = of.rank >= 2, of in NARROW
    kind.category = 0 if kind.narrow else 1 << of.rank
    kind.scalars = _plain_scalars(of)
    return kind


def _plain_scalars(of: dtype) -> tuple[type, ...]:
    """Which Python numbers NumPy combines with this type exactly as PyTorch does."""
    return {
        "float32": (float, int), "float64": (float, int), "float16": (float,), "int64": (int,),
        "complex64": (float, int, complex), "complex128": (float, int, complex),
    }.get(of.name, ())  # fmt: skip


_FAMILIES: dict[device, _Family] = {}


def family(where: device) -> dict[Any, Kind]:
    """The kinds of a device, by dtype or NumPy dtype."""
    found = _FAMILIES.get(where)
    if found is None:
        if where.type not in PLACES:
            raise NotImplementedError(
                f"there are no tensors on {where.type} devices: use cpu, cuda or meta"
            )
        if where.type == "cuda" and where.index is None:
            return family(device("cuda", _current_cuda_device()))
        if where.type in ("cpu", "meta") and where.index is not None:
            return family(device(where.type))
        found = _FAMILIES[where] = _Family(where)
    return found


def kind_of(of: dtype, where: device) -> Kind:
    """The kind of plain tensors of a dtype on a device."""
    return family(where)[of]


def _current_cuda_device() -> int:
    return array_library(CUDA).cuda.Device().id


def array_library(place: int) -> ModuleType:
    """numpy, or cupy for CUDA; RuntimeError when CuPy is not installed."""
    if place != CUDA:
        return numpy
    try:
        import cupy
    except ImportError as error:
        raise RuntimeError(
            "CUDA needs CuPy, which is not installed: pip install flambeau[cuda12] or "
            "flambeau[cuda13]"
        ) from error
    return cupy


CPU_KINDS = family(cpu)
