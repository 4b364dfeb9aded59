"""``torch.cuda.graphs``: work that is recorded once and started again as a whole."""

from flambeau.cuda.graphed_callables import make_graphed_callables
from flambeau.cuda.pools import graph_pool_handle
from flambeau.cuda.recorded_graphs import CUDAGraph, graph
from flambeau.cuda.streams import is_current_stream_capturing

__all__ = [
    "CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing",
    "make_graphed_callables",
]  # fmt: skip
