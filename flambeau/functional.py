"""``torch.functional``: operators of the package, under PyTorch's old second address."""

from __future__ import annotations

from flambeau.ops.broadcasting import broadcast_shapes, broadcast_tensors
from flambeau.ops.contraction import chain_matmul, tensordot
from flambeau.ops.distances import cdist
from flambeau.ops.einsum import einsum
from flambeau.ops.gathering import unravel_index
from flambeau.ops.grids import cartesian_prod, meshgrid
from flambeau.ops.joining import block_diag
from flambeau.ops.linalg.lu import lu_of as lu
from flambeau.ops.linalg.svd import pca_lowrank, svd_lowrank
from flambeau.ops.reshaping import atleast_1d, atleast_2d, atleast_3d
from flambeau.ops.spectral import istft, stft
from flambeau.ops.splitting import split
from flambeau.ops.uniques import unique, unique_consecutive
from flambeau.ops.vector_norms import norm

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes",
    "broadcast_tensors", "cartesian_prod", "cdist", "chain_matmul", "einsum", "istft", "lu",
    "meshgrid", "norm", "pca_lowrank", "split", "stft", "svd_lowrank", "tensordot", "unique",
    "unique_consecutive", "unravel_index",
]  # fmt: skip
