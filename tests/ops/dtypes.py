"""The dtypes that an operator computes in, tried out on its samples.

This module knows only what Flambeau and PyTorch have in common: ``tests/oracle`` runs it with
PyTorch to write ``tests/files/dtype_facts.txt``.
"""

from __future__ import annotations

import warnings
from typing import Any

import flambeau as torch
from tests.samples import function, samples

Tensor = torch.Tensor
DTYPES = [
    *("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128"),
    *("float8_e4m3fn", "float8_e5m2"),
]


def mapped(value: Any, function: Any) -> Any:
    """A nested value with each tensor replaced."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)([mapped(item, function) for item in value])
    if isinstance(value, dict):
        return {key: mapped(item, function) for key, item in value.items()}
    return value


def rank(of: torch.dtype) -> int:
    """bool 0, integers 1, floats 2, complex 3."""
    return 3 if of.is_complex else 2 if of.is_floating_point else int(of is not torch.bool)


def main_dtype(sample: Any) -> torch.dtype | None:
    """The dtype of the tensors that are computed with: the highest; others are indices, masks."""
    found: list[torch.dtype] = []
    mapped(sample, lambda tensor: found.append(tensor.dtype))
    return max(found, key=rank, default=None)


def converted(tensor: Tensor, of: torch.dtype) -> Tensor:
    """The tensor in another dtype; as integers, at least 1, so that they can be divided by."""
    tensor = tensor.detach()
    if rank(tensor.dtype) < 2 or rank(of) > 1:
        return tensor.to(of)
    return tensor.abs().ceil().clamp(min=1).to(of)


def accepts(name: str, of: torch.dtype, device: str = "cpu") -> bool:
    """Whether a sample of the operator computes in a dtype."""
    for sample in samples(name):
        old = main_dtype(sample)
        if old is None:
            continue
        try:
            args, kwargs = mapped(
                sample,
                lambda t, old=old: (converted(t, of) if t.dtype is old else t.detach()).to(device),
            )
            function(name)(*args, **kwargs)
            return True
        except Exception:
            continue
    return False


def accepted(name: str, device: str = "cpu") -> list[str]:
    """The names of the dtypes that an operator computes in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return [of for of in DTYPES if accepts(name, getattr(torch, of), device)]
