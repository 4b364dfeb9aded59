"""``ExecutionTraceObserver``: the operators of a run, in a JSON file."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

from flambeau.core.flops import shape_of
from flambeau.core.interception import Interceptor


class _Observer(Interceptor):
    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []

    def intercept(self, op: Any, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        result = self.proceed(op, tensors, params)
        results = result if isinstance(result, tuple | list) else (result,)
        self.nodes.append({
            "id": len(self.nodes) + 1, "name": f"aten::{op.name}",
            "inputs": {"shapes": [shape_of(t) for t in tensors], "values": list(map(repr, params))},
            "outputs": {"shapes": [shape_of(r) for r in results]},
        })  # fmt: skip
        return result


class ExecutionTraceObserver:
    """Writes the operators that run between ``start`` and ``stop``, with shapes, into a file."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._observer: _Observer | None = None

    @staticmethod
    def build_execution_trace_obs_from_env() -> ExecutionTraceObserver | None:
        """An observer if ``ENABLE_PYTORCH_EXECUTION_TRACE`` is ``"1"``; its file is temporary."""
        if os.environ.get("ENABLE_PYTORCH_EXECUTION_TRACE", "0") != "1":
            return None
        handle, path = tempfile.mkstemp(".et.json")
        os.close(handle)
        return ExecutionTraceObserver().register_callback(path)

    def register_callback(self, output_file_path: str) -> ExecutionTraceObserver:
        """Chooses the file."""
        self._path = output_file_path
        return self

    def get_output_file_path(self) -> str | None:
        """The file, if one was chosen."""
        return self._path

    @property
    def is_registered(self) -> bool:
        """Whether a file was chosen."""
        return self._path is not None

    def is_running(self) -> bool:
        """Whether operators are being noted."""
        return self._observer is not None

    def start(self) -> None:
        """Begins to note operators."""
        if self._path is not None and self._observer is None:
            self._observer = _Observer().__enter__()

    def stop(self) -> None:
        """Writes the file."""
        if self._observer is None or self._path is None:
            return
        self._observer.__exit__()
        with open(self._path, "w") as file:
            json.dump({"schema": "1.0.0", "nodes": self._observer.nodes}, file)
        self._observer = None

    def unregister_callback(self) -> None:
        """Stops, and forgets the file."""
        self.stop()
        self._path = None

    def cleanup(self) -> None:
        """As :meth:`unregister_callback`."""
        self.unregister_callback()

    def __enter__(self) -> ExecutionTraceObserver:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.unregister_callback()
