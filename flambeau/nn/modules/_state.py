"""The state_dict of a module: written, read back, and the hooks around both."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flambeau.__future__ import get_swap_module_params_on_conversion
from flambeau.autograd.grad_mode import no_grad
from flambeau.core.handles import RemovableHandle
from flambeau.core.tensor import Parameter, Tensor
from flambeau.nn.parameter import is_lazy

EXTRA_STATE = "_extra_state"
NEVER = "Reached a code path in Module.{}() that should never be called."


class _IncompatibleKeys(
    namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"]),
):
    """What `load_state_dict` returns: the names it missed and the names it did not know."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class _WithModule:
    """A load_state_dict pre-hook that receives the module first."""

    def __init__(self, hook: Callable[..., Any], module: Any | None) -> None:
        self.hook = hook
        self.module = module

    def __call__(self, *args: Any) -> Any:
        return self.hook(*args) if self.module is None else self.hook(self.module, *args)


class State:
    """The part of a module that saves and restores what it has learnt."""

    _version: int = 1
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    # --- saving

    def state_dict(
        self,
        *args: Any,
        destination: Any = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> Any:
        """All parameters and persistent buffers by name, sharing memory with the module.

        Args:
            destination: a mapping to fill; a new ``OrderedDict`` without one.
            prefix: put before every name.
            keep_vars: returns the parameters themselves, not detached.

        Example::

            >>> list(nn.Linear(2, 3).state_dict())
            ['weight', 'bias']
        """
        if args:
            destination, prefix, keep_vars = _positional(args, destination, prefix, keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, local_metadata)
            if result is None:
                continue
            if getattr(hook, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            destination = result
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Puts this module's own values, without its submodules', into ``destination``."""
        for name, value in self._parameters.items():
            if value is not None:
                destination[prefix + name] = value if keep_vars else value.detach()
        for name, value in self._buffers.items():
            if value is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = value if keep_vars else value.detach()
        if _has_extra(self, "get_extra_state"):
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """What else to save in the state_dict; to be overridden along with `set_extra_state`."""
        raise RuntimeError(NEVER.format("get_extra_state"))

    def set_extra_state(self, state: Any) -> None:
        """Takes back what `get_extra_state` saved; to be overridden along with it."""
        raise RuntimeError(NEVER.format("set_extra_state"))

    # --- hooks

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was "
                "previously registered via register_state_dict_post_hook"
            )
        return _listed(self._state_dict_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, local_metadata)`` after `state_dict`."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return _listed(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls ``hook(module, prefix, keep_vars)`` before `state_dict`."""
        return _listed(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        bound = _WithModule(hook, self if with_module else None)
        return _listed(self._load_state_dict_pre_hooks, bound)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`` before the module takes its values."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls ``hook(module, incompatible_keys)`` after the module took its values.

        The hook may change the two lists in ``incompatible_keys``: strict loading judges them.
        """
        return _listed(self._load_state_dict_post_hooks, hook)

    # --- loading

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copies the values of a state_dict into the module and its submodules.

        Args:
            state_dict: names and tensors, as `state_dict` returns them.
            strict: raises where a name is missing or unknown.
            assign: puts the given tensors in place of the module's, instead of copying.

        Returns:
            A named tuple ``(missing_keys, unexpected_keys)``.

        Raises:
            RuntimeError: missing or unknown names (strict), and shapes that differ.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        own = OrderedDict(state_dict)
        if metadata is not None:
            own._metadata = metadata  # type: ignore[attr-defined]
        load = _Load(metadata or {}, assign)
        load(self, own)
        if strict:
            _complain(load)
        if load.errors:
            lines = "\n\t".join(load.errors)
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{lines}"
            )
        return _IncompatibleKeys(load.missing, load.unexpected)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Takes this module's own values, without its submodules', from ``state_dict``."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(
                state_dict,
                prefix,
                local_metadata,
                strict,
                missing_keys,
                unexpected_keys,
                error_msgs,
            )
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, value in _own_state(self):
            key = prefix + name
            if key in state_dict:
                error = _take(self, name, value, key, state_dict[key], assign)
                if error:
                    error_msgs.append(error)
            elif strict:
                missing_keys.append(key)
        extra = prefix + EXTRA_STATE
        if _has_extra(self, "set_extra_state"):
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            unexpected_keys.extend(_unknown(self, state_dict, prefix, extra))


def _as_kind_of(value: Tensor, given: Tensor) -> Tensor:
    """The given tensor as a parameter where a parameter is replaced."""
    if isinstance(value, Parameter):
        if not isinstance(given, Parameter):
            return Parameter(given, requires_grad=value.requires_grad)
        given.requires_grad_(value.requires_grad)
    return given


def _has_extra(module: Any, method: str) -> bool:
    return getattr(type(module), method) is not getattr(State, method)


def _own_state(module: Any) -> list[tuple[str, Tensor]]:
    buffers = (
        (name, value)
        for name, value in module._buffers.items()
        if name not in module._non_persistent_buffers_set
    )
    rows = itertools.chain(module._parameters.items(), buffers)
    return [(name, value) for name, value in rows if value is not None]


def _unknown(module: Any, state_dict: Any, prefix: str, extra: str) -> Iterator[str]:
    known = {name for name, _ in _own_state(module)}
    for key in state_dict:
        if key.startswith(prefix) and key != extra:
            first, *rest = key[len(prefix) :].split(".", 1)
            if first not in (module._modules if rest else known):
                yield key


def _take(module: Any, name: str, value: Tensor, key: str, given: Any, assign: bool) -> str | None:
    """Copies or assigns one value; returns what was wrong with it."""
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or '
            f"Tensor-like object from checkpoint but received {type(given)}"
        )
    lazy = is_lazy(value)
    if not lazy:
        if value.dim() == 0 and given.dim() == 1:  # files of old releases
            given = given[0]
        if given.shape != value.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from "
                f"checkpoint, the shape in current model is {value.shape}."
            )
    if value.is_meta and not given.is_meta and not assign:
        warnings.warn(
            f"for {key}: copying from a non-meta parameter in the checkpoint to a meta "
            "parameter in the current model, which is a no-op. (Did you mean to pass "
            "`assign=True` to assign items in the state dictionary to their corresponding "
            "key in the module instead of copying them in place?)",
            stacklevel=2,
        )
    try:
        with no_grad():
            if assign:
                setattr(module, name, _as_kind_of(value, given))
            elif get_swap_module_params_on_conversion():
                value.data = value.module_load(given)
            else:
                value.copy_(given)
    except Exception as error:
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are '
            f"{value.size()} and whose dimensions in the checkpoint are {given.size()}, "
            f"an exception occurred : {error.args}."
        )
    return None


class _Load:
    """One `load_state_dict`: walks the modules and gathers what went wrong."""

    def __init__(self, metadata: Mapping[str, Any], assign: bool) -> None:
        self.metadata = metadata
        self.assign = assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []

    def __call__(self, module: Any, state: Mapping[str, Any], prefix: str = "") -> None:
        local_metadata = self.metadata.get(prefix[:-1], {})
        if self.assign:
            local_metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(
            state, prefix, local_metadata, True, self.missing, self.unexpected, self.errors
        )
        for name, child in module._modules.items():
            if child is not None:
                below = f"{prefix}{name}."
                part = {key: value for key, value in state.items() if key.startswith(below)}
                self(child, part, below)
        keys = _IncompatibleKeys(self.missing, self.unexpected)
        for hook in module._load_state_dict_post_hooks.values():
            if hook(module, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not "
                    "expected to return new values, if incompatible_keys need to be modified, "
                    "it should be done inplace."
                )


def _complain(load: _Load) -> None:
    """Puts the lines about names before those about values, as strict loading demands."""
    lines = [
        f"{what} key(s) in state_dict: {', '.join(map(_quoted, keys))}. "
        for what, keys in (("Missing", load.missing), ("Unexpected", load.unexpected))
        if keys
    ]
    load.errors[:0] = lines


def _quoted(key: str) -> str:
    return f'"{key}"'


def _listed(table: OrderedDict[int, Any], hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(table)
    table[handle.id] = hook
    return handle


def _positional(args: tuple[Any, ...], destination: Any, prefix: str, keep_vars: bool) -> Any:
    warnings.warn(
        "Positional args are being deprecated, use kwargs instead. Refer to "
        "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict"
        " for details.",
        FutureWarning,
        stacklevel=3,
    )
    given = [*args, *(destination, prefix, keep_vars)[len(args) :]]
    return given[0], given[1], given[2]
