"""``Optimizer``: parameter groups, state and hooks; the algorithms add ``step``.

An algorithm of this package is a class that checks its options and keeps its state, and a
function (``sgd``, ``adam``, ...) that updates lists of parameters. Where a kernel updates all
parameters in one call, the function takes it by itself when that is valid.
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any, TypeAlias

from flambeau.autograd.profiler import record_function
from flambeau.core.dtype import float32, scalar_name
from flambeau.core.graph import Leaf
from flambeau.core.modes import flags
from flambeau.core.tensor import Tensor
from flambeau.utils.hooks import RemovableHandle

ParamsT: TypeAlias = Iterable[Any]
StateDict: TypeAlias = dict[str, Any]
Group: TypeAlias = dict[str, Any]

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()  # a default that every group has to give a value for

_everywhere_before: OrderedDict[int, Callable[..., Any]] = OrderedDict()
_everywhere_after: OrderedDict[int, Callable[..., Any]] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls ``hook(optimizer, args, kwargs)`` before every step of every optimizer."""
    return _register(_everywhere_before, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls ``hook(optimizer, args, kwargs)`` after every step of every optimizer."""
    return _register(_everywhere_after, hook)


def _register(
    hooks: OrderedDict[int, Callable[..., Any]], hook: Callable[..., Any], prepend: bool = False
) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


_HOOKS = (
    "_optimizer_step_pre_hooks", "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks", "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks", "_optimizer_load_state_dict_post_hooks",
)  # fmt: skip


class Optimizer:
    """The base of all optimizers.

    Args:
        params: tensors, (name, tensor) pairs, or dicts that each define a group: ``"params"`` and
            options of its own.
        defaults: the options of groups that do not give them.

    A subclass defines ``step``; hooks run around it by themselves.

    Example::

        class Decay(Optimizer):
            def __init__(self, params, rate):
                super().__init__(params, {"rate": rate})

            @torch.no_grad()
            def step(self, closure=None):
                for group in self.param_groups:
                    for parameter in group["params"]:
                        parameter.mul_(group["rate"])
    """

    OptimizerPreHook: TypeAlias = Callable[..., Any]
    OptimizerPostHook: TypeAlias = Callable[..., Any]

    defaults: dict[str, Any]
    state: defaultdict[Tensor, Any]
    param_groups: list[Group]

    _optimizer_step_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_step_post_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got torch.{scalar_name(params.dtype)}Tensor"
            )
        self.defaults = defaults
        self._make_hooks()
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        for name in _HOOKS:
            self.__dict__.setdefault(name, OrderedDict())
        cls = type(self)
        if not hasattr(cls.step, "hooked"):
            cls.step = self.profile_hook_step(cls.step)  # type: ignore[method-assign]

    # ---- stepping

    @staticmethod
    def profile_hook_step(func: Callable[..., Any]) -> Callable[..., Any]:
        """``func``, a step, with the hooks around it."""

        @functools.wraps(func)
        def step(*args: Any, **kwargs: Any) -> Any:
            self = args[0]
            if not (
                flags.active
                or self._optimizer_step_pre_hooks
                or self._optimizer_step_post_hooks
                or _everywhere_before
                or _everywhere_after
            ):
                return func(*args, **kwargs)
            with record_function(f"Optimizer.step#{type(self).__name__}.step"):
                return self._hooked_step(func, args, kwargs)

        step.hooked = True  # type: ignore[attr-defined]
        return step

    def _hooked_step(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        args, kwargs = self._before_step(func, args, kwargs)
        result = func(*args, **kwargs)
        for hook in chain(self._optimizer_step_post_hooks.values(), _everywhere_after.values()):
            hook(self, args, kwargs)
        return result

    def _before_step(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for hook in chain(_everywhere_before.values(), self._optimizer_step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(
                    f"{func} must return None or a tuple of (new_args, new_kwargs), but got "
                    f"{changed}."
                )
            args, kwargs = changed
        return args, kwargs

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once.

        ``closure`` clears the gradients, computes the loss, propagates it and returns it; most
        algorithms do without.
        """
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters, or with ``set_to_none=False`` zeroes them."""
        if flags.active:
            name = f"Optimizer.zero_grad#{type(self).__name__}.zero_grad"
            with record_function(name):
                return self._forget_grads(set_to_none)
        return self._forget_grads(set_to_none)

    def _forget_grads(self, set_to_none: bool) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.__dict__.pop("_grad", None)
                elif parameter.grad is not None:
                    _zero(parameter.grad)

    # ---- groups

    def add_param_group(self, param_group: Group) -> None:
        """Adds a group: a dict with ``"params"`` and options that differ from the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _tensors_and_names(param_group["params"])
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for parameter in params:
            self._check_parameter(parameter)
        self._take_defaults(param_group)
        self._check_distinct(param_group)
        self.param_groups.append(param_group)

    def _check_parameter(self, parameter: Any) -> None:
        if not isinstance(parameter, Tensor):
            raise TypeError(
                "optimizer can only optimize Tensors, but one of the params is "
                + type(parameter).__name__
            )
        if self.defaults.get("differentiable"):
            return
        if type(parameter._node) not in (type(None), Leaf) and not parameter.retains_grad:  # type: ignore[attr-defined]
            raise ValueError("can't optimize a non-leaf Tensor")

    def _take_defaults(self, group: Group) -> None:
        for name, value in self.defaults.items():
            if value is required and name not in group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            group.setdefault(name, value)

    def _check_distinct(self, group: Group) -> None:
        new = {id(parameter) for parameter in group["params"]}
        if len(new) != len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this "
                "will cause an error; see github.com/pytorch/pytorch/issues/40967 for more "
                "information",
                stacklevel=4,
            )
        for other in self.param_groups:
            if ("param_names" in group) != ("param_names" in other):
                kind = "with names" if "param_names" in group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param "
                    f"group {kind} to the optimizer"
                )
            if not new.isdisjoint(map(id, other["params"])):
                raise ValueError("some parameters appear in more than one parameter group")

    # ---- state

    def state_dict(self) -> StateDict:
        """The state and the options, with parameters as numbers in the order of the groups.

        ``{"state": {number: {name: value}}, "param_groups": [{..., "params": [numbers]}]}``
        """
        for before in self._optimizer_state_dict_pre_hooks.values():
            before(self)
        numbers: dict[int, int] = {}
        groups = [_packed(group, numbers) for group in self.param_groups]
        state = {
            numbers[id(key)] if isinstance(key, Tensor) else key: value
            for key, value in self.state.items()
        }
        result: StateDict = {"state": state, "param_groups": groups}
        for after in self._optimizer_state_dict_post_hooks.values():
            changed = after(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Takes over the state and options of another optimizer's ``state_dict()``.

        Parameters are matched by their order. ValueError where the groups differ in number or
        size.
        """
        state_dict = state_dict.copy()
        for before in self._optimizer_load_state_dict_pre_hooks.values():
            changed = before(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved = deepcopy(state_dict["param_groups"])
        self._check_groups(saved)
        own = chain.from_iterable(group["params"] for group in self.param_groups)
        theirs = chain.from_iterable(group["params"] for group in saved)
        members = dict(zip(theirs, own, strict=True))
        options = {number: group for group in saved for number in group["params"]}
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in members:
                parameter = members[key]
                state[parameter] = _fitted(parameter, value, options[key])
            else:
                state[key] = value
        groups = [_updated(group, new) for group, new in zip(self.param_groups, saved, strict=True)]
        self.__setstate__({"state": state, "param_groups": groups})
        for after in self._optimizer_load_state_dict_post_hooks.values():
            after(self)

    def _check_groups(self, saved: list[Group]) -> None:
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        sizes = [len(group["params"]) for group in self.param_groups]
        if sizes != [len(group["params"]) for group in saved]:
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults, "state": self.state, "param_groups": self.param_groups,
        }  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_hooks()
        self.__dict__.setdefault("defaults", {}).setdefault("differentiable", False)

    # ---- hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` before each step; it may return new ones."""
        return _register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` after each step."""
        return _register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(optimizer)`` before ``state_dict`` collects the state."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(optimizer, state_dict)`` with the result; it may return another."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(optimizer, state_dict)`` before loading; it may return another."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(optimizer)`` after loading."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    def __repr__(self) -> str:
        lines = [type(self).__name__ + " ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            options = sorted(key for key in group if key != "params")
            lines += [f"    {key}: {group[key]}" for key in options]
            lines.append("")
        return "\n".join([*lines[:-1], ")"])


def _zero(grad: Any) -> None:
    if grad.grad_fn is not None:
        grad.detach_()
    else:
        grad.requires_grad_(False)
    grad.zero_()


def _tensors_and_names(params: Any) -> tuple[list[Any], list[str]]:
    """The parameters of a group as a list, and their names where they are pairs."""
    if isinstance(params, Tensor):
        return [params], []
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of "
            "tensors in sets will change between runs. Please use a list instead."
        )
    given = list(params)
    pairs = [one for one in given if isinstance(one, tuple)]
    if pairs and len(pairs) < len(given):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing"
        )
    if not pairs:
        return given, []
    return [parameter for _, parameter in pairs], [name for name, _ in pairs]


def _packed(group: Group, numbers: dict[int, int]) -> Group:
    """A group with its parameters as numbers; new ones are numbered on."""
    start = len(numbers)
    for place, parameter in enumerate(group["params"], start):
        numbers.setdefault(id(parameter), place)
    result = {key: value for key, value in group.items() if key != "params"}
    result["params"] = [numbers[id(parameter)] for parameter in group["params"]]
    return result


def _updated(group: Group, new: Group) -> Group:
    new["params"] = group["params"]
    if "param_names" in group and "param_names" not in new:
        new["param_names"] = group["param_names"]
    return new


def _fitted(parameter: Any, value: Any, group: Group, key: Hashable = None) -> Any:
    """A state value with the dtype and device of its parameter; numbers stay as they are."""
    if isinstance(value, Tensor):
        return _fitted_tensor(parameter, value, group, key)
    if isinstance(value, dict):
        return {name: _fitted(parameter, one, group, name) for name, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)(_fitted(parameter, one, group) for one in value)  # type: ignore[call-arg]
    return value


def _fitted_tensor(parameter: Any, value: Any, group: Group, key: Hashable) -> Any:
    if key == "step":
        if group.get("capturable") or group.get("fused"):
            return value.to(dtype=float32, device=parameter.device)
        return value
    if parameter.is_floating_point():
        return value.to(dtype=parameter.dtype, device=parameter.device)
    return value.to(device=parameter.device)
