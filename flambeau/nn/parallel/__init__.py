"""One module on several devices: its copies, the pieces of a batch, and their results."""

from __future__ import annotations

from flambeau.nn.parallel import comm, scatter_gather
from flambeau.nn.parallel.data_parallel import DataParallel, data_parallel
from flambeau.nn.parallel.replicate import parallel_apply, replicate
from flambeau.nn.parallel.scatter_gather import gather, scatter

__all__ = [
    "DataParallel",
    "comm",
    "data_parallel",
    "gather",
    "parallel_apply",
    "replicate",
    "scatter",
    "scatter_gather",
]
