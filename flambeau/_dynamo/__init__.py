"""What programs use of PyTorch's compiler below ``torch.compiler``. Nothing is traced or compiled:
see :func:`flambeau.compile`."""

from __future__ import annotations

from typing import Any, NoReturn

from flambeau._dynamo import config, decorators, eval_frame, exc
from flambeau._dynamo.backends import (
    list_backends,
    lookup_backend,
    needs_graph,
    register_backend,
)
from flambeau._dynamo.decorators import (
    allow_in_graph,
    assume_constant_result,
    disable,
    disable_nested_graph_breaks,
    disallow_in_graph,
    dont_skip_tracing,
    error_on_graph_break,
    forbid_in_graph,
    graph_break,
    is_dynamo_disable_recursive,
    mark_dynamic,
    mark_static,
    mark_static_address,
    maybe_mark_dynamic,
    nonstrict_trace,
    override_optimization_hint,
    patch_dynamo_config,
    run,
    set_stance,
    skip_frame,
    step_unsupported,
    substitute_in_graph,
)
from flambeau._dynamo.eval_frame import OptimizedModule, optimize

optimize_assert = optimize


def is_compiling() -> bool:
    """Whether the code at hand is being compiled: it runs as it is."""
    return False


def reset() -> None:
    """Forgets what was compiled, which is nothing."""


reset_recompile_user_contexts = reset


def explain(f: Any, *extra_args: Any, **extra_kwargs: Any) -> NoReturn:
    """Raises NotImplementedError: it would tell how a function is cut into graphs."""
    raise needs_graph("explain()")


def export(f: Any, *extra_args: Any, **extra_kwargs: Any) -> NoReturn:
    """Raises NotImplementedError: it would give the graph of a function."""
    raise needs_graph("export()")
