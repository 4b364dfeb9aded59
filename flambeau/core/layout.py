"""``layout`` and ``memory_format``: how the elements of a tensor lie in memory."""

from __future__ import annotations

from typing import Any


class _Named:
    """A constant with a name: a singleton, also after copying and pickling."""

    __slots__ = ("name",)
    name: str

    def __init__(self) -> None:
        raise TypeError(f"cannot create 'torch.{type(self).__name__}' instances")

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.name,)

    def __copy__(self) -> _Named:
        return self

    def __deepcopy__(self, memo: object) -> _Named:
        return self


class layout(_Named):  # noqa: N801 - the public name
    """How elements are stored: ``torch.strided``, ``torch.sparse_coo``, ...; singletons."""

    __slots__ = ()
    __module__ = "torch"


class memory_format(_Named):  # noqa: N801 - the public name
    """The order of dimensions in memory: ``torch.contiguous_format``, ``torch.channels_last``."""

    __slots__ = ()
    __module__ = "torch"


_ALL: dict[str, Any] = {}


def named(name: str) -> Any:
    """The layout or memory format of that name; KeyError where there is none."""
    return _ALL[name]


def _define(kind: type[_Named], name: str) -> Any:
    self = object.__new__(kind)
    self.name = name
    return _ALL.setdefault(name, self)


strided: layout = _define(layout, "strided")
sparse_coo: layout = _define(layout, "sparse_coo")
sparse_csr: layout = _define(layout, "sparse_csr")
sparse_csc: layout = _define(layout, "sparse_csc")
sparse_bsr: layout = _define(layout, "sparse_bsr")
sparse_bsc: layout = _define(layout, "sparse_bsc")
jagged: layout = _define(layout, "jagged")
_mkldnn: layout = _define(layout, "_mkldnn")
contiguous_format: memory_format = _define(memory_format, "contiguous_format")
preserve_format: memory_format = _define(memory_format, "preserve_format")
channels_last: memory_format = _define(memory_format, "channels_last")
channels_last_3d: memory_format = _define(memory_format, "channels_last_3d")
legacy_contiguous_format = contiguous_format
