"""The hooks of a module: how they are registered, and the call that runs them.

A module without hooks never comes here: ``Module.__call__`` tests one flag and calls ``forward``.
The flag is set by every registration, and by every look at a hook table from outside (see
`_Watched`), and cleared by the next call that finds the tables empty.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from itertools import chain
from typing import Any

from flambeau.core.handles import RemovableHandle
from flambeau.core.tensor import Tensor
from flambeau.utils.backward_hooks import BackwardHook, register_on_result

__all__ = [
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

Hook = Callable[..., Any]
Table = OrderedDict[int, Any]


# Hooks of every module in the process, kept under the names that PyTorch's programs know.
_global_forward_pre_hooks: Table = OrderedDict()
_global_forward_hooks: Table = OrderedDict()
_global_forward_hooks_always_called: Table = OrderedDict()
_global_forward_hooks_with_kwargs: Table = OrderedDict()
_global_backward_pre_hooks: Table = OrderedDict()
_global_backward_hooks: Table = OrderedDict()
_global_is_full_backward_hook: bool | None = None
_global_buffer_registration_hooks: Table = OrderedDict()
_global_module_registration_hooks: Table = OrderedDict()
_global_parameter_registration_hooks: Table = OrderedDict()

MIXED_BACKWARD = (
    "Cannot use both regular backward hooks and full backward hooks {}. "
    "Please use only one of them."
)


class _Watched:
    """A hook table of a module: reading it makes the next call look for hooks again.

    So a hook that a program puts into the table itself, without ``register_*``, is found too.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, module: Any, owner: type | None = None) -> Any:
        if module is None:
            return self
        own = module.__dict__
        try:
            table = own[self.name]
        except KeyError:
            shown = type(module).__name__
            raise AttributeError(f"'{shown}' object has no attribute '{self.name}'") from None
        own["_flambeau_hooked"] = True
        return table

    def __set__(self, module: Any, table: Table) -> None:
        module.__dict__[self.name] = table
        module.__dict__["_flambeau_hooked"] = True


def _add(
    table: Table, hook: Hook, *flags: tuple[Table, bool], prepend: bool = False
) -> RemovableHandle:
    """Puts a hook into its table, and its id into the tables of the options that are on."""
    handle = RemovableHandle(table, extra_dict=[extra for extra, _ in flags])
    table[handle.id] = hook
    for extra, wanted in flags:
        if wanted:
            extra[handle.id] = True
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


class Hooks:
    """The part of a module that keeps and runs its hooks."""

    _is_full_backward_hook: bool | None
    _flambeau_hooked: bool
    _backward_pre_hooks = _Watched()
    _backward_hooks = _Watched()
    _forward_hooks = _Watched()
    _forward_hooks_with_kwargs = _Watched()
    _forward_hooks_always_called = _Watched()
    _forward_pre_hooks = _Watched()
    _forward_pre_hooks_with_kwargs = _Watched()

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args)`` before every ``forward``; it may return other arguments.

        With ``with_kwargs`` the hook is ``hook(module, args, kwargs)`` and returns both or None.
        ``prepend`` puts it before the hooks that are already there.

        Example::

            handle = layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
            handle.remove()
        """
        flag = (self._forward_pre_hooks_with_kwargs, with_kwargs)
        return _add(self._forward_pre_hooks, hook, flag, prepend=prepend)

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Calls ``hook(module, args, output)`` after every ``forward``; it may return an output.

        With ``with_kwargs`` the hook is ``hook(module, args, kwargs, output)``; with
        ``always_call`` it runs even when ``forward`` raises.
        """
        kwargs_flag = (self._forward_hooks_with_kwargs, with_kwargs)
        always_flag = (self._forward_hooks_always_called, always_call)
        return _add(self._forward_hooks, hook, kwargs_flag, always_flag, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_output)`` before the module's gradients are computed.

        A returned tuple, or tensor, takes the place of ``grad_output``.
        """
        return _add(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_input, grad_output)`` once the module's gradients are known.

        A returned tuple, or tensor, takes the place of ``grad_input``.
        """
        _set_backward_kind(self, full=True)
        return _add(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Deprecated form: the hook sees the gradients of the last operation of the module only."""
        _set_backward_kind(self, full=False)
        return _add(self._backward_hooks, hook)

    def _get_backward_hooks(self) -> tuple[list[Hook], list[Hook]]:
        """Full hooks, and hooks of the deprecated form, those of all modules first."""
        full: list[Hook] = []
        last: list[Hook] = []
        for is_full, table in (
            (_global_is_full_backward_hook, _global_backward_hooks),
            (self._is_full_backward_hook, self._backward_hooks),
        ):
            (full if is_full else last).extend(table.values())
        return full, last

    def _get_backward_pre_hooks(self) -> list[Hook]:
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """The call of a module that has hooks, or of any module while global hooks exist."""
        own = self.__dict__
        get = own.get
        if not (
            get("_forward_hooks")
            or get("_forward_pre_hooks")
            or get("_backward_hooks")
            or get("_backward_pre_hooks")
        ):
            own["_flambeau_hooked"] = False
            if not any_global():
                return self.forward(*args, **kwargs)
        called: set[int] = set()
        try:
            return _run(self, args, kwargs, called)
        except Exception:
            _run_missed(self, args, kwargs, called)
            raise


def _set_backward_kind(module: Any, full: bool) -> None:
    if module._is_full_backward_hook is (not full):
        raise RuntimeError(MIXED_BACKWARD.format("on a single Module"))
    module._is_full_backward_hook = full


def _run(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], called: set[int]) -> Any:
    own = module.__dict__
    if own["_forward_pre_hooks"] or _global_forward_pre_hooks:
        args, kwargs = _run_pre_hooks(module, args, kwargs)
    gate = last = None
    if own["_backward_hooks"] or own["_backward_pre_hooks"] or any_global_backward():
        full, last = module._get_backward_hooks()
        before = module._get_backward_pre_hooks()
        if full or before:
            gate = BackwardHook(module, full, before)
            args = gate.setup_input_hook(args)
    result = module.forward(*args, **kwargs)
    if own["_forward_hooks"] or _global_forward_hooks:
        result = _run_forward_hooks(module, args, kwargs, result, called)
    if gate is not None:
        result = gate.setup_output_hook(result)
    if last:
        register_on_result(module, last, result)
    return result


def _run_pre_hooks(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    own = module.__dict__
    with_kwargs = own["_forward_pre_hooks_with_kwargs"]
    tables = chain(_global_forward_pre_hooks.items(), own["_forward_pre_hooks"].items())
    for key, hook in list(tables):
        if key in with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                args, kwargs = _both(changed)
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _run_forward_hooks(module: Any, args: Any, kwargs: Any, result: Any, called: set[int]) -> Any:
    for key, hook, with_kwargs in _forward_hook_rows(module):
        called.add(key)
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if changed is not None:
            result = changed
    return result


def _forward_hook_rows(module: Any) -> list[tuple[int, Hook, bool]]:
    """The id of each forward hook, the hook, and whether it takes keyword arguments."""
    own = module.__dict__
    takes = own["_forward_hooks_with_kwargs"]
    rows = [(key, hook, key in takes) for key, hook in own["_forward_hooks"].items()]
    if _global_forward_hooks:
        takes = _global_forward_hooks_with_kwargs
        rows[:0] = [(key, hook, key in takes) for key, hook in _global_forward_hooks.items()]
    return rows


def _run_missed(module: Any, args: Any, kwargs: Any, called: set[int]) -> None:
    """After an error: the hooks registered with ``always_call`` that have not run."""
    always = module.__dict__.get("_forward_hooks_always_called", ())
    for key, hook, with_kwargs in _forward_hook_rows(module):
        if key in called or not (key in always or key in _global_forward_hooks_always_called):
            continue
        try:
            hook(module, args, kwargs, None) if with_kwargs else hook(module, args, None)
        except Exception as error:
            where = "global module" if key in _global_forward_hooks_always_called else "module"
            warnings.warn(
                f"{where} forward hook with ``always_call=True`` raised an exception that "
                f"was silenced as another error was raised in forward: {error}",
                stacklevel=2,
            )


def _both(changed: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a pre-hook with keyword arguments returned."""
    if isinstance(changed, tuple) and len(changed) == 2:
        return changed
    raise RuntimeError(
        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
        f"but got {changed}."
    )


def any_global_backward() -> bool:
    """Whether hooks on the backward pass of every module exist."""
    return bool(_global_backward_hooks or _global_backward_pre_hooks)


def any_global() -> bool:
    """Whether hooks on the calls of every module exist."""
    return bool(_global_forward_pre_hooks or _global_forward_hooks) or any_global_backward()


def registered(
    table: Table, module: Any, name: str, value: Tensor | Any | None
) -> Tensor | Any | None:
    """The value to register under ``name``, as the hooks of all modules leave it."""
    for hook in table.values():
        changed = hook(module, name, value)
        if changed is not None:
            value = changed
    return value


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Calls ``hook(module, args)`` before the forward of every module in the process."""
    return _add(_global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Calls ``hook(module, args, output)`` after the forward of every module in the process."""
    kwargs_flag = (_global_forward_hooks_with_kwargs, with_kwargs)
    always_flag = (_global_forward_hooks_always_called, always_call)
    return _add(_global_forward_hooks, hook, kwargs_flag, always_flag)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Calls ``hook(module, grad_output)`` before the backward pass of every module."""
    return _add(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Calls ``hook(module, grad_input, grad_output)`` in the backward pass of every module."""
    _set_global_backward_kind(full=True)
    return _add(_global_backward_hooks, hook)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Deprecated form of `register_module_full_backward_hook`."""
    _set_global_backward_kind(full=False)
    return _add(_global_backward_hooks, hook)


def _set_global_backward_kind(full: bool) -> None:
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError(MIXED_BACKWARD.format("as a global Module hook"))
    _global_is_full_backward_hook = full


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Calls ``hook(module, name, buffer)`` when a buffer is registered; it may replace it."""
    return _add(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Calls ``hook(module, name, submodule)`` when a submodule is registered."""
    return _add(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Calls ``hook(module, name, parameter)`` when a parameter is registered."""
    return _add(_global_parameter_registration_hooks, hook)
