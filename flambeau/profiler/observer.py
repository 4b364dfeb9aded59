"""``ExecutionTraceObserver``: the operators of a run, in a JSON file."""

from __future__ import annotations

import gzip
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
        self.extra_resources_collection = False

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

    def set_extra_resource_collection(self, val: bool) -> None:
        """Whether what a replay needs beside the operators is kept in a folder beside the file.

        Flambeau's operators are replayed without more: the folder is made, and stays empty.
        """
        self.extra_resources_collection = val
        if val:
            self.get_resources_dir(can_create=True)

    def get_resources_dir(self, can_create: bool = False) -> str | None:
        """The folder beside the file; None if none is asked for, or there is none."""
        if not self.extra_resources_collection or self._path is None:
            return None
        return self.get_resources_dir_for_et_path(self._path, create_dir=can_create)

    @staticmethod
    def get_resources_dir_for_et_path(trace_path: str, create_dir: bool = False) -> str | None:
        """The folder that belongs to a file: ``trace_resources`` for ``trace.json``."""
        folder = os.path.splitext(trace_path)[0] + "_resources"
        if create_dir:
            os.makedirs(folder, exist_ok=True)
        return folder if os.path.isdir(folder) else None

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
        opener: Any = gzip.open if self._path.endswith(".gz") else open
        with opener(self._path, "wt") as file:
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
