"""Properties of tensors: of their history, their place and their elements."""

from __future__ import annotations

from typing import Any

from flambeau.core import layout
from flambeau.core.dtype import cpp_name, scalar_name
from flambeau.core.dtype import dtype as DType
from flambeau.core.flips import flip
from flambeau.core.graph import Leaf, Node, Output, make_leaf
from flambeau.core.modes import modes
from flambeau.core.op import wrap_dim
from flambeau.core.printing import tensor_str
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.sparse import layout_of, own_kind, wrap_any
from flambeau.core.tensor import INFERENCE, OWN, PLAIN, Parameter, Tensor, replace_array
from flambeau.core.views import history


def _property(function: Any) -> Any:
    """Hangs a read-only property on ``Tensor`` under the function's name."""
    setattr(Tensor, function.__name__.lstrip("_"), property(function))
    return function


# ---- history


def _requires_grad(self: Tensor) -> bool:
    """Whether gradients of this tensor are asked for."""
    base = self._base
    if base is None:
        return self._node is not None
    return history(self) is not None or base._node is not None  # a view made without gradients


def _set_requires_grad(self: Tensor, value: bool) -> None:
    self.requires_grad_(value)  # type: ignore[attr-defined]


Tensor.requires_grad = property(_requires_grad, _set_requires_grad)  # type: ignore[attr-defined]


def _grad_dtype(self: Tensor) -> DType | None:
    """The dtype of ``.grad``: the tensor's own unless it is set; None for any. Of leaves only.

    >>> x = torch.ones(2, requires_grad=True)
    >>> x.grad_dtype = torch.float64
    >>> (2 * x).sum().backward()
    >>> x.grad
    tensor([2., 2.], dtype=torch.float64)
    """
    if not self.is_leaf:  # type: ignore[attr-defined]
        raise RuntimeError("grad_dtype can only be accessed on leaf tensors.")
    return self.dtype if self._grad_dtype is OWN else self._grad_dtype


def _set_grad_dtype(self: Tensor, value: DType | None) -> None:
    if not self.is_leaf:  # type: ignore[attr-defined]
        raise RuntimeError("grad_dtype can only be set on leaf tensors.")
    if value is not None and not isinstance(value, DType):
        raise RuntimeError(
            f"grad_dtype must be a torch.dtype or None, but got {type(value).__name__}"
        )
    grad = self._grad
    if grad is not None and value is not None and grad.dtype is not value:
        raise RuntimeError(
            f"Cannot set grad_dtype to '{scalar_name(value)}' because there is already a gradient "
            f"with dtype '{cpp_name(grad.dtype)}'. Please clear the gradient (.grad = None) before "
            "changing grad_dtype, or ensure the new grad_dtype matches the existing gradient's "
            "dtype."
        )
    self._grad_dtype = value
    if self._node is not None:
        self._node.kind = self.kind if value is None else self.kind.family[value]


Tensor.grad_dtype = property(_grad_dtype, _set_grad_dtype)  # type: ignore[attr-defined]


@method("requires_grad_")
def _requires_grad_in_place(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Asks for gradients of this tensor (or no longer), in place."""
    node = history(self)
    if requires_grad:
        if node is None:
            if self._writes is INFERENCE and not modes.inference:
                raise RuntimeError(
                    "Setting requires_grad=True on inference tensor outside InferenceMode is "
                    "not allowed."
                )
            if not self.kind.floating:
                raise RuntimeError("only Tensors of floating point dtype can require gradients")
            self._node = make_leaf(self)
    elif node is not None:
        if type(node) is not Leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        self._node = None
    return self


@_property
def _grad_fn(self: Tensor) -> Node | None:
    """The node that made this tensor; None for a leaf."""
    node = history(self)
    if node is None or type(node) is Leaf:
        return None
    return node.owner if type(node) is Output else node


@_property
def _output_nr(self: Tensor) -> int:
    """Which result of its operation this tensor is."""
    node = history(self)
    return node.index if type(node) is Output else 0


@_property
def _is_leaf(self: Tensor) -> bool:
    """Whether this tensor was not computed from tensors that require gradients."""
    node = history(self)
    return node is None or type(node) is Leaf


def _version_of(self: Tensor) -> int:
    """How many in-place writes the memory of this tensor has seen."""
    if self._writes is INFERENCE:
        raise RuntimeError("Inference tensors do not track version counter.")
    return 0 if self._writes is None else self._writes.count


Tensor._version = property(_version_of)  # type: ignore[attr-defined]


def _is_view(self: Tensor) -> bool:
    """Whether this tensor is a differentiable view of another."""
    return self._base is not None


Tensor._is_view = _is_view  # type: ignore[attr-defined]


def _data(self: Tensor) -> Tensor:
    """The same elements without history; writes to it are not counted."""
    return flip(wrap_any(self._array, self.kind), self._flips)


def _set_data(self: Tensor, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
    replace_array(self, value._array)
    if type(self) in PLAIN:
        flip(self, 0)
        self._kind = own_kind(value._array, value.kind)
        flip(self, value._flips)
    if self._kind is None:
        self._hidden_kind = value.kind
    if type(self._node) is Leaf:
        self._node.shape, self._node.kind = value.shape, value.kind


Tensor.data = property(_data, _set_data)  # type: ignore[attr-defined]


@method("is_inference")
def _is_inference(self: Tensor) -> bool:
    """Whether this tensor was made in inference mode."""
    return self._writes is INFERENCE


# ---- place


@_property
def _is_cpu(self: Tensor) -> bool:
    """Whether the tensor is in host memory."""
    return self.device.type == "cpu"


@_property
def _is_cuda(self: Tensor) -> bool:
    """Whether the tensor is on a CUDA device."""
    return self.device.type == "cuda"


@_property
def _is_meta(self: Tensor) -> bool:
    """Whether the tensor has a shape and a dtype, but no elements."""
    return self.device.type == "meta"


@method("get_device")
def get_device(input: Tensor) -> int:
    """The index of the CUDA device, -1 for the CPU.

    >>> torch.get_device(torch.ones(2))
    -1
    """
    index = input.device.index
    return -1 if index is None else index


for _other in ("xpu", "mps", "mkldnn", "quantized", "nested", "ipu", "maia",
               "mtia", "vulkan", "xla", "hpu"):  # fmt: skip
    setattr(
        Tensor,
        f"is_{_other}",
        property(lambda self: False, doc=f"False: no tensor here is {_other}."),
    )


@_property
def _layout(self: Tensor) -> layout.layout:
    """How the elements are stored: ``torch.strided``, ``torch.sparse_coo``, ..."""
    return layout_of(self)


@_property
def _is_sparse(self: Tensor) -> bool:
    """Whether the elements are stored with coordinates: layout ``torch.sparse_coo``."""
    return layout_of(self) is layout.sparse_coo


@_property
def _is_sparse_csr(self: Tensor) -> bool:
    """Whether the elements are stored by compressed rows: layout ``torch.sparse_csr``."""
    return layout_of(self) is layout.sparse_csr


# ---- elements


@_property
def _itemsize(self: Tensor) -> int:
    """The bytes of one element."""
    return self.dtype.itemsize


@method("element_size")
def _element_size(self: Tensor) -> int:
    """The bytes of one element."""
    return self.dtype.itemsize


@method("size")
def _size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    return self.shape if dim is None else self.shape[_checked(dim, self.ndim)]


def _checked(dim: int, ndim: int) -> int:
    if not ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, ndim)


Tensor.nelement = Tensor.numel  # type: ignore[attr-defined]
Tensor.ndimension = Tensor.dim  # type: ignore[attr-defined]


def numel(input: Tensor) -> int:
    """The number of elements of ``input``.

    >>> torch.numel(torch.ones(2, 3))
    6
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("numel", "input", 1, input)
    return input.numel()


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a tensor.

    >>> torch.is_tensor([1, 2])
    False
    """
    return isinstance(obj, Tensor)


@method("is_floating_point")
def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a real floating one.

    >>> torch.is_floating_point(torch.ones(2, dtype=torch.bfloat16))
    True
    """
    return input.dtype.is_floating_point


@method("is_complex")
def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex.

    >>> torch.is_complex(torch.tensor([1j]))
    True
    """
    return input.dtype.is_complex


@method("is_signed")
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative values.

    >>> torch.is_signed(torch.zeros(2, dtype=torch.uint8))
    False
    """
    return input.dtype.is_signed


@method("is_nonzero")
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero.

    ``input`` has one element, of any shape and dtype; RuntimeError otherwise.

    >>> torch.is_nonzero(torch.tensor([0.5]))
    True
    """
    if input.numel() != 1:
        what = "no values" if input.numel() == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
    return bool(input)


@method("is_same_size")
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal.

    >>> torch.is_same_size(torch.ones(2, 3), torch.zeros(2, 3))
    True
    """
    return input.shape == other.shape


@method("__repr__")
def _repr(self: Tensor, *, tensor_contents: str | None = None) -> str:
    return tensor_str(self)


@method("__dir__")
def _dir(self: Tensor) -> list[str]:
    return sorted({*dir(type(self)), *self.__dict__})


# ---- what few programs ask for


Tensor.name = property(lambda self: None, doc="None: tensors have no names.")  # type: ignore[attr-defined]


@method("is_distributed")
def is_distributed(input: Tensor) -> bool:
    """False: the elements of a plain tensor are all in one place.

    >>> torch.is_distributed(torch.ones(2))
    False
    """
    return False


@method("dim_order")
def _dim_order(self: Tensor, *, ambiguity_check: bool | list[Any] = False) -> tuple[int, ...]:
    """The dimensions from the one with the longest steps in memory to the shortest.

    With ``ambiguity_check``, True or a list of memory formats, RuntimeError unless there is only
    one such order, or exactly one of the formats fits.
    """
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if not (isinstance(ambiguity_check, (bool, list)) and all(
        isinstance(one, layout.memory_format) for one in formats
    )):  # fmt: skip
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    fitting = [one for one in formats if self.is_contiguous(memory_format=one)]  # type: ignore
    steps = self.stride()  # type: ignore[attr-defined]
    unclear = len(set(steps)) < len(steps) or any(n == 1 for n in self.shape if len(self.shape) > 1)
    if ambiguity_check and unclear and len(fitting) != 1:
        raise RuntimeError(
            "The tensor does not have unique dim order, or cannot map to exact one of the given "
            "memory formats."
        )
    return tuple(sorted(range(self.ndim), key=lambda d: -steps[d]))


@method("module_load")
def _module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What ``load_state_dict`` puts in the place of this tensor: itself with the values of
    ``other``, or ``other`` when they are assigned."""
    return other.detach() if assign else self.copy_(other).detach()  # type: ignore[attr-defined]


# ---- Parameter


def _new_parameter(cls: type[Parameter], data: Any = None, requires_grad: bool = True) -> Tensor:
    """A parameter over the memory of ``data`` (an empty tensor by default)."""
    if data is None:
        data = Tensor()
    if not isinstance(data, Tensor):
        raise TypeError(f"Parameter data must be a Tensor, not {type(data).__name__}")
    made = object.__new__(cls)
    made._array, made._kind = data._array, own_kind(data._array, data.kind)
    made._node = made._base = None
    if made._kind is None:
        made._hidden_kind = data.kind
    made._writes = data._writes
    flip(made, data._flips)
    if requires_grad:
        made.requires_grad_()  # type: ignore[attr-defined]
    return made


Parameter.__new__ = staticmethod(_new_parameter)  # type: ignore[assignment]
__all__ = exported(globals())
