"""What a call gave, in one line of text: enough to tell whether PyTorch gave the same.

This module knows only what Flambeau and PyTorch have in common: ``tests/oracle`` runs it with
PyTorch to write ``tests/files/sample_facts.txt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

import flambeau as torch
from tests.samples import function, samples

Tensor = torch.Tensor
TOLERANCE = {"float64": 1e-9, "complex128": 1e-9, "float32": 1e-4, "complex64": 1e-4}


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in a nested value."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))


def numbers(tensor: Tensor) -> np.ndarray:
    """The elements as float64; a complex one counts twice."""
    plain = tensor.detach().resolve_conj().resolve_neg()
    if plain.dtype.is_complex:
        plain = torch.view_as_real(plain.contiguous())
    wide = plain.to(torch.float64) if plain.dtype is not torch.uint64 else plain
    return wide.numpy(force=True).astype(np.float64).reshape(-1)


def fingerprint(tensor: Tensor) -> float:
    """A weighted sum of the elements, with numbers of its own for NaN and the infinities."""
    values = numbers(tensor)
    weights = np.cos(np.arange(1, values.size + 1))
    known = np.nan_to_num(values, nan=0.625, posinf=3.25, neginf=-3.25)
    return float((known * weights).sum())


def described(tensor: Tensor) -> str:
    """``float64[2,3]/3,1``: dtype, shape and strides."""
    shape, strides = (",".join(map(str, s)) for s in (tensor.shape, tensor.stride()))
    return f"{str(tensor.dtype).removeprefix('torch.')}[{shape}]/{strides}"


def fact(tensor: Tensor) -> str:
    """``float64[2,3]/3,1 grad 1.234``; ``-`` where there is no gradient."""
    return (
        f"{described(tensor)} {'grad' if tensor.requires_grad else '-'} {fingerprint(tensor):.12g}"
    )


def facts(name: str) -> Iterator[tuple[str, list[str]]]:
    """For each sample of an operator: its key, and the facts of its results and gradients."""
    for place, sample in enumerate(samples(name)):
        given = [fingerprint(t) for t in tensors(list(sample))]
        key = f"{name} {place} {sum(given):.6g}"
        torch.manual_seed(7)
        try:
            result = function(name)(*sample[0], **sample[1])
        except Exception as error:
            yield key, [f"{type(error).__name__}"]
            continue
        found = list(tensors([result]))
        yield (
            key,
            [fact(t) for t in found] if found else [re.sub(r"torch\.|flambeau\.", "", str(result))],
        )
        leaves = [t for t in tensors(list(sample)) if t.requires_grad]
        yield f"{key} gradients", gradients(found, leaves)


def gradients(results: list[Tensor], leaves: list[Tensor]) -> list[str]:
    """The facts of the gradients of all results."""
    results = [r for r in results if r.requires_grad]
    if not results or not leaves:
        return []
    weights = [weight(r) for r in results]
    try:
        grads = torch.autograd.grad(results, leaves, weights, allow_unused=True)
    except (RuntimeError, NotImplementedError) as error:
        return [f"{type(error).__name__}"]
    grads = [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(grads, leaves)]
    return [f"{described(g).partition('/')[0]} {fingerprint(g):.12g}" for g in grads]


def weight(result: Tensor) -> Tensor:
    """Numbers of the shape and dtype of a result."""
    count = max(result.numel(), 1)
    flat = torch.linspace(0.5, 1.5, count, dtype=torch.float64)[: result.numel()]
    return flat.reshape(result.shape).to(result.dtype)


def agree(ours: str, theirs: str, strides: bool = True) -> bool:
    """Whether two facts say the same, numbers within the accuracy of their dtype."""
    first, second = ours.split(" "), theirs.split(" ")
    if not strides:
        first[0], second[0] = first[0].partition("/")[0], second[0].partition("/")[0]
    if first[:-1] != second[:-1]:
        return False
    try:
        a, b = float(first[-1]), float(second[-1])
    except ValueError:
        return first[-1] == second[-1]
    near = TOLERANCE.get(first[0].partition("[")[0], 2e-2)
    return bool(np.isclose(a, b, rtol=near, atol=near * 10))
