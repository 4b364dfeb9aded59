"""Graphs of CUDA: work that was recorded once and is started again as a whole.

A replay runs the same kernels on the same memory: new values are copied into the tensors that were
recorded. Numbers drawn at random are those of the recording.
"""

from __future__ import annotations

from typing import Any

from flambeau.cuda.library import found
from flambeau.cuda.pools import Handle, pool_of
from flambeau.cuda.streams import Stream, current_stream
from flambeau.cuda.streams import stream as use_stream

_MODES = {"global": 0, "thread_local": 1, "relaxed": 2}


class CUDAGraph:
    """A recording of what the current stream was given between ``capture_begin`` and
    ``capture_end``; the context manager :class:`graph` is the convenient way.

    Args:
        keep_graph: instantiate later, with :meth:`instantiate` or at the first replay.
    """

    def __init__(self, keep_graph: bool = False) -> None:
        if found() is None:
            raise RuntimeError("Tried to instantiate dummy base class CUDAGraph")
        self._keeps, self._graph, self._pool, self._allocator = keep_graph, None, None, None
        self._stream: Stream | None = None

    def capture_begin(
        self,
        pool: Handle | None = None,
        capture_error_mode: str = "global",
        check_input_liveness: bool = False,
    ) -> None:
        """Begins to record the current stream; memory is taken from ``pool``, or one of its own.

        ``check_input_liveness`` is accepted for compatibility: inputs are not watched.
        """
        if capture_error_mode not in _MODES:
            raise RuntimeError(
                "Unknown capture error mode. Expected `global`, `thread_local`, or `relaxed`, got "
                + capture_error_mode
            )
        library: Any = found()
        self._stream, self._pool = current_stream(), pool_of(pool)
        self._allocator = library.cuda.using_allocator(self._pool._pool.malloc)
        self._allocator.__enter__()
        try:
            self._stream._stream.begin_capture(_MODES[capture_error_mode])
        except BaseException:
            self._allocator.__exit__(None, None, None)
            raise

    def capture_end(self) -> None:
        """Ends the recording."""
        if self._stream is None or self._allocator is None:
            raise RuntimeError("capture_end() was called without capture_begin()")
        try:
            self._graph = self._stream._stream.end_capture()
        finally:
            self._allocator.__exit__(None, None, None)
            self._allocator = None

    def _recorded(self) -> Any:
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::replay without a preceding successful capture.")
        return self._graph

    def instantiate(self) -> None:
        """Makes the recording ready; CuPy has done so when it ended."""
        self._recorded()

    def replay(self) -> None:
        """Starts the recorded work in the current stream."""
        self._recorded().launch(current_stream()._stream)

    def reset(self) -> None:
        """Forgets the recording, and lets go of its memory."""
        self._graph = self._pool = None

    def pool(self) -> Handle:
        """The name of its memory pool, for other graphs to share."""
        self._recorded()
        assert self._pool is not None
        return self._pool.id

    def raw_cuda_graph(self) -> int:
        """The address of the graph in CUDA; needs ``keep_graph=True``."""
        if not self._keeps:
            raise RuntimeError(
                "You cannot access the raw cudaGraph_t instance unless CUDAGraph was initialized "
                "with keep_graph=true"
            )
        return self._recorded().graph

    def raw_cuda_graph_exec(self) -> int:
        """The address of the instantiated graph in CUDA."""
        return self._recorded().graphExec

    def enable_debug_mode(self) -> None:
        """Does nothing: the graph is kept as long as this object."""

    def debug_dump(self, debug_path: str) -> None:
        """Writes the graph in the language of Graphviz; RuntimeError if CuPy cannot."""
        runtime = found().cuda.runtime  # type: ignore[union-attr]
        if not hasattr(runtime, "graphDebugDotPrint"):
            raise RuntimeError("this CuPy has no graphDebugDotPrint: graphs cannot be written")
        runtime.graphDebugDotPrint(self._recorded().graph, debug_path, 0)

    def get_graph_data(self) -> dict[str, Any]:
        """RuntimeError: CuPy does not list the nodes of a graph."""
        self._recorded()
        raise RuntimeError("CuPy does not list the nodes of a graph: see debug_dump")


class graph:  # noqa: N801 - the public name
    """``with graph(g): ...`` records the work inside in ``g``, in a stream of its own.

    Args:
        cuda_graph: the graph.
        pool: the pool of another graph, to share memory with.
        stream: the stream to record.
        capture_error_mode: ``"global"``, ``"thread_local"`` or ``"relaxed"``: whose unsafe calls
            of CUDA are errors meanwhile.
        enable_annotations, check_input_liveness: accepted for compatibility.
    """

    default_capture_stream: Stream | None = None

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: Handle | None = None,
        stream: Stream | None = None,
        capture_error_mode: str = "global",
        enable_annotations: bool = False,
        check_input_liveness: bool = False,
    ) -> None:
        if stream is None and graph.default_capture_stream is None:
            graph.default_capture_stream = Stream()
        self.cuda_graph, self.pool = cuda_graph, pool
        self.capture_stream = graph.default_capture_stream if stream is None else stream
        self.capture_error_mode = capture_error_mode
        self.check_input_liveness = check_input_liveness

    def __enter__(self) -> None:
        assert self.capture_stream is not None
        self.capture_stream.wait_stream(current_stream())
        self._context = use_stream(self.capture_stream)
        self._context.__enter__()
        self.cuda_graph.capture_begin(self.pool, self.capture_error_mode, self.check_input_liveness)

    def __exit__(self, *exc: object) -> None:
        try:
            self.cuda_graph.capture_end()
        finally:
            self._context.__exit__(None, None, None)
