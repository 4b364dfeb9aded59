"""Names for the types of arguments.

>>> isinstance(3.0, torch.types.Number)
True
"""

from __future__ import annotations

import os
from builtins import bool as _bool
from builtins import float as _float
from builtins import int as _int
from builtins import str as _str
from collections.abc import Sequence
from typing import IO, TypeAlias

from flambeau.autograd.graph import GradientEdge
from flambeau.core.device import device as _device
from flambeau.core.dtype import dtype as _dtype  # noqa: F401 - for programs
from flambeau.core.layout import layout as _layout  # noqa: F401
from flambeau.core.size import Size
from flambeau.core.tensor import Tensor
from flambeau.core.typed_storage import TypedStorage as Storage
from flambeau.symbolic import SymBool, SymFloat, SymInt

__all__ = ["Device", "FileLike", "Number", "Storage"]

Number: TypeAlias = _int | _float | _bool
Device: TypeAlias = _device | _str | _int | None
FileLike: TypeAlias = _str | os.PathLike[_str] | IO[bytes]
IntLikeType: TypeAlias = _int | SymInt
FloatLikeType: TypeAlias = _float | SymFloat
BoolLikeType: TypeAlias = _bool | SymBool
PySymType: TypeAlias = SymInt | SymFloat | SymBool
py_sym_types = (SymInt, SymFloat, SymBool)
_Number = (_int, _float, _bool)
_size: TypeAlias = Size | list[_int] | tuple[_int, ...]
_symsize: TypeAlias = _size
_dispatchkey: TypeAlias = _str
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_TensorOrOptionalTensors: TypeAlias = Tensor | Sequence[Tensor | None]
_TensorOrTensorsOrGradEdge: TypeAlias = Tensor | Sequence[Tensor] | GradientEdge
