"""Sparse tensors for tests, as parts that NumPy and SciPy understand too."""

from __future__ import annotations

from typing import Any

import numpy as np

import flambeau as torch

LAYOUTS = ["coo", "csr", "csc", "bsr", "bsc"]
TWICE = [[2, 0, 2, 1, 0], [1, 3, 1, 0, 3]]  # two places occur twice


def holed(*shape: int, seed: int = 0, dtype: Any = np.float64, share: float = 0.6) -> Any:
    """Normal numbers of which about so large a share is zero."""
    random = np.random.default_rng(seed)
    values = np.round(random.standard_normal(shape) * 4) / 2 + 0.25
    return np.where(random.random(shape) < share, 0, values).astype(dtype)


def to_layout(dense: torch.Tensor, layout: str, block: tuple[int, int] = (2, 2)) -> torch.Tensor:
    """A dense tensor in a layout, blocks of 2 by 2 where there are blocks."""
    convert = getattr(dense, f"to_sparse_{layout}")
    return convert(block) if layout.startswith("b") else convert()


def sample(layout: str, *shape: int, seed: int = 0, grad: bool = False) -> torch.Tensor:
    """A sparse leaf, 4 by 6 unless told otherwise."""
    made = to_layout(torch.tensor(holed(*(shape or (4, 6)), seed=seed)), layout)
    return made.requires_grad_(grad)


def twice(grad: bool = False) -> torch.Tensor:
    """A tensor [3, 4] whose places are neither sorted nor unique."""
    values = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], dtype=torch.float64)
    return torch.sparse_coo_tensor(TWICE, values, (3, 4), requires_grad=grad)


def assert_near(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Two dense tensors agree up to rounding, in shape and dtype too."""
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    limit = 1e-5 if actual.dtype is torch.float32 else 1e-12
    a, b = [t.detach().cpu().numpy() for t in (actual, expected)]
    np.testing.assert_allclose(a, b, rtol=limit, atol=limit)
