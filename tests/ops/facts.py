"""Facts measured on PyTorch 2.13 (CPU): what expressions give, down to strides and messages.

A file of facts has sections, each headed by the statement that makes ``x``, and lines
``expression -> fact``.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

FILES = Path(__file__).parent.parent / "files"


def read(name: str) -> list[tuple[str, str, str]]:
    """The facts of a file: set-up, expression, fact."""
    found, setup = [], ""
    for line in (FILES / name).read_text().splitlines():
        if line.startswith("  "):
            expression, _, fact = line.strip().partition(" ->")
            found.append((setup, expression, fact.strip()))
        elif line and not line.startswith("#"):
            setup = line
    return found


def measure(torch: Any, setup: str, expression: str) -> str:
    """What an expression gives: an error, a value, or a description of its tensors."""
    names: dict[str, Any] = {"torch": torch}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(setup, names)
        try:
            result = eval(expression, names)
        except Exception as error:
            return f"{type(error).__name__}: {str(error).splitlines()[0]}"
        return describe(torch, result)


def describe(torch: Any, value: Any) -> str:
    """Shape, dtype and elements of a tensor; of a view, the strides and offset too."""
    if isinstance(value, tuple | list) and not isinstance(value, torch.Size):
        return "; ".join([describe(torch, part) for part in value])
    if not isinstance(value, torch.Tensor):
        return str(value)
    text = f"{list(value.shape)} {str(value.dtype)[6:]}"
    if value._base is not None:
        offset = value.storage_offset() if value.numel() else 0
        text += f" view {list(value.stride())} +{offset}"
    if value.numel() > 24:
        return f"{text} {value.double().sum().item():g}"
    return f"{text} {value.tolist()}"
