"""Dimensions moved, picked and joined, of sparse tensors."""

from __future__ import annotations

from flambeau.kernels.shared.sparse import parts
from flambeau.kernels.shared.sparse import shape as kernels
from flambeau.sparse.forms import refuse, sparse_form

sparse_form("permute", kernels.permuted)
sparse_form("transpose", kernels.swapped)
sparse_form("t", kernels.swapped)
sparse_form("unsqueeze", kernels.expanded)
sparse_form("select", kernels.selected)
sparse_form("unbind", kernels.unbound)
sparse_form("slice", kernels.sliced)
sparse_form("index_select", kernels.taken)
sparse_form("cat", kernels.joined)
sparse_form("stack", kernels.stacked)


sparse_form("detach", parts.same)
sparse_form("alias", parts.same)

refuse("expand", "expand is unsupported for {layout} tensors")
