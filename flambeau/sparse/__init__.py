"""``torch.sparse``: tensors of which only some elements are stored.

Layouts: coordinates (``torch.sparse_coo``), compressed rows and columns (``torch.sparse_csr``,
``torch.sparse_csc``) and the same with blocks (``torch.sparse_bsr``, ``torch.sparse_bsc``). Design
note 011 says how they fit into the library.
"""

from __future__ import annotations

from flambeau.sparse import conversion, elementwise, shape, state, writing
from flambeau.sparse.diagonals import spdiags
from flambeau.sparse.gradients import as_sparse_gradcheck
from flambeau.sparse.invariants import check_sparse_tensor_invariants
from flambeau.sparse.products import addmm, mm, sampled_addmm
from flambeau.sparse.reductions import log_softmax, softmax, sum
from flambeau.sparse.semi_structured import to_sparse_semi_structured
from flambeau.sparse.solving import spsolve

__all__ = [
    "addmm",
    "as_sparse_gradcheck",
    "check_sparse_tensor_invariants",
    "log_softmax",
    "mm",
    "sampled_addmm",
    "softmax",
    "spdiags",
    "spsolve",
    "sum",
    "to_sparse_semi_structured",
]
