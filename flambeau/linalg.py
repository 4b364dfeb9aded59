"""``torch.linalg``: decompositions, solvers, norms and products of matrices."""

from flambeau.namespace import module_getattr
from flambeau.ops.linalg import inv, multi_dot, pinv, qr, solve
from flambeau.ops.products import matmul
from flambeau.ops.reductions import vector_norm

__all__ = ["inv", "matmul", "multi_dot", "pinv", "qr", "solve", "vector_norm"]

__getattr__ = module_getattr(__name__)
