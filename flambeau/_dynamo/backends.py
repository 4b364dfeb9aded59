"""The names of PyTorch's backends. Under each of them a function runs as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from flambeau._dynamo.exc import InvalidBackend

Backend = str | Callable[..., Any]
_COMPILING = ("cudagraphs", "inductor", "openxla", "tvm")
_DEBUGGING = (
    "aot_eager", "aot_eager_decomp_partition", "aot_eager_default_partitioner", "aot_ts", "eager",
    "eager_debug", "eager_noexcept", "pre_dispatch_eager", "ts",
)  # fmt: skip
_default: list[str] = ["inductor"]


def list_backends(exclude_tags: Sequence[str] | None = ("debug", "experimental")) -> list[str]:
    """The names that ``torch.compile`` takes, without those for debugging if these are excluded.

    >>> "inductor" in torch.compiler.list_backends()
    True
    """
    debugging = () if "debug" in (exclude_tags or ()) else _DEBUGGING
    return sorted([*_COMPILING, *debugging])


def lookup_backend(compiler_fn: Backend) -> str:
    """The name of a backend, if there is one of that name.

    Raises InvalidBackend for other names, NotImplementedError for a function of one's own.
    """
    if callable(compiler_fn):
        raise needs_graph("A backend of one's own")
    if compiler_fn not in (*_COMPILING, *_DEBUGGING):
        raise InvalidBackend(compiler_fn)
    return compiler_fn


def register_backend(
    compiler_fn: Any = None, name: str | None = None, tags: Sequence[str] = ()
) -> NoReturn:
    """Raises NotImplementedError: a backend compiles graphs, and there are none."""
    raise needs_graph("A backend of one's own")


def get_default_backend() -> str:
    """The backend of ``torch.compile`` without one: ``"inductor"`` unless set."""
    return _default[0]


def set_default_backend(backend: Backend | None) -> None:
    """Sets the backend of ``torch.compile`` without one; None for ``"inductor"``.

    Raises InvalidBackend for unknown names.
    """
    _default[0] = "inductor" if backend is None else lookup_backend(backend)


def needs_graph(what: str) -> NotImplementedError:
    """The error of what works on the graph of a function."""
    return NotImplementedError(
        f"{what} needs the graph of the function as a torch.fx.GraphModule, which Flambeau does "
        "not make: torch.compile runs functions as they are"
    )
