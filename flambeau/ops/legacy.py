"""The tensor types of PyTorch's early days: ``torch.FloatTensor(2, 3)`` and its kin."""

from __future__ import annotations

from typing import Any

from flambeau.core.device import cpu, device
from flambeau.core.dtype import ALL, SCALAR_NAMES
from flambeau.core.dtype import dtype as DType
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import empty
from flambeau.ops.factories import size_arguments
from flambeau.ops.from_data import tensor


class _LegacyType(type):
    """A class whose instances are all tensors of one dtype on one kind of device."""

    dtype: DType
    place: str

    def __instancecheck__(cls, instance: Any) -> bool:
        return (
            isinstance(instance, Tensor)
            and instance.dtype is cls.dtype
            and instance.device.type == cls.place
        )

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        where = _device(cls.place, device)
        if len(args) == 1 and not isinstance(args[0], int):
            data = args[0]
            if type(data).__name__ == "Size":
                return empty(data, dtype=cls.dtype, device=where)
            if isinstance(data, Tensor):
                if data.dtype is not cls.dtype:
                    raise TypeError(f"expected {cls.dtype} (got {data.dtype})")
                return data.detach()  # type: ignore[attr-defined]
            return tensor(data, dtype=cls.dtype, device=where)
        return empty(*(args or (0,)), dtype=cls.dtype, device=where)

    def __repr__(cls) -> str:
        return f"<class '{cls.__module__}.{cls.__name__}'>"


def _device(place: str, given: Any) -> device:
    if given is not None and device(given).type != place:
        raise RuntimeError(
            f"legacy constructor expects device type: {place} but device type: "
            f"{device(given).type} was passed"
        )
    return cpu if place == "cpu" else device(given or place)


def legacy_types(place: str) -> dict[str, type]:
    """The types of a kind of device by name: ``FloatTensor``, ``LongTensor``, ..."""
    module = "torch" if place == "cpu" else f"torch.{place}"
    names = [
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
    ]
    return {
        f"{SCALAR_NAMES[n]}Tensor": _LegacyType(
            f"{SCALAR_NAMES[n]}Tensor", (), {"dtype": ALL[n], "place": place, "__module__": module}
        )
        for n in names
    }


TYPES = legacy_types("cpu")


@method("new")
def _new(self: Tensor, *args: Any, size: Any = None, device: Any = None) -> Tensor:
    """A tensor of the same dtype and device: of a size, or holding data."""
    where = self.device if device is None else device
    if size is not None:
        return empty(*size_arguments("new", args, size), dtype=self.dtype, device=where)
    if len(args) == 1 and not isinstance(args[0], int) and type(args[0]).__name__ != "Size":
        return tensor(args[0], dtype=self.dtype, device=where)
    return empty(*(args or (0,)), dtype=self.dtype, device=where)
