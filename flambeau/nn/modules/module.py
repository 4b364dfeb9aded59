"""``Module``: the base class of everything that is built from parameters and other modules.

Its four parts: what it contains (`_tree.py`), what it saves (`_state.py`), its hooks
(`_hooks.py`), and, here, its attributes, its call, its moves between devices and dtypes.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import flambeau
from flambeau.core.tensor import Parameter, Tensor
from flambeau.nn.modules._hooks import (
    Hooks,
    _global_backward_hooks,
    _global_backward_pre_hooks,
    _global_buffer_registration_hooks,
    _global_forward_hooks,
    _global_forward_pre_hooks,
    _global_module_registration_hooks,
    _global_parameter_registration_hooks,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
    registered,
)
from flambeau.nn.modules._move import Moves
from flambeau.nn.modules._notebook import Notebook
from flambeau.nn.modules._state import State
from flambeau.nn.modules._tree import Tree
from flambeau.nn.parameter import Buffer

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

T_destination = TypeVar("T_destination", bound=dict[str, Any])
TABLES = ("_parameters", "_buffers", "_modules")
HOOK_TABLES = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
PATH = "_flambeau_module_path"  # of an exception: the innermost module's text, path, last module


def _forward_unimplemented(self: Module, *input: Any) -> None:
    """What the module computes at every call; every subclass defines it.

    Call the module itself rather than this: the call runs the hooks too.
    """
    shown = type(self).__name__
    raise NotImplementedError(f'Module [{shown}] is missing the required "forward" function')


class Module(Tree, State, Moves, Hooks, Notebook):
    """Base class of all layers and networks.

    Parameters, buffers and modules that are assigned as attributes are found by
    ``parameters()``, ``state_dict()``, ``to()`` and the like. A subclass calls
    ``super().__init__()`` first, and defines ``forward``.

    Example::

        class Classifier(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 20, 5)
                self.head = nn.Linear(20, 10)

            def forward(self, images):
                return self.head(self.conv(images).relu().amax((2, 3)))
    """

    dump_patches: bool = False
    _version: int = 1
    training: bool
    call_super_init: bool = False
    _compiled_call_impl: Callable[..., Any] | None = None
    _flambeau_hooked = True  # until `__init__` or the first call has looked
    T_destination = T_destination

    forward: Callable[..., Any] = _forward_unimplemented

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                name = next(iter(kwargs))
                raise TypeError(f"{_init_name(self)}() got an unexpected keyword argument '{name}'")
            if args:
                given = len(args) + 1
                raise TypeError(
                    f"{_init_name(self)}() takes 1 positional argument but {given} were given"
                )
        own = self.__dict__
        own.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _is_full_backward_hook=None,
            _modules={},
            _flambeau_hooked=False,
        )
        for name in HOOK_TABLES:
            own[name] = OrderedDict()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # --- the call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._flambeau_hooked
            or _global_forward_hooks
            or _global_forward_pre_hooks
            or _global_backward_hooks
            or _global_backward_pre_hooks
        ):
            call = self._compiled_call_impl or self._call_impl
        else:
            call = self.forward
        try:
            return call(*args, **kwargs)
        except Exception as error:
            _locate(self, error)
            raise

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """``torch.compile`` of this module's calls, in place: the module runs as it is."""
        self._compiled_call_impl = flambeau.compile(self._call_impl, *args, **kwargs)

    # --- attributes

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_modules" in own:  # `__init__` was called
            table = own["_parameters"]
            if name in table:
                return table[name]
            table = own["_modules"]
            if name in table:
                return table[name]
            table = own["_buffers"]
            if name in table:
                return table[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        parameters = own.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            _forget(self, name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                _refuse(value, "parameter", name, "torch.nn.Parameter or None")
            self.register_parameter(name, value)
        elif isinstance(value, Module) or name in own.get("_modules", ()):
            _set_module(self, name, value)
        elif name in own.get("_buffers", ()) or isinstance(value, Buffer):
            _set_buffer(self, name, value)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            object.__delattr__(self, name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter, found as the attribute ``name``; None keeps the name without a value.

        Raises:
            KeyError: the name is taken, empty, or contains a dot.
            TypeError: ``param`` is no parameter.
            ValueError: ``param`` was computed from other tensors.
        """
        _check_name(self, name, "_parameters", "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, "
                "compute the value in the forward() method."
            )
        hooks = _global_parameter_registration_hooks
        self._parameters[name] = registered(hooks, self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is part of the state but is not trained.

        Args:
            name: the attribute.
            tensor: the buffer; None keeps the name without a value.
            persistent: whether it is part of the state_dict.

        Example::

            self.register_buffer("running_mean", torch.zeros(num_features))
        """
        _check_name(self, name, "_buffers", "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        hooks = _global_buffer_registration_hooks
        self._buffers[name] = registered(hooks, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a submodule, found as the attribute ``name``.

        Raises:
            KeyError: the name is taken, empty, or contains a dot.
            TypeError: ``module`` is no module.
        """
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        _check_name(self, name, "_modules", "module")
        hooks = _global_module_registration_hooks
        self._modules[name] = registered(hooks, self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    def __dir__(self) -> list[str]:
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules]
        names += self._buffers
        return sorted(name for name in names if not name[0].isdigit())

    # --- training

    def train(self, mode: bool = True) -> Any:
        """Puts this module and all below it in training mode, or with False in evaluation mode.

        It matters to Dropout, BatchNorm and the like.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """The same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Sets ``requires_grad`` of all parameters, to freeze or to train them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clears the gradients of all parameters: None, or with ``set_to_none=False`` zeros."""
        if getattr(self, "_is_replica", False):
            warnings.warn(
                "Calling .zero_grad() from a module created with nn.DataParallel() has no effect. "
                "The parameters are copied (in a differentiable manner) from the original module.",
                stacklevel=2,
            )
        for parameter in self.parameters():
            grad = parameter.grad
            if grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    # --- text and copies

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the brackets of the printed form; to be overridden."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [
            f"({name}): {_indented(repr(module))}" for name, module in self._modules.items()
        ]
        lines = extra_lines + child_lines
        if not lines:
            inside = ""
        elif len(extra_lines) == 1 and not child_lines:
            inside = extra_lines[0]
        else:
            inside = "\n  " + "\n  ".join(lines) + "\n"
        return f"{self._get_name()}({inside})"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        state.pop("_flambeau_hooked", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        own = self.__dict__
        for name in HOOK_TABLES:
            own.setdefault(name, OrderedDict())
        own.setdefault("_non_persistent_buffers_set", set())
        own.setdefault("_is_full_backward_hook", None)
        own["_flambeau_hooked"] = True

    def _replicate_for_data_parallel(self) -> Any:
        replica = self.__new__(type(self))
        replica.__dict__ = self.__dict__.copy()
        replica._parameters = {}
        replica._buffers = replica._buffers.copy()
        replica._modules = replica._modules.copy()
        replica._is_replica = True
        return replica


def _set_module(module: Any, name: str, value: Any) -> None:
    modules = module.__dict__.get("_modules")
    if modules is None:
        raise AttributeError("cannot assign module before Module.__init__() call")
    if isinstance(value, Module):
        _forget(module, name, "_parameters", "_buffers")
    elif value is not None:
        _refuse(value, "child module", name, "torch.nn.Module or None")
    modules[name] = registered(_global_module_registration_hooks, module, name, value)


def _set_buffer(module: Any, name: str, value: Any) -> None:
    buffers = module.__dict__.get("_buffers")
    if buffers is None:
        raise AttributeError("cannot assign buffer before Module.__init__() call")
    if value is not None and not isinstance(value, Tensor):
        _refuse(value, "buffer", name, "torch.nn.Buffer, torch.Tensor or None")
    if isinstance(value, Buffer):
        _forget(module, name, "_parameters", "_modules")
        module.register_buffer(name, value, value.persistent)
    else:
        buffers[name] = registered(_global_buffer_registration_hooks, module, name, value)


def _init_name(module: Module) -> str:
    return f"{type(module).__name__}.__init__"


def _typename(value: Any) -> str:
    """The name of a value's class as messages show it: torch.FloatTensor, int, package.Class."""
    if isinstance(value, Tensor):
        return value.type()
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _refuse(value: Any, role: str, name: str, expected: str) -> None:
    raise TypeError(f"cannot assign '{_typename(value)}' as {role} '{name}' ({expected} expected)")


def _forget(module: Module, name: str, *tables: str) -> None:
    """Makes room for a new role of an attribute."""
    own = module.__dict__
    own.pop(name, None)
    for table in tables:
        own[table].pop(name, None)
    own["_non_persistent_buffers_set"].discard(name)


def _check_name(module: Module, name: Any, table: str, role: str) -> None:
    """Raises for a name under which nothing can be registered."""
    if table not in module.__dict__:
        raise AttributeError(f"cannot assign {role} before Module.__init__() call")
    if not isinstance(name, str):
        raise TypeError(f"{role} name should be a string. Got {_typename(name)}")
    if "." in name:
        got = f", got: {name}" if role == "module" else ""
        raise KeyError(f'{role} name can\'t contain "."{got}')
    if name == "":
        raise KeyError(f'{role} name can\'t be empty string ""')
    own = module.__dict__
    if name in own[table]:
        return
    taken = name in own or any(name in own[other] for other in TABLES)
    if taken or hasattr(type(module), name):  # asking the module itself costs an exception
        raise KeyError(f"attribute '{name}' already exists")


def _indented(text: str, spaces: int = 2) -> str:
    return text.replace("\n", "\n" + " " * spaces)


def _locate(module: Module, error: Exception) -> None:
    """Notes on an error in which module it arose; each module it passes extends the path."""
    text, path, last = getattr(error, PATH, (None, "", None))
    notes = getattr(error, "__notes__", [])
    old = _note(text, path) if text is not None else None
    if text is None:
        inside = "" if module._modules else module.extra_repr()
        text = f"{type(module).__name__}({inside})"
    else:
        name = next((name for name, one in module.named_modules() if id(one) == last), "")
        path = f"{name}.{path}" if name and path else name or path
    if old in notes:
        notes.remove(old)
    error.add_note(_note(text, path))
    setattr(error, PATH, (text, path, id(module)))


def _note(text: str, path: str) -> str:
    return f"in module {path} ({text})" if path else f"in module {text}"
