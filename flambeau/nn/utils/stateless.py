"""A module called with other parameters and buffers than its own."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from flambeau.core.tensor import Tensor

__all__ = ["functional_call"]

ABSENT = object()


def functional_call(
    module: Any,
    parameters_and_buffers: Mapping[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Deprecated place of ``torch.func.functional_call``.

    Args:
        module: the module.
        parameters_and_buffers: tensors by path, which take the place of the module's own.
        args: the argument, or a tuple of arguments.
        kwargs: keyword arguments.
        tie_weights: whether tensors that are shared in the module are replaced everywhere.
        strict: raises RuntimeError where names are missing or unknown.
    """
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be "
        "removed in a future version of PyTorch. Please use `torch.func.functional_call` instead "
        "which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )


def _functional_call(
    module: Any,
    parameters_and_buffers: Mapping[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """The call itself, without a warning; `torch.func.functional_call` is made of it."""
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(
        module, parameters_and_buffers, tie_weights=tie_weights, strict=strict
    ):
        return module(*args, **(kwargs or {}))


@contextlib.contextmanager
def _reparametrize_module(
    module: Any,
    parameters_and_buffers: Mapping[str, Tensor],
    tie_weights: bool = False,
    strict: bool = False,
) -> Iterator[None]:
    """Puts other tensors into a module, and its own back at the end.

    What the module wrote to its tensors meanwhile (a buffer assigned anew) goes into the mapping.
    """
    replaced = dict(parameters_and_buffers)
    if tie_weights:
        replaced |= _tied(module, replaced)
    if strict:
        _check_names(module, replaced)
    originals: dict[str, Any] = {}
    try:
        for path, value in replaced.items():
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"{value} is not an instance of torch.Tensor")
            originals[path] = _swap(module, path, value)
        yield
    finally:
        for path, original in reversed(originals.items()):  # of tied tensors, the first is right
            new = _swap(module, path, original)
            if path in parameters_and_buffers and new is not parameters_and_buffers[path]:
                with contextlib.suppress(TypeError):  # an immutable mapping
                    parameters_and_buffers[path] = new  # type: ignore[index]


def _swap(module: Any, path: str, value: Any) -> Any:
    """Puts a value at a path of the module's parameters and buffers; returns what was there."""
    owner_path, _, name = path.rpartition(".")
    owner = module.get_submodule(owner_path)
    for table in (owner._parameters, owner._buffers):
        if name in table:
            before, table[name] = table[name], value
            return before
    before = getattr(owner, name, ABSENT)
    if value is ABSENT:
        delattr(owner, name)
    else:
        object.__setattr__(owner, name, value)
    return before


def _tied(module: Any, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The other paths of tensors that the module shares, each with what its twin is given."""
    groups: dict[int, list[str]] = {}
    for path, value in _named(module):
        groups.setdefault(id(value), []).append(path)
    found: dict[str, Tensor] = {}
    for paths in groups.values():
        values = {id(given[path]): given[path] for path in paths if path in given}
        if len(paths) > 1 and len(values) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(paths)}, which are tied. "
                "Consider using tie_weights=False"
            )
        for value in values.values():
            found.update((path, value) for path in paths if path not in given)
    return found


def _named(module: Any) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def _check_names(module: Any, given: Mapping[str, Tensor]) -> None:
    names = {path for path, _ in _named(module)}
    problems = []
    if unexpected := sorted(set(given) - names):
        problems.append(f"Unexpected key(s): {', '.join(map(repr, unexpected))}.")
    if missing := sorted(names - set(given)):
        problems.append(f"Missing key(s): {', '.join(map(repr, missing))}.")
    if problems:
        raise RuntimeError(
            f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(problems)
        )
