"""The operators of both runs of a checkpointed function, for its error messages."""

from __future__ import annotations

from typing import Any

from flambeau.core.errors import describe_site, site
from flambeau.core.interception import Interceptor


class _Recorder(Interceptor):
    """Notes the name, the operands and the calling line of each operator."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def intercept(self, op: Any, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        shapes = [str(list(t.shape)) for t in tensors if hasattr(t, "shape")]
        self.lines.append(f"  {op.name}({', '.join(shapes)})  at {describe_site(site())}")
        return self.proceed(op, tensors, params)


class OperatorLog:
    """What the first run and the second run called."""

    def __init__(self) -> None:
        self.first, self.second = _Recorder(), _Recorder()

    def told(self) -> str:
        """Both lists as text, the first difference marked."""
        first, second = self.first.lines, self.second.lines
        at = next((i for i, (a, b) in enumerate(zip(first, second)) if a != b), None)
        if at is None:
            at = min(len(first), len(second))
        return "\n".join([
            "", "", "Operators of the original forward:", *_marked(first, at),
            "Operators of the recomputation:", *_marked(second, at),
        ])  # fmt: skip


def _marked(lines: list[str], at: int) -> list[str]:
    return [f"{'>' if i == at else ' '}{line}" for i, line in enumerate(lines)] or ["  (none)"]
