"""How a tensor shows itself in a notebook."""

from __future__ import annotations

from math import prod
from typing import Any

from flambeau.core.printing import tensor_str
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor

_EDGE = 4  # rows and columns kept at each side of what is longer than twice that
_CELL = "padding:1px 6px;text-align:right;font-family:monospace"


@method("_repr_html_")
def _repr_html_(self: Tensor) -> str:
    """Shape, dtype and device, then the elements: a table for vectors and matrices, else text."""
    from html import escape  # only notebooks pay for it

    facts = [" x ".join(map(str, self.shape)) or "no dimensions", self.dtype.name, str(self.device)]
    facts += [size(prod(self.shape) * self.dtype.itemsize)]
    facts += ["requires grad"] if self.requires_grad else []
    plain = self._kind is not None and self.ndim in (1, 2) and str(self.device) != "meta"
    body = _table(self) if plain and prod(self.shape) else f"<pre>{escape(tensor_str(self))}</pre>"
    return f"<div><b>{escape(type(self).__name__)}</b> {escape(' · '.join(facts))}{body}</div>"


def size(count: int) -> str:
    """A number of bytes for people.

    >>> size(999), size(2048)
    ('999 B', '2.0 KiB')
    """
    if count < 1024:
        return f"{count} B"
    number, unit = float(count), 0
    while number >= 1024 and unit < 4:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f} {'KMGT'[unit - 1]}iB"


def _kept(length: int) -> list[int | None]:
    """The places that are shown; None stands for those left out."""
    if length <= 2 * _EDGE:
        return list(range(length))
    return [*range(_EDGE), None, *range(length - _EDGE, length)]


def _table(tensor: Tensor) -> str:
    matrix: Any = tensor.detach()  # type: ignore[attr-defined]
    matrix = matrix.unsqueeze(0) if matrix.ndim == 1 else matrix
    columns = _kept(matrix.shape[1])
    lines = [
        "".join([_cell("⋮" if i is None else "…" if j is None else matrix[i, j]) for j in columns])
        for i in _kept(matrix.shape[0])
    ]
    return f"<table>{''.join([f'<tr>{line}</tr>' for line in lines])}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, Tensor):
        number: Any = value.item()  # type: ignore[attr-defined]
        text = f"{number:.4g}" if isinstance(number, float | complex) else str(number)
    else:
        text = value
    return f'<td style="{_CELL}">{text}</td>'
