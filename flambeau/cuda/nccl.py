"""NVIDIA's library for messages between devices: whether it is there, and which version."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.cuda.library import found

__all__ = ["is_available", "version"]


def _library() -> Any:
    library = found()
    if library is None or find_spec("cupy_backends.cuda.libs.nccl") is None:
        return None
    return getattr(library.cuda, "nccl", None)


def is_available(tensors: Iterable[Tensor]) -> bool:
    """Whether these tensors, each on a CUDA device of its own, can be sent by it."""
    given = list(tensors)
    devices = {t.device.index for t in given if t.device.type == "cuda"}
    return _library() is not None and len(devices) == len(given)


def version() -> tuple[int, ...]:
    """The version of the library: ``(2, 21, 5)``."""
    library = _library()
    if library is None:
        raise RuntimeError("NCCL needs CuPy with a CUDA device, and its NCCL package")
    number = library.get_version()
    return number // 10000, number // 100 % 100, number % 100
