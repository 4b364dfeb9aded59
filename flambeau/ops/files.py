"""Tensors over files."""

from __future__ import annotations

import os
from typing import Any

import numpy

from flambeau.core.dtype import default
from flambeau.core.dtype import dtype as DType
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import empty
from flambeau.ops.from_data import from_numpy


def from_file(
    filename: str, shared: bool | None = None, size: int = 0, *, dtype: DType | None = None,
    layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of ``size`` elements over a file, which is read as they are used.

    With ``shared``, writes go to the file, which is made or grown as needed; without, they stay in
    memory.

    Raises:
        RuntimeError: the file cannot be opened, or is too small (when not ``shared``).

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     torch.from_file(file.name, shared=True, size=3)
    tensor([0., 0., 0.])
    """
    of = dtype or default.dtype
    if shared:
        _grow(filename, size * of.itemsize)
    if not size:
        return empty(0, dtype=of, requires_grad=requires_grad)
    try:
        array = numpy.memmap(filename, numpy.uint8, "r+" if shared else "c", 0, size * of.itemsize)
    except OSError as error:
        raise _unopened(filename, "read-write" if shared else "read-only", error) from None
    except ValueError:
        raise RuntimeError(
            f"unable to mmap {size * of.itemsize} bytes from file <{filename}>: the file has only "
            f"{os.path.getsize(filename)}"
        ) from None
    found = from_numpy(array.view(numpy.ndarray)).view(of)  # type: ignore[attr-defined]
    return found.requires_grad_(requires_grad)


def _grow(filename: str, size: int) -> None:
    try:
        with open(filename, "ab") as file:
            if file.tell() < size:
                file.truncate(size)
    except OSError as error:
        raise _unopened(filename, "read-write", error) from None


def _unopened(filename: str, mode: str, error: OSError) -> RuntimeError:
    return RuntimeError(
        f"unable to open file <{filename}> in {mode} mode: {error.strerror} ({error.errno})"
    )


__all__ = exported(globals())
