"""Parameters computed from others: parametrisations of a module's tensors."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flambeau.autograd.grad_mode import no_grad
from flambeau.core.tensor import Parameter, Tensor
from flambeau.nn.modules.container import ModuleDict, ModuleList
from flambeau.nn.modules.module import Module

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache_enabled = 0
_cache: dict[tuple[int, str], Tensor | None] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Computes each parametrised tensor once while the context lasts.

    Example::

        with parametrize.cached():
            outputs = [model(step) for step in sequence]
    """
    global _cache_enabled
    _cache_enabled += 1
    try:
        yield
    finally:
        _cache_enabled -= 1
        if not _cache_enabled:
            _cache.clear()


def _register_parameter_or_buffer(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _require_tensor(value: Any, what: str) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(f"{what} must return a tensor. Got {type(value).__name__}.")


def _require_like(
    old: Tensor, new: Tensor, opening: str, names: tuple[str, str], closing: str = ""
) -> None:
    """Raises where a tensor changed its dtype or shape."""
    for what in ("dtype", "shape"):
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            raise ValueError(
                f"{opening} the {what} of the tensor, unless the `unsafe` flag is enabled."
                f"{closing}\n"
                f"{names[0]} {what}: {before}\n{names[1]} {what}: {after}"
            )


REGISTERING = "Registering a parametrization may not change"
NAMES = ("unparametrized", "parametrized")


class ParametrizationList(ModuleList):
    """The parametrisations of one tensor, applied in turn, and what they are applied to.

    Args:
        modules: the parametrisations.
        original: the tensor they replace.
        unsafe: whether they may change its dtype and shape.

    The tensor lives on as the parameter or buffer ``original``, or, where ``right_inverse``
    returns several, as ``original0``, ``original1``, ...
    """

    original: Tensor
    unsafe: bool

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            new = original
            for module in reversed(list(self)):
                new = _inverted(module, new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            self._keep_one(original, new)
        else:
            self._keep_several(original, new)
        if not unsafe:
            made = self()
            _require_tensor(made, "A parametrization")
            for what, before in (("dtype", dtype), ("shape", shape)):
                if getattr(made, what) != before:
                    raise ValueError(
                        f"{REGISTERING} the {what} of the tensor, unless `unsafe` flag is "
                        f"enabled.\nunparametrized {what}: {before}\n"
                        f"parametrized {what}: {getattr(made, what)}"
                    )

    def _keep_one(self, original: Tensor, new: Tensor) -> None:
        if original.dtype != new.dtype:
            raise ValueError(
                "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
            )
        _set(original, new)
        _register_parameter_or_buffer(self, "original", original)

    def _keep_several(self, original: Tensor, new: Sequence[Tensor]) -> None:
        for place, one in enumerate(new):
            if not isinstance(one, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                    f"tuple...). Got element {place} of the sequence with type "
                    f"{type(one).__name__}."
                )
            if isinstance(original, Parameter):
                one = Parameter(one, original.requires_grad)
            one.requires_grad_(original.requires_grad)
            _register_parameter_or_buffer(self, f"original{place}", one)

    def right_inverse(self, value: Tensor) -> None:
        """Finds an original that the parametrisations turn into ``value``, and takes it over."""
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
            if self.is_tensor:
                _require_tensor(value, "`right_inverse`")
                _set(self.original, value)
                return
            if not isinstance(value, Sequence) or len(value) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of {self.ntensors} tensors. Got "
                    f"{type(value).__name__}."
                )
            for place, one in enumerate(value):
                _set(getattr(self, f"original{place}"), one)

    def forward(self) -> Tensor:
        """The tensor: all parametrisations applied to the original."""
        if self.is_tensor:
            value = self[0](self.original)
        else:
            originals = (getattr(self, f"original{place}") for place in range(self.ntensors))
            value = self[0](*originals)
        for place in range(1, len(self)):
            value = self[place](value)
        return value


def _inverted(module: Module, value: Any) -> Any:
    """``right_inverse`` of the value, where the parametrisation has one."""
    if not hasattr(module, "right_inverse"):
        return value
    try:
        return module.right_inverse(value)
    except NotImplementedError:
        return value


def _set(original: Tensor, new: Tensor) -> None:
    if original is not new:
        original.data = new.detach()


def _refuse_pickling(self: Module) -> dict[str, Any]:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). See:\n"
        "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
        "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
    )


def _deepcopied(self: Module, memo: dict[int, Any]) -> Module:
    replica = self.__new__(type(self))
    memo[id(self)] = replica
    replica.__dict__ = copy.deepcopy(self.__dict__, memo)
    return replica


def _inject_new_class(module: Module) -> None:
    """Gives the module a class of its own, to which properties can be added."""
    cls = type(module)
    members: dict[str, Any] = {"__getstate__": _refuse_pickling}
    if not hasattr(cls, "__deepcopy__"):
        members["__deepcopy__"] = _deepcopied
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), members)


def _inject_property(module: Module, tensor_name: str) -> None:
    """Makes the tensor a property that runs its parametrisations."""

    def get(self: Any) -> Tensor:
        parametrization = self.parametrizations[tensor_name]
        if not _cache_enabled:
            return parametrization()
        key = (id(self), tensor_name)
        found = _cache.get(key)
        if found is None:
            found = _cache[key] = parametrization()
        return found

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[tensor_name].right_inverse(value)

    setattr(type(module), tensor_name, property(get, put))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Makes a tensor of a module a function of another, which is trained in its place.

    Args:
        module: the module.
        tensor_name: a parameter or buffer of it, or a tensor that is parametrised already.
        parametrization: its ``forward`` makes the tensor. An optional ``right_inverse`` makes
            the original from a tensor, at first and at every assignment.
        unsafe: allows another dtype or shape, and does not try it.

    Raises:
        ValueError: there is no such tensor, or it would change its dtype or shape.

    Example::

        class Symmetric(nn.Module):
            def forward(self, matrix):
                return matrix.triu() + matrix.triu(1).mT

        parametrize.register_parametrization(layer, "weight", Symmetric())
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _try(module, tensor_name, parametrization)
        parametrizations: Any = module.parametrizations[tensor_name]
        parametrizations.append(parametrization)
        parametrizations.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        parametrizations = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _inject_new_class(module)
            module.parametrizations = ModuleDict()
        _inject_property(module, tensor_name)
        module.parametrizations[tensor_name] = parametrizations
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def _try(module: Module, tensor_name: str, parametrization: Module) -> None:
    """Raises where one more parametrisation would change the tensor's dtype or shape."""
    before = getattr(module, tensor_name)
    after = parametrization(before)
    _require_tensor(after, "A parametrization")
    _require_like(before, after, REGISTERING, ("module.tensor_name", "parametrization(x)"))
    if hasattr(parametrization, "right_inverse"):
        back = _inverted(parametrization, after)
        if back is not after:
            _require_tensor(back, "parametrization.right_inverse")
            _require_like(
                back,
                before,
                "The tensor returned by parametrization.right_inverse may not change",
                ("parametrization.right_inverse(x)", "module.tensor_name"),
            )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrisations, or one of a given tensor."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Makes a tensor an ordinary parameter or buffer again.

    Args:
        module: the module.
        tensor_name: the parametrised tensor.
        leave_parametrized: whether it keeps its value; else it gets the original's.

    Raises:
        ValueError: it is not parametrised; or consists of several originals that cannot be kept.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations = module.parametrizations[tensor_name]
    if parametrizations.is_tensor:
        original = parametrizations.original
        if leave_parametrized:
            with no_grad():
                _set(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register_parameter_or_buffer(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class the module had before it was parametrised."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Gives a module the parametrisations, and the originals, of another.

    Args:
        from_module: the module that has them.
        to_module: the module that gets them; returned.
        tensor_name: one tensor; all that are parametrised without it.
    """
    if not is_parametrized(from_module):
        return to_module
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        source = from_module.parametrizations[name]
        for parametrization in source:
            register_parametrization(to_module, name, parametrization)
        target = to_module.parametrizations[name]
        if source.is_tensor:
            target.original = source.original
        else:
            for place in range(source.ntensors):
                setattr(target, f"original{place}", getattr(source, f"original{place}"))
    return to_module
