"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flambeau.ops.joining import stack


@contextmanager
def _swapped(module: Any, values: dict[str, Any]) -> Iterator[None]:
    """The module with other tensors in the places of its parameters and buffers."""
    places = []
    for name, value in values.items():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path) if path else module
        table = next((t for t in (owner._parameters, owner._buffers) if last in t), None)
        if table is None:
            continue
        places.append((table, last, table[last]))
        table[last] = value
    try:
        yield
    finally:
        for table, last, old in reversed(places):
            table[last] = old


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls a module with the given tensors in place of its parameters and buffers."""
    dicts = parameter_and_buffer_dicts
    if isinstance(dicts, Sequence):
        names = [name for one in dicts for name in one]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(
                f"{sorted(twice)} appeared in multiple dictionaries; behavior of "
                "functional call is ambiguous"
            )
        values = {name: value for one in dicts for name, value in one.items()}
    else:
        values = dict(dicts)
    if tie_weights:
        values = _tied(module, values)
    if strict:
        _check_keys(module, values)
    given = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, values):
        return module(*given, **(kwargs or {}))


def _check_keys(module: Any, values: dict[str, Any]) -> None:
    """RuntimeError unless exactly the parameters and buffers of the module are given."""
    have = {n for n, _ in module.named_parameters()} | {n for n, _ in module.named_buffers()}
    lines = [
        f"\t{what} key(s): {', '.join(map(repr, sorted(names)))}."
        for what, names in (("Unexpected", set(values) - have), ("Missing", have - set(values)))
        if names
    ]
    if lines:
        head = f"Error(s) in reparametrizing for {type(module).__name__}:"
        raise RuntimeError("\n".join([head, *lines]))


def _tied(module: Any, values: dict[str, Any]) -> dict[str, Any]:
    """A tensor given for one of several names of a shared parameter stands for all of them."""
    names: dict[int, list[str]] = {}
    for name, tensor in (
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ):
        names.setdefault(id(tensor), []).append(name)
    result = dict(values)
    for group in names.values():
        given = [n for n in group if n in values]
        if given:
            result.update({n: values[given[0]] for n in group if n not in values})
    return result


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several models of one kind, stacked."""
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = {
        name: stack([dict(m.named_parameters())[name] for m in models])
        .detach()
        .requires_grad_(p.requires_grad)  # type: ignore
        for name, p in models[0].named_parameters()
    }
    buffers = {
        name: stack([dict(m.named_buffers())[name] for m in models])
        for name, _ in models[0].named_buffers()
    }
    return parameters, buffers


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Makes batch norms of a module keep no running statistics, so that it can be mapped."""
    for child in root.modules():
        if hasattr(child, "running_mean") and hasattr(child, "track_running_stats"):
            child.track_running_stats = False
            child.running_mean = child.running_var = child.num_batches_tracked = None
    return root


def functionalize(func: Any, *, remove: str = "mutations") -> Any:
    """``func`` as it is: in-place operations are already recorded as functions of their inputs.

    PyTorch rewrites them for its tracers; here no transform needs that.
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            "functionalize(f, remove='mutations'): received invalid argument for "
            f"remove={remove}. Valid "
            "options are: 'mutations', 'mutations_and_views'"
        )
    return func
