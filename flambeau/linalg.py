"""``torch.linalg``: decompositions, solvers, norms and products of matrices."""

from __future__ import annotations

from flambeau.core.errors import LinAlgError
from flambeau.namespace import module_getattr
from flambeau.ops.linalg.cholesky import cholesky, cholesky_ex
from flambeau.ops.linalg.determinants import det, slogdet
from flambeau.ops.linalg.eigenvalues import eig, eigh, eigvals, eigvalsh
from flambeau.ops.linalg.inverses import inv, inv_ex, pinv, tensorinv
from flambeau.ops.linalg.ldl import ldl_factor, ldl_factor_ex, ldl_solve
from flambeau.ops.linalg.lu import lu, lu_factor, lu_factor_ex, lu_solve
from flambeau.ops.linalg.matrix_functions import matrix_exp, matrix_power
from flambeau.ops.linalg.norms import cond, matrix_norm, matrix_rank, norm
from flambeau.ops.linalg.qr import householder_product, qr
from flambeau.ops.linalg.solvers import lstsq, solve, solve_ex, solve_triangular, tensorsolve
from flambeau.ops.linalg.svd import singular_values as svdvals
from flambeau.ops.linalg.svd import svd
from flambeau.ops.linalg.vectors import cross, diagonal, multi_dot, vander, vecdot
from flambeau.ops.products import matmul
from flambeau.ops.vector_norms import vector_norm

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh",
    "eigvals", "eigvalsh", "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex",
    "ldl_solve", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp",
    "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet",
    "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander",
    "vecdot", "vector_norm",
]  # fmt: skip

__getattr__ = module_getattr(__name__)
