"""Semi-structured (2:4) sparsity, which this library does not have."""

from __future__ import annotations

from typing import Any, NoReturn

from flambeau.core.tensor import Tensor


def to_sparse_semi_structured(original_tensor: Tensor, **options: Any) -> NoReturn:
    """Not supported: NotImplementedError. ``to_sparse_csr`` keeps any pattern of zeros.

    >>> torch.sparse.to_sparse_semi_structured(torch.ones(32, 32))
    Traceback (most recent call last):
    NotImplementedError: there are no semi-structured (2:4) tensors: use to_sparse_csr() instead
    """
    raise NotImplementedError(
        "there are no semi-structured (2:4) tensors: use to_sparse_csr() instead"
    )
