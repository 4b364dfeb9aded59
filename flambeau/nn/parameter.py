"""Tensors with a role in a module: parameters, buffers, and those whose shape comes later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flambeau.core.tensor import Parameter, Tensor
from flambeau.ops.creation import empty

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "is_lazy",
]


class _BufferMeta(type(Tensor)):
    """``isinstance(tensor, Buffer)`` asks for the mark that `Buffer` leaves on a plain tensor."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Buffer:
            return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)
        return super().__instancecheck__(instance)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a module lists among its buffers when it is assigned as an attribute.

    Args:
        data: the tensor; an empty one without it.
        persistent: whether the buffer is part of the module's state_dict.

    Example::

        module.scale = nn.Buffer(torch.ones(3), persistent=False)
    """

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        tensor = empty(0) if data is None else data.detach()
        if data is not None and data.requires_grad:
            tensor.requires_grad_(True)
        tensor.persistent = persistent
        tensor._is_buffer = True
        return tensor


NO_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens "
    "in `load_state_dict` when trying to load an uninitialized parameter into an initialized one. "
    "Call `forward` to initialize the parameters before accessing their attributes."
)
NO_SHARING = (
    "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the "
    "parameters before calling `module.share_memory()`."
)
NO_VALUE = (
    "Attempted to use an uninitialized parameter in {}. This error happens when you are using a "
    "`LazyModule` or explicitly manipulating `torch.nn.parameter.{}` objects. When using "
    "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling "
    "torch functions"
)

# What a tensor without a shape can still be asked and told.
ALLOWED = frozenset(
    (
        "__hash__", "__init_subclass__", "__reduce_ex__", "__repr__", "__format__", "__set__",
        "__get__", "__delete__", "half", "float", "double", "bfloat16", "char", "short", "int",
        "long", "cuda", "cpu", "to", "size", "copy_", "get_device", "is_complex",
        "is_floating_point", "requires_grad_", "_to_copy", "_has_compatible_shallow_copy_type",
    )
)  # fmt: skip


class UninitializedTensorMixin:
    """A tensor that refuses what needs a shape until `materialize` gives it one."""

    __slots__ = ()
    cls_to_become: type[Tensor]

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Gives the tensor its shape, and memory with no particular values.

        Args:
            shape: the sizes.
            device: as it is already, without this.
            dtype: as it is already, without this.
        """
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        made = empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become
        self._kind = made._kind  # no longer a subclass that intercepts calls
        self.data = made

    @property
    def shape(self) -> Any:
        """Raises RuntimeError: there is no shape yet."""
        raise RuntimeError(NO_SHAPE)

    def share_memory_(self) -> None:
        """Raises RuntimeError: there is no memory yet."""
        raise RuntimeError(NO_SHARING)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: int) -> Any:
        return type(self), (self.requires_grad,)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", str(func))
        if name in ALLOWED:
            return super().__torch_function__(func, types, args, kwargs or {})
        raise ValueError(NO_VALUE.format(func, cls.__name__))


# Methods that plain tensors answer without a call that could be intercepted.
DIRECT = (
    "__bool__", "__float__", "__int__", "__len__", "backward", "data_ptr", "dim", "element_size",
    "is_contiguous", "item", "ndimension", "nelement", "numel", "numpy", "storage",
    "storage_offset", "stride", "tolist", "untyped_storage",
)  # fmt: skip


def _refusing(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(NO_VALUE.format(f"<method '{name}' of 'Tensor'>", type(self).__name__))

    method.__name__ = name
    return method


for _name in DIRECT:
    setattr(UninitializedTensorMixin, _name, _refusing(_name))


def _without_shape(cls: type[Tensor], tensor: Tensor) -> Any:
    """The tensor as an instance of a class that intercepts calls."""
    tensor._hidden_kind, tensor._kind = tensor.kind, None
    tensor.__class__ = cls
    return tensor


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)


def sized(parameters: Iterable[Any]) -> list[Any]:
    """Those that have a shape."""
    return [one for one in parameters if not is_lazy(one)]


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape the first call of its (lazy) module decides.

    It can be moved and cast; anything else raises until `materialize` gives it a shape.

    Example::

        >>> nn.LazyLinear(3).weight
        <UninitializedParameter>
    """

    __slots__ = ()
    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return _without_shape(cls, Parameter(empty(0, device=device, dtype=dtype), requires_grad))

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) not in memo:
            data = self.data
            memo[id(self)] = type(self)(self.requires_grad, data.device, data.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape the first call of its (lazy) module decides."""

    __slots__ = ()
    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> Any:
        data = empty(0, device=device, dtype=dtype, requires_grad=requires_grad)
        made = _without_shape(cls, data)
        made.persistent = persistent
        made._is_buffer = True
        return made
