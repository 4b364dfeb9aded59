"""``Tensor``: the state of a tensor. What it can do is attached by the modules of ``ops/``.

A tensor is an array over memory that other tensors may share, its kind, and its history.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy

from flambeau.core.device import device
from flambeau.core.dtype import cpp_name, dtype, scalar_name
from flambeau.core.kind import Kind
from flambeau.core.size import Size

if TYPE_CHECKING:
    from flambeau.core.graph import Node


class _Sizes(dict[tuple[int, ...], Size]):
    """Shapes as ``Size``, made once each: a look-up is cheaper than making one."""

    def __missing__(self, shape: tuple[int, ...]) -> Size:
        if len(self) > 4096:
            self.clear()
        made = self[shape] = tuple.__new__(Size, shape)
        return made


_SIZES = _Sizes()


class _Shape:
    """``Tensor.shape``: made when first asked for, then found among the tensor's attributes.

    A property would cost 0.2 us each time. Whoever gives a tensor another array does so through
    ``replace_array``, which forgets the shape.
    """

    __doc__ = "The number of elements in each dimension."

    def __get__(self, tensor: Any, owner: Any = None) -> Any:
        if tensor is None:
            return self
        shape = tensor.__dict__["shape"] = _SIZES[tensor._array.shape]
        return shape


class Version:
    """Counts the in-place writes to one piece of memory; shared by all tensors over it.

    ``rebased`` says that a write with a history may have left views whose own history is older.
    """

    __slots__ = ("__weakref__", "count", "rebased", "site")

    count: int
    rebased: bool
    site: Any  # the line that wrote last

    def __init__(self) -> None:
        self.count = 0
        self.rebased = False
        self.site = None


class _Inference(Version):
    """The counter of all inference tensors: their writes are not counted."""

    __slots__ = ()


OWN: Any = object()  # as the dtype of gradients: the tensor's own
INFERENCE = _Inference()


class Tensor:
    """A multi-dimensional array of elements of one dtype, on one device, with a history.

    Attributes of the state (the names with an underscore belong to the library):

    * ``_array``: the NumPy or CuPy array; strides and offset are the tensor's own.
    * ``_kind``: the interned dtype and device; None sends every call down the full road
      (subclasses, batched, dual and sparse tensors, lazy conjugates), and ``_hidden_kind`` holds
      the kind then.
    * ``_node``: None, the ``Leaf`` where gradients of this tensor arrive, or the ``Node`` that
      made it.
    * ``_base``: the tensor that owns the memory, for a differentiable view of it.
    * ``_writes``: the counter of writes to the memory; None while nobody shares or writes it.
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_base", "_kind", "_node", "_writes")

    _array: Any
    _kind: Kind | None
    _node: Node | None
    _base: Tensor | None
    _writes: Version | None  # type: ignore[assignment]

    # Rare state lives in the instance's __dict__; these are its defaults.
    _grad: Tensor | None = None
    _grad_dtype: Any = OWN  # of ``.grad``; None for any
    _hidden_kind: Kind | None = None
    _flips: int = 0  # what is to be done to elements when they are read (core/flips.py)
    level: int = 0  # of nested transforms, for batched and dual tensors
    rewrap: Any = None  # of batched tensors: another tensor of their level
    mapped: int = 0  # the level of the innermost vmap that maps it, so that it has no elements
    alike: Any = None  # of special tensors: a new tensor made for each that is inside
    absorb: Any = None  # their way of taking the result of an in-place operation
    seize: Any = None  # and of being written to a tensor of a lower level
    before: Any = None  # and themselves as they are before such an operation

    @property
    def kind(self) -> Kind:
        """The dtype and device, also of tensors that avoid the shortcuts."""
        kind = self._kind if self._kind is not None else self._hidden_kind
        assert kind is not None
        return kind

    @property
    def dtype(self) -> dtype:
        """The type of the elements."""
        kind = self._kind
        return kind.dtype if kind is not None else self.kind.dtype

    @property
    def device(self) -> device:
        """Where the elements are."""
        kind = self._kind
        return kind.device if kind is not None else self.kind.device

    shape = _Shape()

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    def __len__(self) -> int:
        shape = self._array.shape
        if not shape:
            raise TypeError("len() of a 0-d tensor")
        return shape[0]

    def __hash__(self) -> int:
        return id(self)

    grad = property(
        lambda self: read_grad(self),
        lambda self, value: assign_grad(self, value),
        lambda self: assign_grad(self, None),
        "The gradient that backward passes have accumulated, or None.",
    )


class Parameter(Tensor):
    """A tensor that a module lists among its parameters; it requires a gradient by default.

    >>> Parameter(tensor([1.0, 2.0]))          # doctest: +SKIP
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()


PLAIN = frozenset((Tensor, Parameter))  # the classes that take the shortcuts
_new = object.__new__
_scalar = numpy.generic


def wrap(array: Any, kind: Kind) -> Tensor:
    """A new tensor without history over an array of that kind."""
    tensor = _new(Tensor)
    tensor._array = array if not isinstance(array, _scalar) else numpy.asarray(array)
    tensor._kind = kind
    tensor._node = tensor._base = tensor._writes = None
    return tensor


def replace_array(tensor: Tensor, array: Any) -> None:
    """Gives a tensor another array, which may have another shape."""
    tensor._array = array
    tensor.__dict__.pop("shape", None)


def share_version(tensor: Tensor) -> Version:
    """The counter of the tensor's memory, made now if nobody shared it before."""
    version = tensor._writes
    if version is None:
        version = tensor._writes = Version()
    return version


def wrap_view(array: Any, kind: Kind, source: Tensor) -> Tensor:
    """A new differentiable view: its memory, and the counter of writes to it, are `source`'s."""
    tensor = _new(Tensor)
    tensor._array = array
    tensor._kind = kind
    tensor._node = None
    tensor._base = source if source._base is None else source._base
    tensor._writes = source._writes if source._writes is not None else share_version(source)
    return tensor


_NO_GRAD_HERE = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
    "attribute "
    "won't be populated during autograd.backward(). If you indeed want the .grad field to be "
    "populated "
    "for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf "
    "Tensor by mistake, make sure you access the leaf Tensor instead. See "
    "github.com/pytorch/pytorch/pull/30531 for more informations."
)


def read_grad(self: Tensor) -> Tensor | None:
    """``.grad``; warns for a tensor that will never have one."""
    grad = self._grad
    if grad is None and self._node is not None and self._node.edges and not self.retains_grad:  # type: ignore
        warnings.warn(_NO_GRAD_HERE, stacklevel=3)
    return grad


def assign_grad(self: Tensor, value: Tensor | None) -> None:
    """Sets ``.grad`` after the checks that PyTorch makes."""
    if value is None:
        self.__dict__.pop("_grad", None)
        return
    if not isinstance(value, Tensor):
        raise TypeError(
            "assigned grad expected to be a Tensor or None but got grad of type "
            f"{type(value).__name__}"
        )
    if value is self:
        raise RuntimeError("can't assign Tensor as its own grad")
    if value.kind is not self.kind or self._grad_dtype is not OWN:
        _check_kind(self, value)
    if value.shape != self.shape:
        raise RuntimeError(
            f"assigned grad has data of a different size: expected {list(self.shape)}, got "
            f"{list(value.shape)}"
        )
    self._grad = value


def _check_kind(self: Tensor, value: Tensor) -> None:
    wanted = self.dtype if self._grad_dtype is OWN else self._grad_dtype
    if wanted is not None and value.dtype is not wanted:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{cpp_name(value.dtype)}' to a tensor "
            f"with grad_dtype '{scalar_name(wanted)}'. The gradient must match the tensor's "
            "grad_dtype, which is the tensor's dtype unless it is set; None allows any dtype."
        )
    if value.device is not self.device:
        raise RuntimeError(
            f"assigned grad has data located on a different device: expected {self.device}, got "
            f"{value.device}"
        )
